"""An installation in Azure as the infrastructure leaves it, on the stand-in: `ops doctor` finds nothing wrong."""

from collections.abc import Iterable
from datetime import timedelta
from typing import Any, Literal

import handlers
from local.azure import StandIn
from local.azure.clock import now
from local.azure.identity import CLIENT_ID
from local.azure.stand_in import SUBSCRIPTION
from local.azure.storage_reads import Contents
from ops.doctor.storage import container_ids, queue_ids, table_ids
from shared.gateways.blobs import DEAD_LETTERS, LARGE_EVENTS
from shared.gateways.queue import QUEUE

ROOT_ID = f"/subscriptions/{SUBSCRIPTION}"
GROUP = f"{ROOT_ID}/resourceGroups/rg-reactor"
APP = f"{GROUP}/providers/Microsoft.Web/sites/func-reactor"
STATE = f"{GROUP}/providers/Microsoft.Storage/storageAccounts/streactor"
HOST = f"{GROUP}/providers/Microsoft.Storage/storageAccounts/sthost"
IDENTITY = f"{GROUP}/providers/Microsoft.ManagedIdentity/userAssignedIdentities/id-reactor"
SERVICE = f"{GROUP}/providers/Microsoft.Communication/communicationServices/acs-reactor"
DOMAIN = f"{GROUP}/providers/Microsoft.Communication/emailServices/acse-reactor/domains/AzureManagedDomain"
WORKSPACE_GROUP = f"{ROOT_ID}/resourceGroups/rg-churn"
WORKSPACE = f"{WORKSPACE_GROUP}/providers/Microsoft.MachineLearningServices/workspaces/mlw-churn"
TOPIC = f"{WORKSPACE_GROUP}/providers/Microsoft.EventGrid/systemTopics/evgt-mlw-churn"
OUTCOMES = f"{GROUP}/providers/Microsoft.EventGrid/topics/evgt-outcomes"
PRINCIPAL, TOPIC_PRINCIPAL = "11110000-0000-4000-8000-000000000001", "11110000-0000-4000-8000-000000000002"
SENDER_DOMAIN = "reactor.azurecomm.net"

_QUEUES = "Microsoft.Storage/storageAccounts/queueServices/queues"
_BLOBS = "Microsoft.Storage/storageAccounts/blobServices/containers/blobs"
_TABLES = "Microsoft.Storage/storageAccounts/tableServices/tables/entities"
_ML = "Microsoft.MachineLearningServices/workspaces"
#: Data actions of built-in roles, by their GUIDs (Azure documentation, "Azure built-in roles for Storage").
BUILT_IN = {
    "974c5e8b-45b9-4653-ba55-5f855dd0fb88": [
        f"{_QUEUES}/messages/{action}" for action in ("delete", "read", "write", "process/action")
    ],
    "c6a89b2d-59bc-44d0-9896-0f6e12d7b80a": [f"{_QUEUES}/messages/add/action"],
    "0a9a7e1f-b9d0-4cc4-a60d-0319b160aaa3": [
        f"{_TABLES}/{action}" for action in ("read", "write", "delete", "add/action", "update/action")
    ],
    "ba92f5b4-2d11-453d-a403-e96b0029c9fe": [
        f"{_BLOBS}/{action}" for action in ("delete", "read", "write", "move/action", "add/action")
    ],
    "b7e6dc6d-f1e8-4753-8033-0f276bb0955b": [f"{_BLOBS}/*"],
    "d5a91429-5739-47e2-a06b-3470a27159e7": ["Microsoft.EventGrid/events/send/action"],
}
QUEUE_CONTRIBUTOR, QUEUE_SENDER, TABLE_CONTRIBUTOR, BLOB_CONTRIBUTOR, BLOB_OWNER, EVENT_SENDER = BUILT_IN
SENDS_MAIL, STARTS_JOBS = "sends-mail", "starts-jobs"
CUSTOM = {
    SENDS_MAIL: [f"Microsoft.Communication/{action}" for action in ("CommunicationServices/*", "EmailServices/write")],
    STARTS_JOBS: [
        f"{_ML}/{action}"
        for action in (
            *("read", "jobs/read", "jobs/write", "computes/read", "models/versions/write"),
            *(f"{kind}/versions/read" for kind in ("components", "environments", "data", "models")),
        )
    ],
}


def role_id(name: str) -> str:
    """ARM id of a role."""
    return f"{ROOT_ID}/providers/Microsoft.Authorization/roleDefinitions/{name}"


class Installation:
    """Puts everything there; its attributes are the resources, to be changed."""

    def __init__(self, azure: StandIn, *, delivery: Literal["push", "queue"] = "push") -> None:
        self.azure = azure
        self.deployed = azure.deployed
        azure.workspace("mlw-churn", group="rg-churn")
        self._roles()
        self.app = self._app()
        self.settings = self.deployed.settings[APP.casefold()]
        self.account = self._storage()
        self.topic = self._events(delivery)
        self.subscriptions = {
            one["name"]: one for arm_id, one in self.deployed.resources.items() if "/eventsubscriptions/" in arm_id
        }
        self.mail, self.domain = self._mail()
        self.contents = azure.storage_reads.accounts["streactor"]

    def assign(self, principal: str, role: str, scope: str) -> None:
        """Give a role."""
        name = f"{principal}|{role}|{scope}".replace("/", "~")
        properties = {"principalId": principal, "roleDefinitionId": role_id(role), "scope": scope}
        self.deployed.put(f"{scope}/providers/Microsoft.Authorization/roleAssignments/{name}", properties)

    def take_away(self, principal: str, scope: str) -> None:
        """Take what a principal has at a scope."""
        for arm_id, one in list(self.deployed.resources.items()):
            properties = one["properties"]
            if properties.get("principalId") == principal and properties.get("scope") == scope:
                del self.deployed.resources[arm_id]

    def remove(self, arm_id: str) -> None:
        """Delete a resource."""
        del self.deployed.resources[arm_id.casefold()]

    def _roles(self) -> None:
        for name, actions in {**BUILT_IN, **CUSTOM}.items():
            kind = "dataActions" if name in BUILT_IN else "actions"
            empty: dict[str, Any] = {"actions": [], "notActions": [], "dataActions": [], "notDataActions": []}
            self.deployed.put(role_id(name), {"permissions": [{**empty, kind: actions}]})
        self.deployed.put(role_id("owner"), {"permissions": [{"actions": ["*"], "notActions": []}]})

    def _app(self) -> dict[str, Any]:
        app = self.deployed.put(
            APP,
            {
                "state": "Running",
                "enabled": True,
                "functionAppConfig": {"runtime": {"name": "python", "version": "3.13"}},
            },
            identity={
                "type": "UserAssigned",
                "userAssignedIdentities": {IDENTITY: {"clientId": CLIENT_ID, "principalId": PRINCIPAL}},
            },
        )
        for function in ("react", "dead_letter", *(family.function for family in handlers.PUSHED)):
            self.deployed.put(f"{APP}/functions/{function}", {"isDisabled": False})
        state, host = ("https://streactor.{}.core.windows.net/", "https://sthost.{}.core.windows.net/")
        services = ("blob", "queue", "table")
        self.deployed.settings[APP.casefold()] = {
            "WORKSPACES": WORKSPACE,
            "OPS_EMAIL": "ops@example.com",
            "MAIL_ENDPOINT": "https://acs-reactor.europe.communication.azure.com",
            "MAIL_SENDER": f"reactor@{SENDER_DOMAIN}",
            "INSTALLATION": "prod",
            "AZURE_CLIENT_ID": CLIENT_ID,
            "APPLICATIONINSIGHTS_CONNECTION_STRING": "InstrumentationKey=00000000-0000-0000-0000-000000000000",
            "StateStorage__credential": "managedidentity",
            "StateStorage__clientId": CLIENT_ID,
            "AzureWebJobsStorage__credential": "managedidentity",
            "AzureWebJobsStorage__clientId": CLIENT_ID,
            **{f"StateStorage__{service}ServiceUri": state.format(service) for service in services},
            **{f"AzureWebJobsStorage__{service}ServiceUri": host.format(service) for service in services},
        }
        return app

    def _storage(self) -> dict[str, Any]:
        properties = {"allowSharedKeyAccess": False, "minimumTlsVersion": "TLS1_2", "allowBlobPublicAccess": False}
        account = self.deployed.put(STATE, properties)
        self.deployed.put(HOST, properties)
        self.assign(PRINCIPAL, BLOB_OWNER, HOST)
        self._owned(queue_ids(STATE), QUEUE_CONTRIBUTOR)
        self._owned(table_ids(STATE), TABLE_CONTRIBUTOR)
        self._owned(container_ids(STATE), BLOB_CONTRIBUTOR)
        row = {"PartitionKey": "churn", "RowKey": "event|1", "Timestamp": (now() - timedelta(minutes=20)).isoformat()}
        self.azure.storage_reads.accounts["streactor"] = Contents(
            queues={QUEUE: 0, f"{QUEUE}-poison": 0}, rows=[row], blobs={DEAD_LETTERS: {}, LARGE_EVENTS: {}}
        )
        return account

    def _owned(self, ids: Iterable[str], role: str) -> None:
        for arm_id in ids:
            self.deployed.put(arm_id)
            self.assign(PRINCIPAL, role, arm_id)

    def _events(self, delivery: str) -> dict[str, Any]:
        topic = self.deployed.put(
            TOPIC,
            {"source": WORKSPACE, "provisioningState": "Succeeded"},
            identity={"type": "SystemAssigned", "principalId": TOPIC_PRINCIPAL},
        )
        self.deployed.totals[TOPIC.casefold()] = {"PublishSuccessCount": 9.0, "DeliverySuccessCount": 9.0}
        self.assign(TOPIC_PRINCIPAL, BLOB_CONTRIBUTOR, container_ids(STATE)[0])
        self.assign(PRINCIPAL, STARTS_JOBS, WORKSPACE)
        if delivery == "push":
            for family in handlers.PUSHED:
                to = {"resourceId": f"{APP}/functions/{family.function}", "maxEventsPerBatch": 1}
                self.subscribe(family.function, {"endpointType": "AzureFunction", "properties": to}, family.event_types)
        else:
            self.assign(TOPIC_PRINCIPAL, QUEUE_SENDER, queue_ids(STATE)[0])
            to = {"resourceId": STATE, "queueName": QUEUE, "queueMessageTimeToLiveInSeconds": -1}
            types = {name for family in handlers.HANDLERS for name in family.event_types}
            self.subscribe("queue", {"endpointType": "StorageQueue", "properties": to}, types)
        endpoint = "https://evgt-outcomes.westeurope-1.eventgrid.azure.net/api/events"
        self.deployed.put(OUTCOMES, {"endpoint": endpoint, "inputSchema": "CloudEventSchemaV1_0"})
        self.assign(PRINCIPAL, EVENT_SENDER, OUTCOMES)
        self.settings["OUTCOME_TOPIC_ENDPOINT"] = endpoint
        return topic

    def subscribe(self, name: str, destination: dict[str, Any], types: Iterable[str]) -> None:
        """Have an event subscription; into a queue by the topic's identity."""
        identity = {"type": "SystemAssigned"}
        letters = {
            "endpointType": "StorageBlob",
            "properties": {"resourceId": STATE, "blobContainerName": DEAD_LETTERS},
        }
        by_identity = destination["endpointType"] == "StorageQueue"
        self.deployed.put(
            f"{TOPIC}/eventSubscriptions/reactor-{name}",
            {
                "provisioningState": "Succeeded",
                "eventDeliverySchema": "EventGridSchema",
                "destination": None if by_identity else destination,
                "deliveryWithResourceIdentity": {"identity": identity, "destination": destination}
                if by_identity
                else None,
                "deadLetterWithResourceIdentity": {"identity": identity, "deadLetterDestination": letters},
                "retryPolicy": {"maxDeliveryAttempts": 30, "eventTimeToLiveInMinutes": 1440},
                "filter": {"includedEventTypes": sorted(types), "subjectBeginsWith": "", "advancedFilters": []},
            },
        )

    def _mail(self) -> tuple[dict[str, Any], dict[str, Any]]:
        host = "acs-reactor.europe.communication.azure.com"
        mail = self.deployed.put(SERVICE, {"hostName": host, "disableLocalAuth": True, "linkedDomains": [DOMAIN]})
        proofs = {proof: {"status": "Verified"} for proof in ("Domain", "SPF", "DKIM", "DKIM2")}
        domain = self.deployed.put(DOMAIN, {"mailFromSenderDomain": SENDER_DOMAIN, "verificationStates": proofs})
        self.deployed.put(f"{DOMAIN}/senderUsernames/reactor", {"username": "reactor"})
        self.assign(PRINCIPAL, SENDS_MAIL, SERVICE)
        return mail, domain
