"""What a job has measured: metrics and tags of its run, or of one of its steps, as MLflow's REST API tells them.

A run's last metrics are in no answer of run history; the workspace's MLflow endpoint, on the same host, has them
together with the tags.
"""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import msgspec

from shared.actions import Deferred
from shared.gateways.reading import RUN, Properties, Reader, mapping, segment
from shared.verdicts import Measured

if TYPE_CHECKING:
    from azure.core.credentials import TokenCredential
    from azure.core.pipeline.transport import HttpTransport

#: Pages of steps that are looked at.
PAGES = 5


class AzureMlMeasurements:
    """Reads what jobs have measured; implements `shared.gateways.Measurements`. Safe to share between threads.

    *transport* is closed by whoever built it; *credential* gives tokens for Azure Resource Manager and Azure ML.
    """

    def __init__(self, *, transport: "HttpTransport[Any, Any]", credential: "TokenCredential") -> None:
        self._reader = Reader(transport=transport, credential=credential)

    def read(self, workspace: str, job: str, *, step: str = "") -> Measured | Deferred | None:
        """Return what the job has measured; see `shared.gateways.Measurements`."""
        run: str | Deferred | None = self._step(workspace, job, step) if step else job
        if run is None or isinstance(run, Deferred):
            return _unread(run)
        found = self._reader.in_mlflow(workspace, f"/runs/get?run_id={segment(run)}", RUN)
        if isinstance(found, Deferred):
            return _unread(found)
        data = mapping(mapping(found.get("run")).get("data"))
        if not found:
            return None
        return Measured(
            metrics={key: one.get("value") for key, one in _named(data, "metrics")},
            tags={key: value for key, one in _named(data, "tags") if isinstance(value := one.get("value"), str)},
        )

    def _step(self, workspace: str, job: str, step: str) -> str | Deferred | None:
        """Return the run of the step of that name, None where the job has none."""
        token = ""
        for _ in range(PAGES):
            query = f"?$continuationtoken={segment(token)}" if token else ""
            page = self._reader.in_history(workspace, f"/runs/{segment(job)}/children{query}", RUN)
            if isinstance(page, Deferred):
                return page
            for one in _objects(page.get("value")):
                if step in {one.get("name"), one.get("displayName")}:
                    return str(one.get("runId"))
            token = str(page.get("continuationToken") or "")
            if not token:
                break
        return None


def _unread(found: Deferred | None) -> Deferred | None:
    return msgspec.structs.replace(found, reason=f"verdict-unread: {found.reason}") if found else None


def _objects(told: object) -> Iterator[Properties]:
    yield from (one for one in told if isinstance(one, dict)) if isinstance(told, list) else ()


def _named(data: Properties, kind: str) -> Iterator[tuple[str, Properties]]:
    yield from ((key, one) for one in _objects(data.get(kind)) if isinstance(key := one.get("key"), str))
