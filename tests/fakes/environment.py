"""An environment of infra/environments in Azure, from its committed snapshot: what a deployment of it would leave."""

import json
import re
from typing import Any

import handlers
from local.azure import StandIn
from local.azure.clock import now
from local.azure.events import stable_id
from local.azure.storage_reads import Contents
from shared.gateways.blobs import DEAD_LETTERS
from shared.gateways.queue import QUEUE
from tests.fakes.installation import BUILT_IN, role_id
from tests.markdown import ROOT

#: What only a deployment would tell: a property of a resource, and text around it.
PART = re.compile(r"reference\('(?P<id>[^']+)'[^)]*\)\.(?P<property>[.\w]+)|'(?P<text>[^']*)'")
FORMAT = re.compile(r"\[format\('(?P<form>[^']*)', (?P<values>.*)\)\]")
WORKSPACES = re.compile(
    r"/subscriptions/(?P<subscription>[^/]+)/resourceGroups/(?P<group>[^/]+)/.*/workspaces/(?P<name>[^/]+)"
)


def deploy(azure: StandIn, *snapshots: str) -> tuple[str, dict[str, Any]]:
    """Have an environment there, with its code, and return the id of the app and the outputs."""
    documents = [json.loads((ROOT / f"infra/environments/{name}.snapshot.json").read_text()) for name in snapshots]
    outputs = documents[0]["outputs"]
    app, account = outputs["AZURE_FUNCTION_APP_ID"], outputs["STATE_STORAGE_NAME"]
    for name, actions in BUILT_IN.items():
        azure.deployed.put(role_id(name), {"permissions": [{"actions": [], "dataActions": actions}]})
    for document in documents:
        for resource in document["resources"]:
            if not resource["type"].startswith("Microsoft.Network/"):
                _put(azure, _resolved(resource))
        for endpoint in document["resources"]:
            if endpoint["type"] == "Microsoft.Network/privateEndpoints":
                _connect(azure, endpoint["properties"]["privateLinkServiceConnections"])
    for workspace in outputs["WORKSPACES"]:
        found = WORKSPACES.fullmatch(workspace)
        assert found is not None
        azure.workspace(**found.groupdict())
    for reference in outputs["SYSTEM_TOPICS"]:  # one that was there before is in no snapshot
        _topic(azure, reference, outputs["WORKSPACES"])
    for function in ("react", "dead_letter", *(family.function for family in handlers.PUSHED)):
        azure.deployed.put(f"{app}/functions/{function}")
    row = {"PartitionKey": "churn", "RowKey": "event|1", "Timestamp": now().isoformat()}
    azure.storage_reads.accounts[account] = Contents(
        queues={QUEUE: 0, f"{QUEUE}-poison": 0}, rows=[row], blobs={DEAD_LETTERS: {}}
    )
    return app, outputs


def _put(azure: StandIn, resource: dict[str, Any]) -> None:
    arm_id, kind, properties = resource["id"], resource["type"], resource.get("properties") or {}
    name = arm_id.rpartition("/")[2]
    match kind:
        case "Microsoft.Web/sites/config":
            azure.deployed.settings[arm_id.removesuffix("/config/appsettings").casefold()] = properties
            return
        case "Microsoft.Web/sites":
            properties |= {"state": "Running", "enabled": True}
            assigned = resource["identity"]["userAssignedIdentities"]
            for identity, facts in assigned.items():
                facts |= {"clientId": _value(identity, "clientId"), "principalId": _value(identity, "principalId")}
        case "Microsoft.EventGrid/topics":
            properties["endpoint"] = _value(arm_id, "endpoint")
        case "Microsoft.EventGrid/systemTopics":
            properties["provisioningState"] = "Succeeded"
            resource["identity"]["principalId"] = _value(arm_id, "identity.principalId")
        case "Microsoft.EventGrid/systemTopics/eventSubscriptions":
            properties["provisioningState"] = "Succeeded"
        case "Microsoft.Authorization/roleAssignments":
            properties["scope"] = arm_id.partition("/providers/Microsoft.Authorization/")[0]
        case "Microsoft.Communication/communicationServices":
            properties["hostName"] = _value(arm_id, "hostName")
        case "Microsoft.Communication/emailServices/domains":
            properties["verificationStates"] = {
                proof: {"status": "Verified"} for proof in ("Domain", "SPF", "DKIM", "DKIM2")
            }
            properties["mailFromSenderDomain"] = _value(arm_id, "mailFromSenderDomain")
    more = {key: resource[key] for key in ("identity", "location") if key in resource}
    azure.deployed.put(arm_id, properties, **more)["name"] = name


def _connect(azure: StandIn, connections: list[Any]) -> None:
    state = {"properties": {"privateLinkServiceConnectionState": {"status": "Approved"}}}
    for one in connections:
        account = azure.deployed.resources[one["properties"]["privateLinkServiceId"].casefold()]
        account["properties"].setdefault("privateEndpointConnections", []).append(state)


def _topic(azure: StandIn, reference: dict[str, str], workspaces: list[str]) -> None:
    group = f"/subscriptions/{reference['subscriptionId']}/resourceGroups/{reference['resourceGroup']}"
    topic = f"{group}/providers/Microsoft.EventGrid/systemTopics/{reference['name']}"
    if topic.casefold() not in azure.deployed.resources:
        (workspace,) = workspaces
        identity = {"principalId": _value(topic, "identity.principalId")}
        azure.deployed.put(topic, {"source": workspace, "provisioningState": "Succeeded"}, identity=identity)


def _resolved(value: Any) -> Any:
    """Give what stays an expression until it is deployed a value of its kind."""
    if isinstance(value, dict):
        return {key: _resolved(one) for key, one in value.items()}
    if isinstance(value, list):
        return [_resolved(one) for one in value]
    if not isinstance(value, str) or not value.startswith("[") or value.startswith("[["):
        return value
    if form := FORMAT.fullmatch(value):
        return form["form"].format(*(_part(found) for found in PART.finditer(form["values"])))
    only = PART.fullmatch(value, 1, len(value) - 1)
    return _part(only) if only else value


def _part(found: re.Match[str]) -> str:
    return _value(found["id"], found["property"]) if found["id"] else found["text"]


def _value(arm_id: str, name: str) -> str:
    """Return a property that Azure would make up."""
    resource = arm_id.rpartition("/")[2].casefold()
    match name.split("."):
        case ["primaryEndpoints", service]:
            return f"https://{resource}.{service}.core.windows.net/"
        case ["hostName"]:
            return f"{resource}.europe.communication.azure.com"
        case ["endpoint"]:
            return f"https://{resource}.westeurope-1.eventgrid.azure.net/api/events"
        case ["mailFromSenderDomain"]:
            return "1234.azurecomm.net"
        case ["endpoint"]:
            return f"https://{resource}.westeurope-1.eventgrid.azure.net/api/events"
    return stable_id(arm_id.casefold(), name)
