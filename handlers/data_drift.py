"""Data drifted: a breach of a model monitor, or the retired DatasetDriftDetected; one family for both worlds.

A breach is told by a tag on the monitor's evaluate-threshold step, which ends as Completed; every later status of
the step carries the tag again, and RunCompleted tells it once more (azureml-assets, model_monitoring components).
RunCompleted is understood but not subscribed to: it tells nothing that RunStatusChanged does not.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Annotated

import msgspec

from handlers.breach import BREACH_TAG, read_breach
from handlers.family import COMMON, Family
from handlers.runs import RUN_STATUS_CHANGED, read_run
from shared.actions import Notice
from shared.events import EVENT_TYPE_PREFIX, Envelope, Event, NotOurs
from shared.lineage import RootRun, ours
from shared.reactions import Vocabulary
from shared.reactions.conditions import Bounds, Condition, Conditions, Place, says
from shared.reactions.values import Values

DATASET_DRIFT_DETECTED = f"{EVENT_TYPE_PREFIX}DatasetDriftDetected"
#: Several signals of one monitor run come within minutes of each other and start one job.
COOLDOWN = timedelta(hours=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class DataDrifted(Event):
    """*signal* of *monitor* went beyond its threshold, found by *run*; *source* is what names the partition.

    *metric* are the metrics beyond it, as far as they are told; *drift_coefficient* only the legacy event has;
    *root* is the monitor's job.
    """

    family = "data-drift"

    source: str
    monitor: str
    signal: str
    run: str
    experiment: str | None = None
    metric: tuple[str, ...] = ()
    drift_coefficient: float | None = None
    tags: Mapping[str, str] = field(default_factory=dict)
    properties: Mapping[str, str] = field(default_factory=dict)
    legacy_id: str = ""
    root: str = ""

    @property
    def subject(self) -> str:
        """The monitor's experiment, or the drift's name for the legacy event."""
        return self.source

    @property
    def identity(self) -> str:
        """The step run and its signal; for the legacy event the drift and its run."""
        return f"{self.legacy_id or 'breach'}|{self.run}|{self.signal}"

    @property
    def label(self) -> str:
        """The monitor."""
        return self.monitor

    @property
    def lineage(self) -> Mapping[str, str]:
        """Whatever a reaction's job has left on the run that found it."""
        return ours(self.properties)

    @property
    def origin(self) -> RootRun | None:
        """The monitor's job; the retired monitors were none."""
        return RootRun(id=self.root) if self.root else None


class When(Place, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Conditions of `on: data-drift`; a signal about quality or performance is no reason to retrain."""

    monitor: Annotated[Condition | None, says("the monitor's name")] = None
    signal: Annotated[
        Condition | None,
        says("the signal's name; left out: `data_drift` or `prediction_drift`"),
    ] = msgspec.field(default_factory=lambda: ["data_drift", "prediction_drift"])
    metric: Annotated[
        Condition | None, says("the metrics beyond their threshold, any of them; `DatasetDriftDetected` has none")
    ] = None
    drift_coefficient: Annotated[
        Bounds | None, says("the drift's magnitude, a number; only `DatasetDriftDetected` has it")
    ] = None
    experiment: Annotated[Condition | None, says("the monitor's experiment; `DatasetDriftDetected` has none")] = None
    tags: Annotated[Conditions | None, says("the tags of the run that found it, each by its name")] = None
    properties: Annotated[Conditions | None, says("the properties of the run that found it, each by its name")] = None


def recognise(envelope: Envelope) -> DataDrifted | NotOurs:
    """Tell drift in either form. Raises MalformedError."""
    if envelope.type == DATASET_DRIFT_DETECTED:
        name = envelope.text("dataDriftName")
        return DataDrifted(
            envelope=envelope,
            source=name,
            monitor=name,
            signal="data_drift",
            run=envelope.text("runId"),
            drift_coefficient=_number(envelope, "driftCoefficient"),
            legacy_id=envelope.text("dataDriftId"),
        )
    run = read_run(envelope)
    if run is None:
        return NotOurs("no run and no dataset drift")
    told = run.tags.get(BREACH_TAG)
    if told is None:
        return NotOurs("no breach of a monitor's threshold")
    if run.status != "completed":
        return NotOurs("a breach whose run is not completed yet; it is told again")
    breach = read_breach(told, run.experiment)
    return DataDrifted(
        envelope=envelope,
        source=run.experiment,
        monitor=breach.monitor,
        signal=breach.signal,
        run=run.id,
        experiment=run.experiment,
        metric=breach.metrics,
        tags=run.tags,
        properties=run.properties,
        root=run.root,
    )


def _number(envelope: Envelope, name: str) -> float | None:
    """Read a number, told as one or as text; None where it is absent or no number."""
    told = envelope.data.get(name.casefold())
    try:
        return float(told) if isinstance(told, (str, int, float)) and not isinstance(told, bool) else None
    except ValueError:
        return None


def values(event: DataDrifted) -> Values:
    """Return what stands behind the names of this family."""
    return {
        "event.monitor": event.monitor,
        "event.signal": event.signal,
        "event.metric": ", ".join(event.metric),
        "event.drift_coefficient": "" if event.drift_coefficient is None else str(event.drift_coefficient),
        "event.run": event.run,
        "event.run.tags": event.tags,
        "event.run.properties": event.properties,
        "event.experiment": event.experiment or "",
    }


def notice(event: DataDrifted) -> Notice:
    """Return what a mail tells."""
    return Notice(
        kind=event.family,
        headline=f"Drift: {event.signal} of {event.monitor}",
        workspace=event.workspace,
        experiment=event.source,
        run=event.run,
        status="Threshold breached",
        time=event.envelope.time,
        reaction="",
    )


FAMILY = Family(
    name=DataDrifted.family,
    function="data_drift",
    event_types=(DATASET_DRIFT_DETECTED, RUN_STATUS_CHANGED),
    vocabulary=Vocabulary(
        when=When,
        values={
            "event.monitor": "text",
            "event.signal": "text",
            "event.metric": "text",
            "event.drift_coefficient": "number",
            "event.run": "text",
            "event.run.tags": "map",
            "event.run.properties": "map",
            "event.experiment": "text",
            **COMMON,
        },
        cooldown=COOLDOWN,
    ),
    recognise=recognise,
    values=values,
    notice=notice,
)
