"""Data drifted: a breach of a model monitor, or the retired DatasetDriftDetected; one family for both worlds.

A breach is told by a tag on the monitor's evaluate-threshold step, which ends as Completed; every later status of
the step carries the tag again, and RunCompleted tells it once more (azureml-assets, model_monitoring components).
RunCompleted is understood but not subscribed to: it tells nothing that RunStatusChanged does not.
"""

import re
from dataclasses import dataclass
from datetime import timedelta

import msgspec

from handlers.family import Family
from handlers.runs import RUN_STATUS_CHANGED, read_run
from shared.actions import Notice
from shared.events import EVENT_TYPE_PREFIX, Envelope, Event, NotOurs
from shared.orchestration import Orchestration, Settlement
from shared.reactions import Globs, Plan, Reactions, Vocabulary

DATASET_DRIFT_DETECTED = f"{EVENT_TYPE_PREFIX}DatasetDriftDetected"
BREACH_TAG = "azureml_modelmonitor_threshold_breached"
SIGNAL = re.compile(r"The signal '(?P<name>[^']{1,255})' has failed")
#: The signals of Azure ML model monitoring that set the tag.
SIGNALS = (
    "data_drift",
    "prediction_drift",
    "data_quality",
    "feature_attribution_drift",
    "model_performance",
    "generation_safety_quality",
)
#: Several signals of one monitor run come within minutes of each other and start one job.
COOLDOWN = timedelta(hours=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class DataDrifted(Event):
    """*signal* of *monitor* went beyond its threshold, found by *run*; *source* is what names the partition."""

    family = "data-drift"

    source: str
    monitor: str
    signal: str
    run: str
    legacy_id: str = ""

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


class When(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Conditions of `on: data-drift`; a signal about quality or performance is no reason to retrain."""

    monitor: Globs | None = None
    signal: Globs | None = msgspec.field(default_factory=lambda: ["data_drift", "prediction_drift"])


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
            legacy_id=envelope.text("dataDriftId"),
        )
    run = read_run(envelope)
    if run is None:
        return NotOurs("no run and no dataset drift")
    breach = run.tags.get(BREACH_TAG)
    if breach is None:
        return NotOurs("no breach of a monitor's threshold")
    if run.status != "completed":
        return NotOurs("a breach whose run is not completed yet; it is told again")
    found = SIGNAL.search(breach)
    monitor, signal = _monitor_and_signal(found["name"] if found else "", run.experiment)
    return DataDrifted(envelope=envelope, source=run.experiment, monitor=monitor, signal=signal, run=run.id)


def _monitor_and_signal(name: str, experiment: str) -> tuple[str, str]:
    """Split the documented form ``<monitor>_<signal>``; else the monitor goes by its experiment."""
    for signal in SIGNALS:
        if name.endswith(f"_{signal}"):
            return name.removesuffix(f"_{signal}"), signal
    return experiment, name


def plan(event: DataDrifted, reactions: Reactions) -> Plan:
    """Decide what follows from *event*. Pure: no clock, no network, no log."""
    values = {"event.monitor": event.monitor, "event.signal": event.signal, "event.run": event.run}
    notice = Notice(
        kind=event.family,
        headline=f"Drift: {event.signal} of {event.monitor}",
        workspace=event.workspace,
        experiment=event.source,
        run=event.run,
        status="Threshold breached",
        time=event.envelope.time,
        reaction="",
    )
    return tuple(rule.plan(event, values=values, notice=notice) for rule in reactions.on(event.family))


def handle(event: DataDrifted, orchestration: Orchestration) -> Settlement:
    """Have :func:`plan` carried out, once per breach."""
    return orchestration.react(event, plan)


FAMILY = Family(
    name=DataDrifted.family,
    function="data_drift",
    event_types=(DATASET_DRIFT_DETECTED, RUN_STATUS_CHANGED),
    vocabulary=Vocabulary(when=When, values=("event.monitor", "event.signal", "event.run"), cooldown=COOLDOWN),
    recognise=recognise,
    handle=handle,
)
