"""The MLflow endpoint of a workspace on the regional host: a run with its last metrics and its tags."""

import re
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from local.azure.identity import refusal
from local.azure.messages import Answer, Request
from local.azure.run_history import AUDIENCES, RunHistory
from local.azure.runs import Run
from local.azure.workspace import Workspace

ROUTE = re.compile(
    r"/mlflow/v1\.0(?P<workspace>/subscriptions/[^/]+/resourceGroups/[^/]+/providers/"
    r"Microsoft\.MachineLearningServices/workspaces/[^/]+)/api/2\.0/mlflow/runs/get",
    re.IGNORECASE,
)
#: How MLflow calls the statuses of a run.
STATUSES = {"Completed": "FINISHED", "Failed": "FAILED", "Canceled": "KILLED"}


class MlFlow:
    """`runs/get` for all workspaces. Thread-safe."""

    hosts = RunHistory.hosts

    def __init__(self, workspaces: Mapping[str, Workspace]) -> None:
        self._workspaces = workspaces

    def answer(self, request: Request) -> Answer | None:
        """Answer for a run; None for any other URL."""
        route = ROUTE.fullmatch(request.path)
        if route is None or request.method != "GET":
            return None
        if refused := refusal(request, *AUDIENCES):
            return refused
        workspace = self._workspaces.get(route["workspace"].casefold())
        run_id = request.query.get("run_id", "")
        run = workspace.life.runs.get(run_id) if workspace else None
        if workspace is None or run is None:
            missing = {"error_code": "RESOURCE_DOES_NOT_EXIST", "message": f"Run {run_id} was not found."}
            return Answer(status=HTTPStatus.NOT_FOUND, body=missing)
        with workspace.lock:
            return Answer(status=HTTPStatus.OK, body=_told(run, workspace.measured(run)))


def _told(run: Run, metrics: Mapping[str, object]) -> dict[str, Any]:
    """The run as MLflow tells it; protobuf writes what is no number as text."""
    milliseconds = int(run.ended.timestamp() * 1000) if run.ended else 0
    return {
        "run": {
            "info": {"run_id": run.run_id, "status": STATUSES.get(run.status, "RUNNING"), "end_time": milliseconds},
            "data": {
                "metrics": [
                    {"key": key, "value": value, "timestamp": milliseconds, "step": 0} for key, value in metrics.items()
                ],
                "tags": [{"key": key, "value": value} for key, value in run.tags.items()],
            },
        }
    }
