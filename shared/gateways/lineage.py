"""Which job made it: the lineage of models and runs, read from Azure ML, at most three reads each.

Azure Resource Manager knows the job of a model version, but tells nothing of a job that is a step of another one
(azure-ai-ml reads those in run history as well). Run history knows every run, its root, and the properties of both.
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import msgspec

from shared.actions import Deferred
from shared.gateways.reading import MODEL, RUN, Properties, Reader, mapping, segment
from shared.lineage import ModelVersion, Origin, RootRun, ours

if TYPE_CHECKING:
    from azure.core.credentials import TokenCredential
    from azure.core.pipeline.transport import HttpTransport


class AzureMlLineages:
    """Reads what made a subject; implements `shared.gateways.Lineages`. Safe to share between threads.

    *transport* is closed by whoever built it; *credential* gives tokens for Azure Resource Manager and Azure ML.
    """

    def __init__(self, *, transport: "HttpTransport[Any, Any]", credential: "TokenCredential") -> None:
        self._reader = Reader(transport=transport, credential=credential)

    def read(self, workspace: str, origin: Origin) -> Mapping[str, str] | Deferred:
        """Return what the job behind *origin* carries of ours; see `shared.gateways.Lineages`."""
        found = self._of_run(workspace, origin.id) if isinstance(origin, RootRun) else self._of_model(workspace, origin)
        if isinstance(found, Deferred):
            return msgspec.structs.replace(found, reason=f"lineage-unread: {found.reason}")
        return found

    def _of_model(self, workspace: str, model: ModelVersion) -> Mapping[str, str] | Deferred:
        """A model that carries the lineage itself needs no further read."""
        path = f"/models/{segment(model.name)}/versions/{segment(model.version)}"
        found = self._reader.in_arm(workspace, path, MODEL)
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

    def _in_history(self, workspace: str, run: str) -> Properties | Deferred:
        return self._reader.in_history(workspace, f"/runs/{segment(run)}", RUN)


def _ours(told: Properties) -> Mapping[str, str]:
    return ours(mapping(told.get("properties")))
