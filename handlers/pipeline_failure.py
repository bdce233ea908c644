"""A pipeline failed: the root run, not its steps and nested pipelines, which belong to it."""

from collections.abc import Mapping
from dataclasses import dataclass

import msgspec

from handlers.family import Family
from handlers.runs import RUN_STATUS_CHANGED, read_run
from shared.actions import Notice
from shared.events import Envelope, Event, NotOurs
from shared.orchestration import Orchestration, Settlement
from shared.reactions import Globs, Plan, Reactions, Vocabulary

#: Set on the root of a model monitor whose data was missing (azureml-assets, model_monitoring components).
MONITOR_ERROR = "azureml.modelmonitor.error"


@dataclass(frozen=True, slots=True, kw_only=True)
class PipelineFailed(Event):
    """The root pipeline run *run* of *experiment* ended as Failed; *cause* is what its tags tell of it."""

    family = "pipeline-failed"

    run: str
    experiment: str
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
        """A pipeline that a reaction started carries the reaction's properties."""
        return self.properties

    @property
    def cause(self) -> str:
        """Why, in words, where the event tells."""
        error = self.tags.get(MONITOR_ERROR)
        return f"The model monitor could not run: {error}" if error else ""


class When(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Conditions of `on: pipeline-failed`."""

    experiment: Globs | None = None
    tags: dict[str, Globs] | None = None


def recognise(envelope: Envelope) -> PipelineFailed | NotOurs:
    """Tell the failure of a root pipeline run. Raises MalformedError."""
    run = read_run(envelope)
    if run is None or envelope.type != RUN_STATUS_CHANGED:
        return NotOurs("no failed run")
    if run.status != "failed":
        return NotOurs("a run that did not fail")
    if reason := run.not_root_pipeline():
        return NotOurs(reason)
    return PipelineFailed(
        envelope=envelope, run=run.id, experiment=run.experiment, tags=run.tags, properties=run.properties
    )


def plan(event: PipelineFailed, reactions: Reactions) -> Plan:
    """Decide what follows from *event*. Pure: no clock, no network, no log."""
    values = {"event.run": event.run, "event.experiment": event.experiment}
    notice = Notice(
        kind=event.family,
        headline=f"Pipeline failed: {event.experiment}",
        workspace=event.workspace,
        experiment=event.experiment,
        run=event.run,
        status="Failed",
        time=event.envelope.time,
        reaction="",
        cause=event.cause,
        tags=event.tags,
    )
    return tuple(rule.plan(event, values=values, notice=notice) for rule in reactions.on(event.family))


def handle(event: PipelineFailed, orchestration: Orchestration) -> Settlement:
    """Have :func:`plan` carried out, once per root run."""
    return orchestration.react(event, plan)


FAMILY = Family(
    name=PipelineFailed.family,
    function="pipeline_failure",
    event_types=(RUN_STATUS_CHANGED,),
    vocabulary=Vocabulary(when=When, values=("event.run", "event.experiment")),
    recognise=recognise,
    handle=handle,
)
