"""Azure Resource Manager, as far as the Azure ML provider of it goes: routes, authorization, errors."""

import re
from collections.abc import Callable, Mapping
from http import HTTPStatus

from local.azure import arm_assets, arm_jobs
from local.azure.arm_answers import arm_error, resource, user_error
from local.azure.contracts import Contracts
from local.azure.identity import TENANT, refusal
from local.azure.messages import Answer, Request, error
from local.azure.workspace import Workspace
from local.azure.world import World

AUDIENCES = ("https://management.azure.com", "https://management.core.windows.net")
WORKSPACE = re.compile(
    r"(?P<id>/subscriptions/[^/]+/resourceGroups/[^/]+/providers/Microsoft\.MachineLearningServices/workspaces/[^/]+)"
    r"(?P<rest>/.*)?",
    re.IGNORECASE,
)
OPERATION = re.compile(
    r"/subscriptions/[^/]+/providers/Microsoft\.MachineLearningServices/locations/[^/]+/mfeOperationResults/"
    r"jc:(?P<workspace>[0-9a-f-]{36}):(?P<job>[^/]+)",
    re.IGNORECASE,
)


class Arm:
    """management.azure.com for the workspaces that *find* knows by their ARM id, in any case. Thread-safe."""

    hosts = re.compile(r"management\.azure\.com")

    def __init__(self, workspaces: Mapping[str, Workspace], world: World, contracts: Contracts) -> None:
        self._workspaces = workspaces
        self._world = world
        self._contracts = contracts

    def answer(self, request: Request) -> Answer | None:
        """Answer a request to a workspace; None for any other URL."""
        route = WORKSPACE.fullmatch(request.path)
        operation = OPERATION.fullmatch(request.path)
        if not route and not operation:
            return None
        if refused := refusal(request, *AUDIENCES):
            return refused
        if "api-version" not in request.query:
            return error(HTTPStatus.BAD_REQUEST, "MissingApiVersionParameter", "The query needs an api-version.")
        if operation:
            return self._canceled(operation["workspace"], operation["job"])
        assert route is not None  # noqa: S101 - one of the two matched
        workspace = self._workspaces.get(route["id"].casefold())
        if workspace is None:
            message = f"The workspace {route['id'].rpartition('/')[2]} was not found."
            return arm_error(HTTPStatus.NOT_FOUND, "ResourceNotFound", message)
        with workspace.lock:
            return self._route(workspace, request, request.segments[8:])

    def _route(  # noqa: PLR0911 - a table of routes
        self, workspace: Workspace, request: Request, rest: tuple[str, ...]
    ) -> Answer | None:
        kind, *names = (rest[0].lower(), *rest[1:]) if rest else ("",)
        match request.method, kind, names:
            case "GET", "", []:
                return Answer(status=HTTPStatus.OK, body=_workspace(workspace))
            case "GET", "computes", [name]:
                return arm_assets.get_compute(workspace, name)
            case "GET", "jobs", []:
                return arm_jobs.list_jobs(workspace, request)
            case "GET", "jobs", [name]:
                return arm_jobs.get_job(workspace, name)
            case "PUT", "jobs", [name]:
                return self._checked(request, lambda: arm_jobs.put_job(workspace, name, request, self._world))
            case "POST", "jobs", [name, verb] if verb.lower() == "cancel":
                return arm_jobs.cancel_job(workspace, name, request)
            case "GET", ("models" | "components" | "data" | "environments") as assets, [*path]:
                return arm_assets.get(workspace, assets, path)
            case "PUT", "models", [name, "versions", version]:
                return self._checked(request, lambda: arm_assets.put_model(workspace, name, version, request))
            case _:
                return None

    def _checked(self, request: Request, put: Callable[[], Answer]) -> Answer:
        """Refuse a body that breaks the published contract."""
        violations = self._contracts.violations(request)
        if not violations:
            return put()
        refused = user_error(HTTPStatus.BAD_REQUEST, f"The body breaks the contract: {violations[0]}", "BadArgument")
        return Answer(status=refused.status, body=refused.body, violations=violations)

    def _canceled(self, guid: str, job: str) -> Answer:
        """The state of a cancellation: 202 until the job is over."""
        workspace = next((known for known in self._workspaces.values() if known.guid == guid.lower()), None)
        if workspace is None or job not in workspace.jobs:
            return user_error(HTTPStatus.NOT_FOUND, "There is no such operation.", "NotFound")
        over = workspace.jobs[job].run.final
        return Answer(
            status=HTTPStatus.OK if over else HTTPStatus.ACCEPTED, headers={} if over else {"Retry-After": "1"}
        )


def _workspace(workspace: Workspace) -> dict[str, object]:
    group = workspace.id.rpartition("/providers/")[0]
    api = f"https://{workspace.region}.api.azureml.ms"
    properties = {
        "friendlyName": workspace.name,
        "workspaceId": workspace.guid,
        "tenantId": TENANT,
        "provisioningState": "Succeeded",
        "discoveryUrl": f"{api}/discovery",
        "mlFlowTrackingUri": f"azureml://{workspace.region}.api.azureml.ms/mlflow/v1.0{workspace.id}",
        "storageAccount": f"{group}/providers/Microsoft.Storage/storageAccounts/offlinestorage",
        "keyVault": f"{group}/providers/Microsoft.KeyVault/vaults/offline-vault",
        "applicationInsights": f"{group}/providers/Microsoft.Insights/components/offline-insights",
        "publicNetworkAccess": "Enabled",
    }
    return resource(workspace.id, workspace.name, "Microsoft.MachineLearningServices/workspaces", properties) | {
        "location": workspace.region,
        "tags": {},
        "identity": {"type": "SystemAssigned", "principalId": workspace.guid, "tenantId": TENANT},
    }
