"""Checks of the settings, and of the project that is deployed with them."""

from collections.abc import Iterator

from ops.compile import MEND, job_files, outdated
from ops.doctor.finding import Finding, failed, ok, warning
from ops.doctor.look import Look
from ops.doctor.remedies import setting, without_setting
from ops.rules import read_rules
from ops.settings_at_hand import AtHand
from shared.errors import ConfigurationError
from shared.settings import load

#: What the Functions host reads (docs/settings.md).
IDENTITY = {"StateStorage__credential": "managedidentity", "AzureWebJobsStorage__credential": "managedidentity"}
HOST = ("AzureWebJobsStorage__clientId", "StateStorage__clientId")
LOGS = "APPLICATIONINSIGHTS_CONNECTION_STRING"
KEYS = ("StateStorage", "AzureWebJobsStorage")


def usable(look: Look) -> Iterator[Finding]:
    """Look at the settings as the app does when it starts."""
    try:
        load(look.settings, folder=look.folder)
    except ConfigurationError as error:
        for problem in error.problems:
            name = next((word for word in problem.replace(",", " ").split() if word in problem_names(look)), "<NAME>")
            yield failed(problem, setting(look.app, name, "<VALUE>"))
        return
    yield ok("the app can use them")


def problem_names(look: Look) -> frozenset[str]:
    """Return what may be the name of a setting in a problem."""
    services = {f"StateStorage__{service}ServiceUri" for service in ("queue", "table", "blob")}
    return frozenset({"WORKSPACES", "OPS_EMAIL", "MAIL_ENDPOINT", "MAIL_SENDER", "INSTALLATION", "DRY_RUN"}) | (
        services | look.settings.keys()
    )


def for_the_host(look: Look) -> Iterator[Finding]:
    """Look at the settings that the Functions host reads: its storage and the triggers', by identity; and logs."""
    found = look.settings
    wrong = {name: value for name, value in IDENTITY.items() if found.get(name, "").casefold() != value}
    if found.get("StateStorage"):
        wrong.pop("StateStorage__credential", None)
    for name, value in wrong.items():
        yield failed(
            f"{name} is not {value}: the host cannot use the storage by identity", setting(look.app, name, value)
        )
    client = found.get("AZURE_CLIENT_ID", "").strip()
    for name in HOST if client else ():
        if found.get(name) != client and not (name.startswith("StateStorage") and found.get("StateStorage")):
            told = f"{name} is not the client id in AZURE_CLIENT_ID: the host asks as another identity"
            yield failed(told, setting(look.app, name, client))
    if not found.get(LOGS):
        told = f"{LOGS} is missing: there are no log lines to look at"
        yield warning(told, setting(look.app, LOGS, "<connection string of Application Insights>"))
    elif not wrong:
        yield ok("the host uses storage by identity, and logs")


def without_keys(look: Look) -> Iterator[Finding]:
    """Look for connection strings with a key in them."""
    found = [name for name in KEYS if look.settings.get(name, "").strip()]
    for name in found:
        told = f"{name} is a connection string, which holds a key; the settings {name}__… do without"
        yield warning(told, without_setting(look.app, name))
    if not found:
        yield ok("no setting holds a key")


def as_expected(look: Look) -> Iterator[Finding]:
    """Compare the settings in Azure with those in --settings FILE."""
    if not look.expected:
        yield ok("no file of settings was given to compare them with (--settings)")
        return
    live = look.live_settings
    differ = [name for name, value in look.expected.items() if live.get(name) != value]
    for name in differ:
        told = f"{name} differs from the file" if name in live else f"{name} is in the file and not in Azure"
        yield failed(told, setting(look.app, name, "<VALUE of the file>"))
    if not differ:
        yield ok(f"the {len(look.expected)} settings of the file are those in Azure")


def acting(look: Look) -> Iterator[Finding]:
    """Look whether the app may act at all."""
    if look.settings.get("DRY_RUN", "").strip().casefold() == "true":
        yield warning("DRY_RUN is true: all is decided and nothing is done", setting(look.app, "DRY_RUN", "false"))
    else:
        yield ok("jobs are started and mails are sent")


def rules(look: Look) -> Iterator[Finding]:
    """Read the reactions of this folder as the app does, with its settings."""
    settings = AtHand(values=look.settings, source="Azure")
    name = settings.reactions_file(None)
    try:
        found = read_rules(look.folder, file=name, addresses=settings.addresses).rules
    except ConfigurationError as error:
        for problem in error.problems:
            yield failed(problem, "mend it here (`python -m ops validate`) and deploy")
        return
    if found:
        yield ok(f"{name} here: {len(found)} reactions")
    else:
        yield warning(f"{name} here has no reaction: nothing will ever happen", "python -m ops init FOLDER")


def compiled(look: Look) -> Iterator[Finding]:
    """Look whether each job file of this folder has its compiled form."""
    files = job_files(look.folder, AtHand(values=look.settings, source="Azure").reactions_file(None))
    problems = outdated(files)
    for problem in problems:
        yield warning(problem, f"{MEND}, commit and deploy: else the app does it itself, a second and 60 MB each time")
    if not problems:
        yield ok(f"{len(files)} job files here are compiled")
