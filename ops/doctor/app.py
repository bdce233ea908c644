"""Checks of the function app."""

from collections.abc import Iterator

import handlers
from ops.doctor.finding import Finding, failed, ok, warning
from ops.doctor.look import SITES, Look
from ops.doctor.remedies import DEPLOY, az, without_setting

PYTHON = ("python", "3.13")
#: Functions of function_app.py besides those that Event Grid pushes to.
QUEUE_FUNCTIONS = ("react", "dead_letter")
PUBLISH = "func azure functionapp publish"


def running(look: Look) -> Iterator[Finding]:
    """Look whether the app runs."""
    properties = look.site["properties"]
    state = properties.get("state")
    if state != "Running" or properties.get("enabled") is False:
        yield failed(f"the app is {state or 'disabled'}: events wait", az("functionapp", "start", "--ids", look.app))
    else:
        yield ok("it runs")


def identity(look: Look) -> Iterator[Finding]:
    """Look whether the app has the identity that its settings name."""
    found = look.site.get("identity") or {}
    client = look.settings.get("AZURE_CLIENT_ID", "").strip()
    assigned = (found.get("userAssignedIdentities") or {}).values()
    if not client and found.get("principalId"):
        told = "AZURE_CLIENT_ID is missing: it acts as its system-assigned identity, whose roles go with the app"
        yield warning(told, DEPLOY)
    elif not client or client not in {one.get("clientId") for one in assigned}:
        told = "the app has not the user-assigned identity of AZURE_CLIENT_ID: it gets no token, and all waits"
        yield failed(told, az("functionapp", "identity", "assign", "--ids", look.app, "--identities", "<ID>"))
    else:
        yield ok("it has the identity of AZURE_CLIENT_ID")


def runtime(look: Look) -> Iterator[Finding]:
    """Look whether it runs on the Python that the tests ran on."""
    properties = look.site["properties"]
    found = (properties.get("functionAppConfig") or {}).get("runtime") or {}
    named = (str(found.get("name", "")), str(found.get("version", "")))
    if not found:  # not Flex Consumption
        stack = str((properties.get("siteConfig") or {}).get("linuxFxVersion") or "")
        name, _, version = stack.casefold().partition("|")
        named = (name, version)
    if named == PYTHON:
        yield ok("Python 3.13")
    else:
        yield failed(f"it runs on {' '.join(named).strip() or 'an unknown stack'}, not on Python 3.13", DEPLOY)


def functions(look: Look) -> Iterator[Finding]:
    """Look whether every function of function_app.py is there, and none is disabled."""
    assert look.site  # noqa: S101 - without an app no functions, and that is said first
    listed = look.arm.listed(f"{look.app}/functions", SITES)
    found = {one["name"].rpartition("/")[2]: one["properties"] for one in listed}
    wanted = [*QUEUE_FUNCTIONS, *(family.function for family in handlers.PUSHED)]
    name = look.app.rpartition("/")[2]
    if absent := [one for one in wanted if one not in found]:
        told = f"functions are missing: {', '.join(absent)}; the code is not deployed, or does not start"
        yield failed(told, f"{PUBLISH} {name}")
    disabled = [one for one in wanted if one in found and _disabled(look, one, found[one])]
    for one in disabled:
        yield failed(f"the function {one} is disabled", without_setting(look.app, f"AzureWebJobs.{one}.Disabled"))
    if not absent and not disabled:
        yield ok(f"{len(wanted)} functions: {', '.join(wanted)}")


def _disabled(look: Look, name: str, properties: object) -> bool:
    setting = look.settings.get(f"AzureWebJobs.{name}.Disabled", "").strip().casefold()
    return setting in {"true", "1"} or (isinstance(properties, dict) and properties.get("isDisabled") is True)
