"""docs/resources.svg, drawn from the committed snapshot of prod; see pictures.py."""

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from tests.infra.drawing import GAP, LINE, PAD, Card, Text, arrow, column, document, frame, label
from tests.infra.evaluated import DEFINITION, Evaluated, short
from tests.infra.roles import GROUPS, ROLES
from tests.infra.snapshots import FOLDER

SOURCE = FOLDER / "prod.snapshot.json"

#: Where each type of resource is shown; None: part of another, or a line beside what it is about.
PLACES: Mapping[str, str | None] = {
    "Microsoft.EventGrid/systemTopics": "workspaces",
    "Microsoft.EventGrid/systemTopics/eventSubscriptions": "workspaces",
    "Microsoft.Insights/metricAlerts": "workspaces",
    "Microsoft.Storage/storageAccounts/queueServices/queues": "state",
    "Microsoft.Storage/storageAccounts/tableServices/tables": "state",
    "Microsoft.Storage/storageAccounts/blobServices/containers": "state",
    "Microsoft.Storage/storageAccounts": "state",
    "Microsoft.Web/sites": "app",
    "Microsoft.Web/serverfarms": "app",
    "Microsoft.ManagedIdentity/userAssignedIdentities": "app",
    "Microsoft.Communication/communicationServices": "mail",
    "Microsoft.Communication/emailServices/domains": "mail",
    "Microsoft.Communication/emailServices/domains/senderUsernames": "mail",
    "Microsoft.OperationalInsights/workspaces": "watch",
    "Microsoft.Insights/components": "watch",
    "Microsoft.Insights/workbooks": "watch",
    "Microsoft.Insights/scheduledQueryRules": "watch",
    "Microsoft.Insights/actionGroups": "watch",
    "Microsoft.Network/virtualNetworks": "network",
    "Microsoft.Network/privateEndpoints": "network",
    "Microsoft.Network/privateDnsZones": "network",
    "Microsoft.Authorization/roleAssignments": None,
    DEFINITION: None,
    "Microsoft.Communication/emailServices": None,
    "Microsoft.Insights/diagnosticSettings": None,
    "Microsoft.Network/privateDnsZones/virtualNetworkLinks": None,
    "Microsoft.Network/privateEndpoints/privateDnsZoneGroups": None,
    "Microsoft.Storage/storageAccounts/blobServices": None,
    "Microsoft.Storage/storageAccounts/managementPolicies": None,
    "Microsoft.Storage/storageAccounts/queueServices": None,
    "Microsoft.Storage/storageAccounts/tableServices": None,
    "Microsoft.Web/sites/basicPublishingCredentialsPolicies": None,
    "Microsoft.Web/sites/config": None,
}
STORAGE = "Microsoft.Storage/storageAccounts"
LEFT, MIDDLE, RIGHT = 340, 400, 380
#: Who, in this order.
ORDER = ("app", "topics", *GROUPS.values())


class Drawn:
    """The cards of one deployment."""

    def __init__(self, evaluated: Evaluated) -> None:
        if unknown := {resource["type"] for resource in evaluated.resources} - PLACES.keys():
            raise ValueError(f"say in PLACES where the picture shows {sorted(unknown)}")
        self._evaluated = evaluated
        self._access = list(evaluated.accesses())

    def who(self, scope: str) -> Iterator[Text]:
        """Yield who may do what on *scope*, a line for each role."""
        roles: dict[str, list[str]] = {}
        for principal, role, place in self._access:
            if place == scope:
                shown = re.sub(r" \([^)]*\)$", "", ROLES.get(role, role)).removeprefix("Storage ")
                name = _called(principal)
                if name not in roles.setdefault(shown, []):
                    roles[shown].append(name)
        told = [(sorted(names, key=ORDER.index), role) for role, names in roles.items()]
        for names, role in sorted(told, key=lambda found: [ORDER.index(name) for name in found[0]]):
            yield Text(f"{', '.join(names)}: {role}", "who", 14)

    def thing(self, resource: Any, kind: str) -> Iterator[Text]:
        """Yield what a resource is and who may do what on it."""
        name = resource["name"].rpartition("/")[2]
        yield Text(f"{kind} {name}", "mono ink")
        yield from self.who(resource["id"])

    def state(self) -> Card:
        """The state account."""
        (account,) = (a for a in self._evaluated.of(STORAGE) if a["name"].startswith("streactor"))
        kinds = {
            "queueServices/queues": "queue",
            "tableServices/tables": "table",
            "blobServices/containers": "container",
        }
        lines = [
            line
            for path, kind in kinds.items()
            for one in self._evaluated.of(f"{STORAGE}/{path}")
            if one["id"].startswith(f"{account['id']}/")
            for line in self.thing(one, kind)
        ]
        return Card("State storage, no keys", "state", tuple(lines))

    def app(self) -> Card:
        """The function app with its identity."""
        site = self._evaluated.one("Microsoft.Web/sites")
        plan = self._evaluated.one("Microsoft.Web/serverfarms")["sku"]["tier"]
        runtime = site["properties"]["functionAppConfig"]["runtime"]
        ready = site["properties"]["functionAppConfig"]["scaleAndConcurrency"]["alwaysReady"]
        lines = [
            Text(f"{plan}, {runtime['name']} {runtime['version']}"),
            *(Text(f"always ready: {one['name']}, {one['instanceCount']}") for one in ready),
            Text("user-assigned identity: app", "who"),
            *self.who(site["id"]),
        ]
        return Card("Function app", "app", tuple(lines))

    def host(self) -> Card:
        """The host's own account."""
        (account,) = (a for a in self._evaluated.of(STORAGE) if a["name"].startswith("sthost"))
        return Card("Host storage, no keys", "card", (Text("locks, code package"), *self.who(account["id"])))

    def mail(self) -> Card:
        """Communication Services."""
        service = self._evaluated.one("Microsoft.Communication/communicationServices")
        domain = self._evaluated.one("Microsoft.Communication/emailServices/domains")
        sender = self._evaluated.one("Microsoft.Communication/emailServices/domains/senderUsernames")
        lines = [
            Text(f"domain {domain['name'].rpartition('/')[2]}"),
            Text(f"sender {sender['properties']['username']}@…"),
            *self.who(service["id"]),
        ]
        return Card("Communication Services, no keys", "azure", tuple(lines))

    def watch(self) -> Card:
        """Logs, alerts and the workbook."""
        insights = self._evaluated.one("Microsoft.Insights/components")
        rules = self._evaluated.of("Microsoft.Insights/scheduledQueryRules")
        alerts = sorted(re.sub(r"^reactor-[^-]+-", "", rule["name"]) for rule in rules)
        lines = [
            Text("Log Analytics, workbook", "mono ink"),
            Text("Application Insights", "mono ink"),
            *self.who(insights["id"]),
            Text("alerts on the log:", "mono ink"),
            *(Text(", ".join(alerts[at : at + 3]), indent=14) for at in range(0, len(alerts), 3)),
            Text("action group: mail to Ops"),
        ]
        return Card("Monitoring, no keys", "azure", tuple(lines))

    def network(self) -> Card:
        """The virtual network."""
        network = self._evaluated.one("Microsoft.Network/virtualNetworks")["properties"]
        endpoints = self._evaluated.of("Microsoft.Network/privateEndpoints")
        zones = self._evaluated.of("Microsoft.Network/privateDnsZones")
        lines = [
            *(
                Text(f"subnet {one['name']}, {one['properties']['addressPrefix']}", "mono ink")
                for one in network["subnets"]
            ),
            *(Text(f"private endpoint of {_endpoint(one)}") for one in endpoints),
            Text(f"{len(zones)} private DNS zones"),
        ]
        return Card("Virtual network", "card", tuple(lines))

    def topic(self, topic: Any) -> Card:
        """A workspace with its topic."""
        workspace = topic["properties"]["source"]
        ways = [
            one["name"].rpartition("/")[2]
            for one in self._evaluated.of("Microsoft.EventGrid/systemTopics/eventSubscriptions")
            if one["id"].startswith(f"{topic['id']}/")
        ]
        alerts = [
            r for r in self._evaluated.of("Microsoft.Insights/metricAlerts") if topic["id"] in r["properties"]["scopes"]
        ]
        lines = [
            Text("workspace (exists)", "mono ink"),
            *self.who(workspace),
            Text("system topic", "mono ink"),
            *self.who(topic["id"]),
            *(Text(f"event subscription {way}") for way in ways),
            Text(f"{len(alerts)} alerts on delivery"),
        ]
        return Card(workspace.rpartition("/")[2], "azure", tuple(lines))


def draw(evaluated: Evaluated) -> str:
    """Return the picture of a deployment."""
    drawn = Drawn(evaluated)
    body: list[str] = []
    x_app = 20 + LEFT + 70
    x_right = x_app + 20 + MIDDLE + 40
    group = evaluated.one("Microsoft.Web/sites")["id"].partition("/providers/")[0]
    body_middle, middles, end_middle = column((drawn.state(), drawn.app(), drawn.host()), x_app + 20, 104, MIDDLE)
    body_right, rights, end_right = column((drawn.mail(), drawn.watch(), drawn.network()), x_right, 104, RIGHT)
    height = max(end_middle, end_right)
    width = x_right + RIGHT + 20 + 20
    title = f"{group.rpartition('/')[2]}: {', '.join(f'{name}: {role}' for name, role in _on_group(drawn, group))}"
    body += [frame(title, x_app, 60, width - 20 - x_app, height - 60), body_middle, body_right]
    queue = 104 + PAD + 12 + LINE  # the first line of the first card
    y = 60
    for place, topics in _by_group(evaluated).items():
        body_left, lefts, end = column([drawn.topic(topic) for topic in topics], 40, y + 44, LEFT - 40)
        body += [frame(place, 20, y, LEFT, end - y), body_left]
        for middle in lefts:
            events, jobs = middle - 10, middle + 10
            body.append(arrow((LEFT, events), (LEFT + 46, events), (LEFT + 46, queue), (x_app + 20, queue)))
            turn = LEFT + 68
            body.append(arrow((x_app + 20, middles[1]), (turn, middles[1]), (turn, jobs), (LEFT, jobs)))
        y = end + GAP
    body += [label("events", x_app - 3, queue - 8), label("jobs", x_app - 3, middles[1] - 8)]
    gutter = x_app + 20 + MIDDLE + 20
    for target in rights[:2]:
        body.append(arrow((x_app + 20 + MIDDLE, middles[1]), (gutter, middles[1]), (gutter, target), (x_right, target)))
    down = x_app + 20 + MIDDLE // 2
    under = 104 + drawn.state().height
    body.append(arrow((down, under), (down, under + GAP)))
    heading = '<text class="head ink" x="20" y="34">What the environment prod deploys, and who may do what</text>'
    told = (
        "System topics in the groups of the workspaces deliver events into the queue of the state storage; the "
        "function app, by its identity, reads the queue, starts jobs in the workspaces, sends mail and writes its log."
    )
    return document([heading, *body], width=width, height=max(height, y) + 20, title="Resources and roles", told=told)


def _by_group(evaluated: Evaluated) -> dict[str, list[Any]]:
    groups: dict[str, list[Any]] = {}
    for topic in evaluated.of("Microsoft.EventGrid/systemTopics"):
        parts = topic["id"].split("/")
        groups.setdefault(f"{parts[4]}, subscription …{parts[2][-2:]}", []).append(topic)
    return groups


def _on_group(drawn: Drawn, group: str) -> Iterator[tuple[str, str]]:
    for line in drawn.who(group):
        name, _, role = line.words.partition(": ")
        yield name, role


def _called(principal: str) -> str:
    if principal in GROUPS:
        return GROUPS[principal]
    return "topics" if "/systemTopics/" in principal else "app"


def _endpoint(endpoint: Any) -> str:
    (connection,) = endpoint["properties"]["privateLinkServiceConnections"]
    account = short(connection["properties"]["privateLinkServiceId"]).rpartition(" ")[2]
    return f"{'state' if account.startswith('streactor') else 'host'} storage, {connection['name']}"


def source() -> Evaluated:
    """Return the committed snapshot of prod."""
    document_ = json.loads(SOURCE.read_text(encoding="utf-8"))
    return Evaluated({**document_, "predictedResources": document_["resources"]})
