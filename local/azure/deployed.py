"""What a deployment leaves in Azure, to be read: resources by ARM id, roles, app settings, metrics."""

import re
from collections.abc import Iterator, Mapping
from http import HTTPStatus
from typing import Any

from local.azure.arm import AUDIENCES
from local.azure.identity import refusal
from local.azure.messages import Answer, Request, error

ROLE_ASSIGNMENTS = "/providers/Microsoft.Authorization/roleAssignments"
METRICS = "/providers/Microsoft.Insights/metrics"
SETTINGS = "/config/appsettings"
SUBSCRIPTION = re.compile(r"/subscriptions/[^/]+")
ROLE = re.compile(r".*/providers/Microsoft\.Authorization/roleDefinitions/(?P<name>[^/]+)", re.IGNORECASE)
ASSIGNED = re.compile(r"atScope\(\) and assignedTo\('(?P<principal>[^']+)'\)")


class Deployed:
    """management.azure.com for what was put here. It knows collections by the ids of what is in them.

    *resources* by casefolded id; *settings* of apps by casefolded id; *totals* of metrics by topic's casefolded id.
    """

    hosts = re.compile(r"management\.azure\.com")

    def __init__(self) -> None:
        self.resources: dict[str, dict[str, Any]] = {}
        self.settings: dict[str, dict[str, str]] = {}
        self.totals: dict[str, dict[str, float]] = {}

    def put(self, arm_id: str, properties: Mapping[str, Any] | None = None, **more: Any) -> dict[str, Any]:  # noqa: ANN401 - JSON
        """Have a resource there, and return it to be changed."""
        name = arm_id.rpartition("/")[2]
        self.resources[arm_id.casefold()] = {"id": arm_id, "name": name, "properties": dict(properties or {}), **more}
        return self.resources[arm_id.casefold()]

    def answer(self, request: Request) -> Answer | None:
        """Answer what is read of it; None for whatever is not a read, or of a type that nobody put here."""
        if not self.resources:
            return None
        if refused := refusal(request, *AUDIENCES):
            return refused
        if "api-version" not in request.query:
            return error(HTTPStatus.BAD_REQUEST, "MissingApiVersionParameter", "The query needs an api-version.")
        path = "/" + "/".join(request.segments)
        if request.method == "POST" and path.endswith(f"{SETTINGS}/list"):
            return self._listed_settings(path.removesuffix(f"{SETTINGS}/list"))
        return self._read(path, request.query) if request.method == "GET" else None

    def _read(self, path: str, query: Mapping[str, str]) -> Answer:
        if path.endswith(ROLE_ASSIGNMENTS):
            return self._assignments(path.removesuffix(ROLE_ASSIGNMENTS), query.get("$filter", ""))
        if role := ROLE.fullmatch(path):
            return self._role(role["name"])
        if path.endswith(METRICS):
            return self._metrics(path.removesuffix(METRICS), query.get("metricnames", ""))
        if found := self.resources.get(path.casefold()):
            return Answer(status=HTTPStatus.OK, body=found)
        if path.count("/") % 2:  # it ends in a type: a collection
            return Answer(status=HTTPStatus.OK, body={"value": list(self._within(path))})
        return error(HTTPStatus.NOT_FOUND, "ResourceNotFound", f"{path} was not found.")

    def _within(self, path: str) -> Iterator[dict[str, Any]]:
        """Yield what is in a collection: below it, or of its type anywhere in the subscription."""
        scope, _, kind = path.casefold().rpartition("/providers/")
        whole = SUBSCRIPTION.fullmatch(scope) is not None
        for arm_id, resource in self.resources.items():
            parent = arm_id.rpartition("/")[0]
            anywhere = whole and arm_id.startswith(f"{scope}/") and parent.endswith(f"/providers/{kind}")
            if parent == path.casefold() or anywhere:
                yield resource

    def _assignments(self, scope: str, query: str) -> Answer:
        found = ASSIGNED.fullmatch(query)
        if found is None:
            return error(HTTPStatus.BAD_REQUEST, "UnsupportedQuery", "The filter is none that is known here.")
        at_or_above = [
            one
            for arm_id, one in self.resources.items()
            if "/providers/microsoft.authorization/roleassignments/" in arm_id
            and one["properties"]["principalId"] == found["principal"]
            and f"{scope}/".casefold().startswith(f"{one['properties']['scope']}/".casefold())
        ]
        return Answer(status=HTTPStatus.OK, body={"value": at_or_above})

    def _role(self, name: str) -> Answer:
        """Answer with a role, which has the same name at every scope."""
        for arm_id, one in self.resources.items():
            if arm_id.endswith(f"/roledefinitions/{name}".casefold()):
                return Answer(status=HTTPStatus.OK, body=one)
        return error(HTTPStatus.NOT_FOUND, "RoleDefinitionDoesNotExist", f"There is no role {name}.")

    def _listed_settings(self, app: str) -> Answer:
        found = self.settings.get(app.casefold())
        if found is None:
            return error(HTTPStatus.NOT_FOUND, "ResourceNotFound", f"{app} was not found.")
        return Answer(status=HTTPStatus.OK, body={"id": f"{app}{SETTINGS}", "properties": found})

    def _metrics(self, topic: str, names: str) -> Answer:
        totals = self.totals.get(topic.casefold(), {})
        value = [
            {"name": {"value": name}, "timeseries": [{"data": [{"total": totals.get(name, 0.0)}]}]}
            for name in names.split(",")
        ]
        return Answer(status=HTTPStatus.OK, body={"value": value})
