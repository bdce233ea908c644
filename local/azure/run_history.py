"""Run history and discovery on the regional host: runs, their steps, their errors."""

import re
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any
from urllib.parse import unquote

from local.azure.identity import refusal
from local.azure.messages import Answer, Request, error
from local.azure.runs import Run, details, history
from local.azure.workspace import Workspace

AUDIENCES = ("https://management.azure.com", "https://ml.azure.com")
ROUTE = re.compile(
    r"/history/v1\.0(?P<workspace>/subscriptions/[^/]+/resourceGroups/[^/]+/providers/"
    r"Microsoft\.MachineLearningServices/workspaces/[^/]+)(?:/experiment(?P<by>s|ids)/(?P<experiment>[^/]+))?"
    r"/(?:runs/(?P<run>[^/]+)(?P<part>/children|/details)?|(?P<query>runs:query)|(?P<data>rundata))",
    re.IGNORECASE,
)
#: One condition of a filter, e.g. `status eq 'Failed'`; several are joined by `and`.
CONDITION = re.compile(r"(?P<field>status|runType|rootRunId|parentRunId|runId) eq '(?P<value>[^']*)'")
ORDER = re.compile(r"createdUtc(?: (?P<way>asc|desc))?")
PAGE = 100
SERVICES = ("api", "history", "experimentation", "modelmanagement", "pipelines", "metrics", "notebooks", "catalog")


class RunHistory:
    """`<region>.api.azureml.ms` for all workspaces. Thread-safe."""

    hosts = re.compile(r"[a-z0-9-]+\.api\.azureml\.ms")

    def __init__(self, workspaces: Mapping[str, Workspace]) -> None:
        self._workspaces = workspaces

    def answer(self, request: Request) -> Answer | None:
        """Answer for discovery, a run, its children or details, or a query of runs; None for any other URL."""
        if request.method == "GET" and request.path == "/discovery":
            return Answer(status=HTTPStatus.OK, body=dict.fromkeys(SERVICES, f"https://{request.host}"))
        route = ROUTE.fullmatch(request.path)
        if route is None:
            return None
        if refused := refusal(request, *AUDIENCES):
            return refused
        workspace = self._workspaces.get(route["workspace"].casefold())
        if workspace is None:
            return error(HTTPStatus.NOT_FOUND, "UserError", "The workspace was not found.")
        with workspace.lock:
            return self._route(workspace, request, route)

    def _route(  # noqa: PLR0911 - a table of routes
        self, workspace: Workspace, request: Request, route: re.Match[str]
    ) -> Answer | None:
        body = request.json()
        sent: dict[str, Any] = body if isinstance(body, dict) else {}
        if route["query"]:
            return _page(workspace, _of_experiment(workspace, route), sent) if request.method == "POST" else None
        run_id = str(sent.get("runId", "")) if route["data"] else route["run"]
        run = workspace.life.runs.get(run_id)
        if run is None:
            return error(HTTPStatus.NOT_FOUND, "UserError", f"Run {run_id} was not found.")
        match request.method, route["part"] or route["data"]:
            case "GET", None:
                return Answer(status=HTTPStatus.OK, body=_history(workspace, run))
            case "POST", "rundata":
                return Answer(status=HTTPStatus.OK, body={"runMetadata": _history(workspace, run)})
            case "PATCH", None:
                run.tags |= {name: str(value) for name, value in (sent.get("tags") or {}).items()}
                run.properties |= {name: str(value) for name, value in (sent.get("properties") or {}).items()}
                return Answer(status=HTTPStatus.OK, body=_history(workspace, run))
            case "GET", "/details":
                return Answer(status=HTTPStatus.OK, body=details(run))
            case "GET", "/children":
                return _page(
                    workspace, run.children, {name.lstrip("$"): value for name, value in request.query.items()}
                )
            case _:
                return None


def _history(workspace: Workspace, run: Run) -> dict[str, Any]:
    return history(run, workspace.life.experiment_id(run.experiment))


def _of_experiment(workspace: Workspace, route: re.Match[str]) -> list[Run]:
    """The runs of the experiment that is named by name or id; all where none is."""
    named, life = unquote(route["experiment"] or ""), workspace.life
    return [
        run
        for run in life.runs.values()
        if not named or named == (run.experiment if route["by"] == "s" else life.experiment_id(run.experiment))
    ]


def _page(workspace: Workspace, runs: list[Run], asked: Mapping[str, Any]) -> Answer:
    """The runs asked for, `top` at a time; the continuation token is the number of runs before."""
    conditions = [part.strip() for part in str(asked.get("filter") or "").split(" and ") if part.strip()]
    wanted = [CONDITION.fullmatch(condition) for condition in conditions]
    if None in wanted:
        message = "The stand-in knows conditions like status eq 'Failed', joined by and; local/azure has to learn more."
        return Answer(
            status=HTTPStatus.BAD_REQUEST, body={"error": {"code": "Filter", "message": message}}, unknown=True
        )
    found = [_history(workspace, run) for run in runs]
    found = [run for run in found if all(run[each["field"]] == each["value"] for each in wanted if each)]
    order = ORDER.fullmatch(str(asked.get("orderBy") or "createdUtc asc"))
    if order is None:
        message = "The stand-in knows the order createdUtc; local/azure has to learn more."
        return Answer(
            status=HTTPStatus.BAD_REQUEST, body={"error": {"code": "OrderBy", "message": message}}, unknown=True
        )
    found.sort(key=lambda run: str(run["createdUtc"]), reverse=order["way"] == "desc")
    start = int(asked.get("continuationtoken") or asked.get("continuationToken") or 0)
    top = int(asked.get("top") or PAGE)
    page, rest = found[start : start + top], found[start + top :]
    body = {"value": page, "continuationToken": str(start + top) if rest else None, "nextLink": None}
    return Answer(status=HTTPStatus.OK, body=body)
