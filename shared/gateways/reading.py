"""Reading what Azure ML keeps: models and jobs in Azure Resource Manager, runs in the run history of their region."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from shared.actions import Deferred
from shared.gateways import answers
from shared.gateways.azure_ml import AML_SCOPE, ARM, LATER, ROLE, AzureMl

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
JOB = Read("job", "jobs/read")


class Reader:
    """Reads objects of Azure ML, one request each; nothing where there is no such thing. Safe to share between threads.

    Deferred when Azure ML does not tell; its reason has Azure's error code, and never its text. *transport* is closed
    by whoever built it; *credential* gives tokens for Azure Resource Manager and Azure ML.
    """

    def __init__(self, *, transport: "HttpTransport[Any, Any]", credential: "TokenCredential") -> None:
        self.azure_ml = AzureMl(transport=transport, credential=credential)
        self._hosts: dict[str, str] = {}

    def in_arm(self, workspace: str, path: str, what: Read) -> Properties | Deferred:
        """Return the properties of what is at *path* in the workspace."""
        url = f"{ARM}{quote(workspace, safe='/')}{path}?api-version={API_VERSION}"
        found = _told(self.azure_ml.get(url), what)
        return found if isinstance(found, Deferred) else mapping(found.get("properties"))

    def in_history(
        self, workspace: str, path: str, what: Read, *, query: Properties | None = None
    ) -> Properties | Deferred:
        """Return what run history has at *path*, asked with *query* where that is given."""
        host = self._host(workspace)
        if isinstance(host, Deferred):
            return host
        url = f"https://{host}/history/v1.0{quote(workspace, safe='/')}{path}"
        if query is not None:
            return _told(self.azure_ml.query(url, query, scope=AML_SCOPE), what)
        return _told(self.azure_ml.get(url, scope=AML_SCOPE), what)

    def in_mlflow(self, workspace: str, path: str, what: Read) -> Properties | Deferred:
        """Return what the workspace's MLflow endpoint has at *path*."""
        host = self._host(workspace)
        if isinstance(host, Deferred):
            return host
        url = f"https://{host}/mlflow/v1.0{quote(workspace, safe='/')}/api/2.0/mlflow{path}"
        return _told(self.azure_ml.get(url, scope=AML_SCOPE), what)

    def _host(self, workspace: str) -> str | Deferred:
        """Where the run history of *workspace* is; that stays so, and is asked for once."""
        key = workspace.casefold()
        if key not in self._hosts:
            found = self.in_arm(workspace, "", WORKSPACE)
            if isinstance(found, Deferred):
                return found
            discovery = DISCOVERY.fullmatch(str(found.get("discoveryUrl")))
            if discovery is None:
                return Deferred("the workspace does not tell where its run history is", ROLE)
            self._hosts[key] = discovery["host"]
        return self._hosts[key]


def _told(answer: "HttpResponse | Deferred", what: Read) -> Properties | Deferred:
    """What an answer tells; nothing where there is no such thing."""
    if isinstance(answer, Deferred):
        return answer
    status = answer.status_code
    if status in {HTTPStatus.OK, HTTPStatus.NOT_FOUND}:
        return _read(answer) if status == HTTPStatus.OK else {}
    code = f" ({found})" if (found := answers.error_code(answer)) else ""
    wait = answers.retry_after(answer.headers)
    if status == HTTPStatus.FORBIDDEN:
        reason = f"forbidden{code}: {what.forbidden}"
        return Deferred(reason, wait if wait is not None else ROLE, answers.PROPAGATION)
    return Deferred(f"azure-ml {status}{code}: asked again", wait if wait is not None else LATER)


def _read(answer: "HttpResponse") -> Properties | Deferred:
    try:
        return mapping(answer.json())
    except (ValueError, RecursionError):
        return Deferred("an answer of azure-ml that is no JSON: asked again", LATER)


def mapping(told: object) -> Properties:
    """Return *told* where it is an object of JSON, else an empty one."""
    return told if isinstance(told, dict) else {}


def segment(text: str) -> str:
    """Quote *text* as one segment of a path."""
    return quote(text, safe="")
