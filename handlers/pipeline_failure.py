"""A pipeline failed: the root run, not its steps and nested pipelines, which belong to it.

Jobs of other kinds are told in the same way, and so are canceled ones; a rule asks for them by `kind` and `status`.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Literal

from handlers.family import COMMON, Family
from handlers.incidents import REMINDER, SUCCESS
from handlers.runs import RUN_STATUS_CHANGED, read_run
from shared.events import Envelope, Event, NotOurs
from shared.lineage import RootRun, ours
from shared.notices import Notice
from shared.reactions import Vocabulary
from shared.reactions.conditions import Condition, Conditions, Place, says
from shared.reactions.values import Values
from shared.reports import Failure

type Kind = Literal["pipeline", "command", "sweep", "automl", "*"]
type Status = Literal["failed", "canceled", "*"]

#: The kind of notice about a run that is no pipeline.
JOB_FAILED = "job-failed"
#: The kind of notice about a run that somebody, or a time limit, stopped.
JOB_CANCELED = "job-canceled"
#: How the first words of a mail call each kind.
#: How a run ends that did not go well, and how the first words of a mail say it.
ENDS = {"failed": "failed", "canceled": "was canceled"}
NAMES = {"pipeline": "Pipeline", "command": "Job", "sweep": "Sweep", "automl": "AutoML run"}

#: Set on the root of a model monitor whose data was missing: a name such as DataNotFoundError, or a sentence
#: (azureml-assets, model_monitoring components).
MONITOR_ERROR = "azureml.modelmonitor.error"
MONITOR_FAILED = "monitor-failed"
MONITOR_REMEDY = (
    "Look whether data collection is on for the deployment, whether it had requests in the monitor's window, and "
    "whether the data that the monitor names is there."
)


@dataclass(frozen=True, slots=True, kw_only=True)
class PipelineFailed(Event):
    """The root run *run* of *experiment* ended as *status*: "failed", or "canceled", which few rules ask for.

    *pipeline* is the id of the published pipeline it is of.
    """

    family = "pipeline-failed"

    run: str
    experiment: str
    kind: str
    status: str
    pipeline: str | None
    tags: Mapping[str, str]
    properties: Mapping[str, str]

    @property
    def subject(self) -> str:
        """The experiment's name."""
        return self.experiment

    @property
    def identity(self) -> str:
        """The root run."""
        return self.run

    @property
    def lineage(self) -> Mapping[str, str]:
        """A job that a reaction started carries the reaction's properties."""
        return ours(self.properties)

    @property
    def origin(self) -> RootRun:
        """The job itself."""
        return RootRun(id=self.run)

    @property
    def report(self) -> Failure:
        """A failure of the experiment."""
        return Failure(run=self.run, kind=self.notice_kind, at=self.envelope.at)

    @property
    def failed_run(self) -> str:
        """The root run."""
        return self.run

    @property
    def cause(self) -> str:
        """Why, in words, where the event tells."""
        error = self.tags.get(MONITOR_ERROR)
        return f"The model monitor could not run: {error}\n{MONITOR_REMEDY}" if error else ""

    @property
    def title(self) -> str:
        """What failed, in words."""
        return "Model monitor" if self.tags.get(MONITOR_ERROR) else NAMES[self.kind]

    @property
    def notice_kind(self) -> str:
        """How a mail is laid out, and what its subject calls it."""
        if self.tags.get(MONITOR_ERROR):
            return MONITOR_FAILED
        if self.status == "canceled":
            return JOB_CANCELED
        return self.family if self.kind == "pipeline" else JOB_FAILED


class When(Place, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Conditions of `on: pipeline-failed`."""

    experiment: Annotated[Condition | None, says("the experiment's name")] = None
    kind: Annotated[
        Kind | list[Kind] | None,
        says("`pipeline`, `command`, `sweep` or `automl`, a list of them, or `*` for all; left out: `pipeline`"),
    ] = "pipeline"
    status: Annotated[
        Status | list[Status] | None,
        says("`failed` or `canceled`, a list of both, or `*` for both; left out: `failed`"),
    ] = "failed"
    pipeline: Annotated[Condition | None, says("the id of the published pipeline; other pipelines have none")] = None
    tags: Annotated[Conditions | None, says("the tags of the root run, each by its name")] = None
    properties: Annotated[Conditions | None, says("the properties of the root run, each by its name")] = None


def recognise(envelope: Envelope) -> PipelineFailed | NotOurs:
    """Tell the failure of a root run, or that it was canceled. Raises MalformedError."""
    run = read_run(envelope)
    if run is None or envelope.type != RUN_STATUS_CHANGED:
        return NotOurs("no failed run")
    if run.status not in ENDS:
        return NotOurs("a run that did not fail")
    if reason := run.not_root():
        return NotOurs(reason)
    return PipelineFailed(
        envelope=envelope,
        run=run.id,
        experiment=run.experiment,
        kind=run.kind,
        status=run.status,
        pipeline=run.pipeline,
        tags=run.tags,
        properties=run.properties,
    )


def values(event: PipelineFailed) -> Values:
    """Return what stands behind the names of this family."""
    return {
        "event.run": event.run,
        "event.run.tags": event.tags,
        "event.run.properties": event.properties,
        "event.experiment": event.experiment,
        "event.kind": event.kind,
        "event.status": event.status,
        "event.pipeline": event.pipeline or "",
    }


def notice(event: PipelineFailed) -> Notice:
    """Return what a mail tells."""
    return Notice(
        kind=event.notice_kind,
        headline=f"{event.title} {ENDS[event.status]}: {event.experiment}",
        workspace=event.workspace,
        experiment=event.experiment,
        run=event.run,
        status=event.status.capitalize(),
        time=event.envelope.time,
        reaction="",
        cause=event.cause,
        tags=event.tags,
    )


FAMILY = Family(
    name=PipelineFailed.family,
    function="pipeline_failure",
    event_types=(RUN_STATUS_CHANGED,),
    vocabulary=Vocabulary(
        when=When,
        folds=True,
        values={
            "event.run": "text",
            "event.run.tags": "map",
            "event.run.properties": "map",
            "event.experiment": "text",
            "event.kind": "text",
            "event.status": "text",
            "event.pipeline": "text",
            **COMMON,
        },
    ),
    recognise=recognise,
    values=values,
    notice=notice,
    follow_ups=(SUCCESS, REMINDER),
)
