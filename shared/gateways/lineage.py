"""Which job made it: the lineage of models and runs, read from Azure ML, at most three reads each.

Azure Resource Manager knows the job of a model version, but tells nothing of a job that is a step of another one
(azure-ai-ml reads those in run history as well). Run history knows every run, its root, and the properties of both.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from shared.actions import Deferred
from shared.gateways import answers
from shared.gateways.azure_ml import AML_SCOPE, ARM, LATER, ROLE, AzureMl
from shared.lineage import ModelVersion, Origin, RootRun, ours

if TYPE_CHECKING:
    from azure.core.credentials import TokenCredential
    from azure.core.pipeline.transport import HttpTransport
    from azure.core.rest import HttpResponse

#: The version in which the compiled job files put jobs; it has a model's job as well.
API_VERSION = "2024-01-01-preview"
#: Where a workspace says that its region's services are; a token is sent to no other host.
DISCOVERY = re.compile(r"https://(?P<host>[a-z0-9-]+(\.[a-z0-9-]+)*\.api\.azureml\.ms)(/.*)?", re.IGNORECASE)

type Properties = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Read:
    """What is read, and the action of a role that it takes."""

    thing: str
    action: str

    @property
    def forbidden(self) -> str:
        """What a refusal means."""
        return (
            f"the identity may not read the {self.thing} (Microsoft.MachineLearningServices/workspaces/{self.action} "
            "is in none of its roles, or not propagated yet)"
        )


MODEL = Read("model version", "models/versions/read")
WORKSPACE = Read("workspace", "read")
RUN = Read("run", "experiments/runs/read")


class AzureMlLineages:
    """Reads what made a subject; implements `shared.gateways.Lineages`. Safe to share between threads.

    *transport* is closed by whoever built it; *credential* gives tokens for Azure Resource Manager and Azure ML.
    """

    def __init__(self, *, transport: "HttpTransport[Any, Any]", credential: "TokenCredential") -> None:
        self._azure_ml = AzureMl(transport=transport, credential=credential)
        self._hosts: dict[str, str] = {}

    def read(self, workspace: str, origin: Origin) -> Mapping[str, str] | Deferred:
        """Return what the job behind *origin* carries of ours; see `shared.gateways.Lineages`."""
        match origin:
            case RootRun():
                return self._of_run(workspace, origin.id)
            case ModelVersion():
                return self._of_model(workspace, origin)

    def _of_model(self, workspace: str, model: ModelVersion) -> Mapping[str, str] | Deferred:
        """A model that carries the lineage itself needs no further read."""
        path = f"/models/{_segment(model.name)}/versions/{_segment(model.version)}"
        found = self._in_arm(workspace, path, MODEL)
        if isinstance(found, Deferred):
            return found
        job = str(found.get("jobName") or "").rpartition("/")[2]
        return _ours(found) or (self._of_run(workspace, job) if job else {})

    def _of_run(self, workspace: str, run: str) -> Mapping[str, str] | Deferred:
        """A step carries nothing of ours: its root does."""
        found = self._in_history(workspace, run)
        if isinstance(found, Deferred):
            return found
        root = str(found.get("rootRunId") or run)
        if _ours(found) or root == run:
            return _ours(found)
        found = self._in_history(workspace, root)
        return found if isinstance(found, Deferred) else _ours(found)

    def _in_arm(self, workspace: str, path: str, what: Read) -> Properties | Deferred:
        url = f"{ARM}{quote(workspace, safe='/')}{path}?api-version={API_VERSION}"
        found = _told(self._azure_ml.get(url), what)
        return found if isinstance(found, Deferred) else _object(found.get("properties"))

    def _in_history(self, workspace: str, run: str) -> Properties | Deferred:
        host = self._host(workspace)
        if isinstance(host, Deferred):
            return host
        url = f"https://{host}/history/v1.0{quote(workspace, safe='/')}/runs/{_segment(run)}"
        return _told(self._azure_ml.get(url, scope=AML_SCOPE), RUN)

    def _host(self, workspace: str) -> str | Deferred:
        """Where the run history of *workspace* is; that stays so, and is asked for once."""
        key = workspace.casefold()
        if key not in self._hosts:
            found = self._in_arm(workspace, "", WORKSPACE)
            if isinstance(found, Deferred):
                return found
            discovery = DISCOVERY.fullmatch(str(found.get("discoveryUrl")))
            if discovery is None:
                return Deferred("lineage-unread: the workspace does not tell where its run history is", ROLE)
            self._hosts[key] = discovery["host"]
        return self._hosts[key]


def _told(answer: "HttpResponse | Deferred", what: Read) -> Properties | Deferred:
    """What an answer tells; nothing where there is no such thing. Azure's error code is told, its text never."""
    if isinstance(answer, Deferred):
        return Deferred(f"lineage-unread: {answer.reason}", answer.after, answer.limit)
    status = answer.status_code
    if status in {HTTPStatus.OK, HTTPStatus.NOT_FOUND}:
        return _read(answer) if status == HTTPStatus.OK else {}
    code = f" ({found})" if (found := answers.error_code(answer)) else ""
    wait = answers.retry_after(answer.headers)
    if status == HTTPStatus.FORBIDDEN:
        reason = f"lineage-unread: forbidden{code}: {what.forbidden}"
        return Deferred(reason, wait if wait is not None else ROLE, answers.PROPAGATION)
    return Deferred(f"lineage-unread: azure-ml {status}{code}: asked again", wait if wait is not None else LATER)


def _read(answer: "HttpResponse") -> Properties | Deferred:
    try:
        return _object(answer.json())
    except ValueError:
        return Deferred("lineage-unread: an answer of azure-ml that is no JSON: asked again", LATER)


def _object(told: object) -> Properties:
    return told if isinstance(told, dict) else {}


def _ours(told: Properties) -> Mapping[str, str]:
    return ours(_object(told.get("properties")))


def _segment(text: str) -> str:
    return quote(text, safe="")
