"""A run as run history tells it, read with care: whatever is missing or of another type is taken for not told. Pure."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Self

from shared.lineage import Chain, ours

type Json = Mapping[str, Any]

PIPELINE, FAILED, COMPLETED = "azureml.pipelinerun", "failed", "completed"
#: The step that a nested pipeline is (mldesigner); the pipeline run is below it.
NESTED = "subgraphcloudstep"


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """A job or a step of one. *status* and *type* are casefolded, *type_told* is not; *author* is who submitted it."""

    id: str = ""
    root: str = ""
    name: str = ""
    type_told: str = ""
    status: str = ""
    created: datetime | None = None
    ended: datetime | None = None
    code: str = ""
    error: str = ""
    author: str = ""
    properties: Mapping[str, str]

    @classmethod
    def of(cls, told: Json) -> Self:
        """Read a run of run history."""
        error, author = part(part(told, "error"), "error"), part(told, "createdBy")
        properties = part(told, "properties")
        return cls(
            id=text(told, "runId"),
            root=text(told, "rootRunId"),
            name=text(told, "displayName") or text(told, "name"),
            type_told=text(told, "runType"),
            status=text(told, "status").casefold(),
            created=_time(text(told, "createdUtc")),
            ended=_time(text(told, "endTimeUtc")),
            code=text(error, "code"),
            error=text(error, "message"),
            author=text(author, "userName") or text(author, "upn"),
            properties={key: value for key, value in properties.items() if isinstance(value, str)},
        )

    @property
    def has_steps(self) -> bool:
        """Tell whether what failed is below it: a pipeline, or the step that a nested one is."""
        kind = self.type_told or self.properties.get("azureml.runsource", "")
        step = self.properties.get("StepType") or self.properties.get("stepType", "")
        return kind.casefold() == PIPELINE or step.casefold() == NESTED

    @property
    def over_at(self) -> str:
        """When it was over, else when it was submitted; "" where neither is told."""
        at = self.ended or self.created
        return at.isoformat() if at else ""

    @property
    def started_by(self) -> str:
        """The reaction whose job it is, a schedule, or the person or identity that submitted it."""
        if reactions := Chain.of(ours(self.properties)).reactions:
            return f"reaction {reactions[-1]}"
        scheduled = self.properties.get("runType", "").casefold() == "schedule"
        return f"a schedule of {self.author}" if scheduled and self.author else "a schedule" * scheduled or self.author


def first_failed(runs: Iterable[Run]) -> Run | None:
    """Return the run that failed first: those that failed later may be its consequence, cancelled ones are."""
    failed = [run for run in runs if run.status == FAILED]
    return min(failed, key=lambda run: (run.ended is None, run.ended or _LATEST, run.id), default=None)


def last_success(runs: Iterable[Run], *, before: Run) -> Run | None:
    """Return the newest job that was submitted before another one of its kind, and has succeeded."""
    found = [
        run
        for run in runs
        if run.status == COMPLETED
        and run.id not in {"", before.id}
        and run.root in {"", run.id}
        and run.type_told.casefold() == before.type_told.casefold()
        and run.created is not None
        and (before.created is None or run.created < before.created)
    ]
    return max(found, key=lambda run: (run.created or _EARLIEST, run.id), default=None)


def text(told: Json, key: str) -> str:
    """Return a text of *told*, "" where it has none."""
    value = told.get(key)
    return value if isinstance(value, str) else ""


def part(told: Json, key: str) -> Json:
    """Return an object of *told*, an empty one where it has none."""
    value = told.get(key)
    return value if isinstance(value, dict) else {}


_EARLIEST, _LATEST = datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC)


def _time(told: str) -> datetime | None:
    try:
        time = datetime.fromisoformat(told)
        return time.replace(tzinfo=UTC) if time.tzinfo is None else time.astimezone(UTC)
    except (ValueError, OverflowError):
        return None
