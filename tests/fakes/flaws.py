"""Flaws of an installation, each with the check that has to find it, and how bad it is."""

from collections.abc import Callable

from local.azure.clock import now
from ops.doctor.storage import container_ids, queue_ids, table_ids
from shared.gateways.blobs import DEAD_LETTERS
from shared.gateways.queue import QUEUE
from shared.settings import SERVICES
from shared.switches import SWITCHES
from tests.fakes.installation import (
    APP,
    DOMAIN,
    HOST,
    OUTCOMES,
    PRINCIPAL,
    SERVICE,
    STATE,
    TOPIC,
    TOPIC_PRINCIPAL,
    WORKSPACE,
    Installation,
)

type Flaw = Callable[[Installation], object]


def settings(**values: str) -> Flaw:
    """Other settings."""
    return lambda there: there.settings.update(values)


def without(name: str) -> Flaw:
    """A setting less."""
    return lambda there: there.settings.pop(name)


def properties(resource: str, **values: object) -> Flaw:
    """Other properties of a resource."""
    return lambda there: there.deployed.resources[resource.casefold()]["properties"].update(values)


def removed(resource: str) -> Flaw:
    """A resource less."""
    return lambda there: there.remove(resource)


def roleless(principal: str, scope: str) -> Flaw:
    """A role less."""
    return lambda there: there.take_away(principal, scope)


def subscription(**values: object) -> Flaw:
    """Other properties of the first event subscription."""
    return properties(f"{TOPIC}/eventSubscriptions/reactor-model_registered", **values)


def filtered(**values: object) -> Flaw:
    """Another filter of it."""
    return lambda there: there.subscriptions["reactor-model_registered"]["properties"]["filter"].update(values)


def also_into_the_queue(there: Installation) -> None:
    """A second way for each event."""
    to = {"resourceId": STATE, "queueName": QUEUE}
    there.subscribe("queue", {"endpointType": "StorageQueue", "properties": to}, ["Any"])


def with_a_key(there: Installation) -> None:
    """Dead letters, but by a key."""
    found = there.subscriptions["reactor-model_registered"]["properties"]
    found["deadLetterDestination"] = found.pop("deadLetterWithResourceIdentity")["deadLetterDestination"]


def unsubscribed(there: Installation) -> None:
    """No way for any event."""
    for one in there.subscriptions.values():
        there.remove(one["id"])


def with_endpoints(there: Installation) -> None:
    """No flaw: an account that is closed to the public, with ways in for the app and Event Grid."""
    there.account["properties"].update(
        publicNetworkAccess="Disabled",
        networkAcls={"bypass": "AzureServices", "defaultAction": "Deny"},
        privateEndpointConnections=[
            {"properties": {"privateLinkServiceConnectionState": {"status": "Approved"}}} for _service in SERVICES
        ],
    )
    there.app["properties"]["virtualNetworkSubnetId"] = "/subscriptions/x"


def closed_to_event_grid(there: Installation) -> None:
    """The same without the exception for trusted services."""
    with_endpoints(there)
    there.account["properties"]["networkAcls"]["bypass"] = "None"


PUSHED = "Microsoft.MachineLearningServices.ModelRegistered"
FUNCTION = {"endpointType": "AzureFunction", "properties": {"resourceId": f"{APP}/functions/model_registered"}}
ELSEWHERE = {
    "deadLetterDestination": {
        "endpointType": "StorageBlob",
        "properties": {"resourceId": STATE, "blobContainerName": "x"},
    }
}
CLOSED = {"publicNetworkAccess": "Disabled", "networkAcls": {"bypass": "AzureServices"}}

#: A flaw, the check that has to find it, and how bad it is.
FLAWS: list[tuple[str, str, Flaw]] = [
    ("app-running", "failed", properties(APP, state="Stopped")),
    ("app-running", "failed", properties(APP, enabled=False)),
    ("app-identity", "failed", settings(AZURE_CLIENT_ID="another")),
    (
        "app-identity",
        "warning",
        lambda there: (there.settings.pop("AZURE_CLIENT_ID"), there.app["identity"].update(principalId=PRINCIPAL)),
    ),
    ("runtime", "failed", properties(APP, functionAppConfig={"runtime": {"name": "python", "version": "3.11"}})),
    ("functions", "failed", removed(f"{APP}/functions/react")),
    ("functions", "failed", properties(f"{APP}/functions/react", isDisabled=True)),
    ("functions", "failed", settings(**{"AzureWebJobs.data_drift.Disabled": "true"})),
    ("settings", "failed", without("OPS_EMAIL")),
    ("settings", "failed", settings(WORKSPACES="mlw-churn")),
    ("host-settings", "failed", without("StateStorage__credential")),
    ("host-settings", "failed", settings(AzureWebJobsStorage__clientId="another")),
    ("host-settings", "warning", without("APPLICATIONINSIGHTS_CONNECTION_STRING")),
    (
        "keys-in-settings",
        "warning",
        settings(AzureWebJobsStorage="DefaultEndpointsProtocol=https;AccountName=sthost;AccountKey=k"),
    ),
    ("dry-run", "warning", settings(DRY_RUN="True")),
    ("reactions", "failed", settings(REACTIONS_FILE="no-such.yaml")),
    ("storage-account", "warning", properties(STATE, allowSharedKeyAccess=True)),
    ("storage-account", "warning", properties(STATE, minimumTlsVersion="TLS1_0")),
    ("storage-account", "warning", properties(STATE, allowBlobPublicAccess=True)),
    ("storage-account", "unknown", removed(STATE)),
    (
        "storage-of-host",
        "warning",
        settings(AzureWebJobsStorage__blobServiceUri="https://streactor.blob.core.windows.net"),
    ),
    ("storage-network", "failed", properties(STATE, **CLOSED)),
    (
        "storage-network",
        "failed",
        closed_to_event_grid,
    ),
    ("queues", "failed", removed(queue_ids(STATE)[1])),
    ("table", "failed", removed(table_ids(STATE)[0])),
    ("containers", "failed", removed(container_ids(STATE)[1])),
    ("role-queues", "failed", roleless(PRINCIPAL, queue_ids(STATE)[1])),
    ("role-table", "failed", roleless(PRINCIPAL, table_ids(STATE)[0])),
    ("role-containers", "failed", roleless(PRINCIPAL, container_ids(STATE)[1])),
    ("role-host", "failed", roleless(PRINCIPAL, HOST)),
    ("role-workspaces", "failed", roleless(PRINCIPAL, WORKSPACE)),
    ("role-assets", "warning", roleless(PRINCIPAL, WORKSPACE)),
    ("role-tags", "warning", roleless(PRINCIPAL, WORKSPACE)),
    ("role-mail", "failed", roleless(PRINCIPAL, SERVICE)),
    ("role-outcomes", "failed", roleless(PRINCIPAL, OUTCOMES)),
    ("role-outcomes", "failed", properties(OUTCOMES, inputSchema="EventGridSchema")),
    ("role-outcomes", "unknown", removed(OUTCOMES)),
    ("role-topics", "failed", roleless(TOPIC_PRINCIPAL, container_ids(STATE)[0])),
    ("role-bounds", "warning", lambda there: there.assign(PRINCIPAL, "owner", WORKSPACE)),
    ("workspaces", "failed", settings(WORKSPACES=f"{WORKSPACE}, {WORKSPACE}-2")),
    ("topics", "failed", removed(TOPIC)),
    ("topics", "failed", lambda there: there.topic.pop("identity")),
    ("topics", "failed", properties(TOPIC, provisioningState="Failed")),
    ("subscriptions", "failed", removed(f"{TOPIC}/eventSubscriptions/reactor-data_drift")),
    ("subscriptions", "failed", unsubscribed),
    ("subscriptions", "warning", also_into_the_queue),
    ("subscriptions", "warning", lambda there: there.subscribe("again", FUNCTION, [PUSHED])),
    ("subscriptions-ready", "failed", subscription(provisioningState="AwaitingManualAction")),
    ("subscriptions-ready", "warning", subscription(expirationTimeUtc="2027-01-01T00:00:00Z")),
    ("subscriptions-ready", "failed", subscription(eventDeliverySchema="CustomInputSchema")),
    ("event-types", "failed", filtered(includedEventTypes=[])),
    ("event-types", "warning", filtered(includedEventTypes=[PUSHED, "Microsoft.MachineLearningServices.RunCompleted"])),
    ("event-types", "warning", filtered(includedEventTypes=None)),
    ("filters", "failed", filtered(subjectBeginsWith="models/churn")),
    (
        "filters",
        "failed",
        filtered(advancedFilters=[{"operatorType": "StringIn", "key": "data.runStatus", "values": ["Failed"]}]),
    ),
    ("dead-lettering", "failed", subscription(deadLetterWithResourceIdentity=None)),
    ("dead-lettering", "failed", subscription(deadLetterWithResourceIdentity=ELSEWHERE)),
    ("dead-lettering", "warning", with_a_key),
    ("retries", "warning", subscription(retryPolicy={"maxDeliveryAttempts": 3, "eventTimeToLiveInMinutes": 1440})),
    ("mail-resource", "warning", properties(SERVICE, disableLocalAuth=False)),
    ("mail-resource", "unknown", settings(MAIL_ENDPOINT="https://acs-other.europe.communication.azure.com")),
    ("mail-domain", "failed", properties(SERVICE, linkedDomains=[])),
    ("mail-domain", "failed", properties(DOMAIN, verificationStates={"Domain": {"status": "Verified"}})),
    ("mail-sender", "failed", settings(MAIL_SENDER="nobody@reactor.azurecomm.net")),
    ("queue-length", "warning", lambda there: there.contents.queues.update({QUEUE: 1001})),
    ("poison", "failed", lambda there: there.contents.queues.update({f"{QUEUE}-poison": 1})),
    (
        "dead-letters",
        "warning",
        lambda there: there.contents.blobs[DEAD_LETTERS].update({"reactor/failed/1.json": now()}),
    ),
    (
        "pauses",
        "warning",
        lambda there: there.contents.rows.append(
            {"PartitionKey": SWITCHES, "RowKey": "pause|retrain", "Timestamp": now().isoformat()}
        ),
    ),
    ("last-event", "warning", lambda there: there.contents.rows.clear()),
    ("deliveries", "failed", lambda there: there.deployed.totals[TOPIC.casefold()].update(DeadLetteredCount=1.0)),
    (
        "deliveries",
        "failed",
        lambda there: there.deployed.totals[TOPIC.casefold()].update(
            DeliverySuccessCount=0.0, DeliveryAttemptFailCount=4.0
        ),
    ),
]
