"""What may happen in a workspace, and the event that tells it: a sample of the project, told differently."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from functools import cache
from typing import Any, Literal

import msgspec

from local.samples import sample
from tests.simulate.state import BEGIN

type Kind = Literal["step", "completed", "failed", "tested", "untested", "breach", "foreign", "broken"]

#: What the rules of the simulation are about: these leave a row.
ACTING: frozenset[Kind] = frozenset({"failed", "tested", "untested", "breach"})
SAMPLES: Mapping[Kind, str] = {
    "step": "pipeline-failed.step",
    "completed": "pipeline-failed",
    "failed": "pipeline-failed",
    "tested": "model-registered",
    "untested": "model-registered",
    "breach": "monitor-breach",
    "foreign": "foreign-workspace",
}
#: What models and monitors are called; all else is about an experiment.
SUBJECTS: Mapping[Kind, str] = {"tested": "prod", "untested": "scratch", "foreign": "prod", "breach": "monitor"}


@dataclass(frozen=True, slots=True)
class Fact:
    """What happened in a workspace, *at* so many seconds, to *subject* (a model or an experiment), as its *number*."""

    kind: Kind
    workspace: str
    at: float
    subject: str
    number: int

    @property
    def row(self) -> str:
        """Family and identity, by which the ledger knows it."""
        match self.kind:
            case "tested" | "untested":
                return f"model-registered|{self.subject}:{self.number}"
            case "breach":
                return f"data-drift|breach|run-{self.number}|data_drift"
            case _:
                return f"pipeline-failed|run-{self.number}"

    def body(self) -> bytes:
        """What Event Grid tells of it."""
        if self.kind == "broken":
            return f'{{"id": "{self.number}'.encode()
        told = _sample(self.kind)
        topic = f"{self.workspace}-foreign" if self.kind == "foreign" else self.workspace
        time = (BEGIN + timedelta(seconds=self.at)).isoformat()
        about = {"id": str(self.number), "topic": topic, "eventTime": time}
        return msgspec.json.encode({**told, **about, "data": {**told["data"], **self._data()}})

    def _data(self) -> dict[str, Any]:
        """Return the fields of an event that differ from the sample."""
        if self.kind in {"tested", "untested", "foreign"}:
            return {"modelName": self.subject, "modelVersion": str(self.number)}
        status = "Failed" if self.kind == "failed" else "Completed"
        return {"experimentName": self.subject, "runId": f"run-{self.number}", "runStatus": status}


@cache
def _sample(kind: Kind) -> Mapping[str, Any]:
    return sample(SAMPLES[kind])
