"""What is deployed: no keys, the names and settings of the code, both networks, any number of workspaces."""

from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest

import handlers
from function_app import app
from shared.gateways.blobs import DEAD_LETTERS, LARGE_EVENTS
from shared.gateways.queue import QUEUE
from shared.settings import load, load_storage
from shared.store import TABLE
from tests.fakes.environ import Environ
from tests.infra.compiler import ROOT
from tests.infra.conftest import Evaluate
from tests.infra.evaluated import Evaluated
from tests.markdown import DOCS, code, section, table

ENVIRONMENTS = ("dev", "test", "prod")
WORKSPACE = (
    "{{ id: '/subscriptions/00000000-0000-0000-0000-00000000000{0}/resourceGroups/rg-{1}/providers/"
    "Microsoft.MachineLearningServices/workspaces/{2}', location: 'westeurope' }}"
)
ONE = f"[{WORKSPACE.format(1, 'ml', 'mlw_a')}]"
THREE = (
    f"[{', '.join(WORKSPACE.format(*parts) for parts in [(1, 'ml', 'mlw_a'), (1, 'ml', 'mlw-a'), (2, 'ml', 'mlw-b')])}]"
)
#: What only the host reads; docs/settings.md says what for.
HOST = {
    code(name)[index]
    for name, *_ in table(
        section((DOCS / "settings.md").read_text(encoding="utf-8"), "Read by the Functions host"), "name"
    )
    for index in range(len(code(name)))
}


@pytest.mark.parametrize("name", ENVIRONMENTS)
def test_nothing_takes_a_key(name: str, environment: Evaluate) -> None:
    """Storage, mail, logs and topics let identities in only; storage is private, encrypted on the way, and forgives."""
    evaluated = environment(name)
    for account in evaluated.of("Microsoft.Storage/storageAccounts"):
        properties = account["properties"]
        assert properties["allowSharedKeyAccess"] is False
        assert properties["allowBlobPublicAccess"] is False
        assert properties["minimumTlsVersion"] == "TLS1_2"
        assert properties["supportsHttpsTrafficOnly"] is True
    for blobs in evaluated.of("Microsoft.Storage/storageAccounts/blobServices"):
        assert blobs["properties"]["deleteRetentionPolicy"]["enabled"] is True
        assert blobs["properties"]["containerDeleteRetentionPolicy"]["enabled"] is True
    assert evaluated.one("Microsoft.Communication/communicationServices")["properties"]["disableLocalAuth"] is True
    assert evaluated.one("Microsoft.Insights/components")["properties"]["DisableLocalAuth"] is True
    assert (
        evaluated.one("Microsoft.OperationalInsights/workspaces")["properties"]["features"]["disableLocalAuth"] is True
    )
    for topic in evaluated.of("Microsoft.EventGrid/topics"):
        assert topic["properties"]["disableLocalAuth"] is True
    for policy in evaluated.of("Microsoft.Web/sites/basicPublishingCredentialsPolicies"):
        assert policy["properties"] == {"allow": False}
    assert "listkeys" not in str(evaluated.snapshot).casefold()


@pytest.mark.parametrize("name", ENVIRONMENTS)
def test_the_plan_and_the_app(name: str, environment: Evaluate) -> None:
    """Flex Consumption, Python 3.13, its package by identity; one instance that always waits in prod."""
    site = environment(name).one("Microsoft.Web/sites")
    config = site["properties"]["functionAppConfig"]
    assert environment(name).one("Microsoft.Web/serverfarms")["sku"] == {"name": "FC1", "tier": "FlexConsumption"}
    assert config["runtime"] == {"name": "python", "version": (ROOT / ".python-version").read_text().strip()}
    assert config["deployment"]["storage"]["authentication"]["type"] == "UserAssignedIdentity"
    scale = config["scaleAndConcurrency"]
    react = [{"name": "function:react", "instanceCount": 1}]
    assert scale["alwaysReady"] == (react if name == "prod" else [])
    assert 40 <= scale["maximumInstanceCount"] <= 1000
    assert site["identity"]["type"] == "UserAssigned"
    assert site["properties"]["httpsOnly"] is True


@pytest.mark.parametrize("name", ENVIRONMENTS)
def test_settings_are_those_that_the_code_reads(name: str, environment: Evaluate) -> None:
    """No more and no less; the host's own are those of docs/settings.md. They can be used."""
    settings = environment(name).settings()
    environ = Environ(usable(settings))
    load(environ, folder=ROOT)
    load_storage(environ)
    read = environ.asked - {"StateStorage", "OUTCOME_TOPIC_ENDPOINT"}
    outcomes = {"OUTCOME_TOPIC_ENDPOINT"} if name == "test" else set()
    assert settings.keys() == read | HOST | outcomes
    assert settings["WORKSPACES"].split(",") == environment(name).outputs["WORKSPACES"]
    assert settings["INSTALLATION"] == name


def usable(settings: Any) -> dict[str, str]:
    """Return the settings with something in place of what only the deployment knows."""
    known = {
        "MAIL_ENDPOINT": "https://acs.communication.azure.com",
        "MAIL_SENDER": "reactor@example.com",
        "OUTCOME_TOPIC_ENDPOINT": "https://evgt.westeurope-1.eventgrid.azure.net/api/events",
    }
    return {name: known.get(name, value) if value.startswith("[") else value for name, value in settings.items()}


@pytest.mark.parametrize("name", ENVIRONMENTS)
def test_names_in_storage_are_those_of_the_code(name: str, environment: Evaluate) -> None:
    """Queue and poison queue, table, containers; large events outlive the letters that refer to them."""
    evaluated = environment(name)
    storage = "Microsoft.Storage/storageAccounts"

    def names(kind: str) -> set[str]:
        return {one["name"].rpartition("/")[2] for one in evaluated.of(f"{storage}/{kind}")}

    assert names("queueServices/queues") == {QUEUE, f"{QUEUE}-poison"}
    assert names("tableServices/tables") == {TABLE}
    assert names("blobServices/containers") == {DEAD_LETTERS, LARGE_EVENTS, "app-package"}
    rules = evaluated.one(f"{storage}/managementPolicies")["properties"]["policy"]["rules"]
    days = {
        rule["definition"]["filters"]["prefixMatch"][0]: rule["definition"]["actions"]["baseBlob"]["delete"][
            "daysAfterModificationGreaterThan"
        ]
        for rule in rules
    }
    assert days.keys() == {f"{DEAD_LETTERS}/", f"{LARGE_EVENTS}/"}
    assert days[f"{LARGE_EVENTS}/"] > days[f"{DEAD_LETTERS}/"]


def test_functions_are_those_of_the_app(environment: Evaluate) -> None:
    """What the infrastructure calls by name is there."""
    functions = {function.get_function_name() for function in app.get_functions()}
    ready = environment("prod").one("Microsoft.Web/sites")["properties"]["functionAppConfig"]["scaleAndConcurrency"]
    named = {one["name"].removeprefix("function:") for one in ready["alwaysReady"]}
    assert named | {family.function for family in handlers.PUSHED} <= functions


@pytest.mark.parametrize("networking", ["public", "private"])
@pytest.mark.parametrize("workspaces", [ONE, THREE], ids=["one", "three"])
def test_every_shape_evaluates(networking: str, workspaces: str, variant: Callable[..., Evaluated]) -> None:
    """Both modes, both networks, one and three workspaces, two of them in one group: no id twice, no complaint."""
    for delivery in ("push", "queue") if networking == "public" else ("queue",):
        evaluated = variant(
            "dev",
            networking=f"'{networking}'",
            eventDelivery=f"'{delivery}'",
            workspaces=workspaces,
            publishOutcomes="true",
        )
        ids = Counter(resource["id"].casefold() for resource in evaluated.resources)
        assert [one for one, count in ids.items() if count > 1] == []
        assert evaluated.snapshot["diagnostics"] == []


def test_private_means_private(environment: Evaluate) -> None:
    """Storage without public access, an endpoint and a zone for every service, all traffic through the network."""
    prod = environment("prod")
    for account in prod.of("Microsoft.Storage/storageAccounts"):
        assert account["properties"]["publicNetworkAccess"] == "Disabled"
        assert account["properties"]["networkAcls"] == {"defaultAction": "Deny", "bypass": "AzureServices"}
    endpoints = [
        endpoint["properties"]["privateLinkServiceConnections"][0]["properties"]["groupIds"]
        for endpoint in prod.of("Microsoft.Network/privateEndpoints")
    ]
    assert sorted(endpoints) == [["blob"], ["blob"], ["queue"], ["table"]]
    assert len(prod.of("Microsoft.Network/privateEndpoints/privateDnsZoneGroups")) == len(endpoints)
    assert len(prod.of("Microsoft.Network/privateDnsZones")) == 3
    site = prod.one("Microsoft.Web/sites")["properties"]
    assert site["outboundVnetRouting"] == {"allTraffic": True}
    assert site["virtualNetworkSubnetId"].endswith("/subnets/app")
    assert environment("dev").of("Microsoft.Network/virtualNetworks") == []


def test_names_can_be_chosen(variant: Callable[..., Evaluated]) -> None:
    """Each name of the app's own is the one that was asked for."""
    evaluated = variant("test", names="{ stateStorage: 'stmine', functionApp: 'func-mine', identity: 'id-mine' }")
    assert evaluated.outputs["STATE_STORAGE_NAME"] == "stmine"
    assert evaluated.outputs["AZURE_FUNCTION_APP_NAME"] == "func-mine"
    assert evaluated.outputs["IDENTITY_ID"].endswith("/id-mine")


def test_an_own_mail_domain_is_linked_once_it_is_verified(variant: Callable[..., Evaluated]) -> None:
    """Before that Azure would refuse it."""
    linked = [
        variant("dev", mailDomain="'notify.example.com'", mailDomainVerified=verified).one(
            "Microsoft.Communication/communicationServices"
        )["properties"]["linkedDomains"]
        for verified in ("false", "true")
    ]
    assert linked[0] == []
    assert linked[1][0].endswith("/domains/notify.example.com")
