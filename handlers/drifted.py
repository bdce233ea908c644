"""The event of drift: what it is known by, what counts of what was measured, and what mails and jobs tell of it."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from shared.events import Event
from shared.lineage import RootRun, ours
from shared.notices import Measurement, figure
from shared.reactions.conditions import SHOWN, cut
from shared.reactions.monitors import SIGNALS, Monitors

#: What Azure ML takes for the value of a property or tag, in characters.
VALUE_CHARACTERS = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class DataDrifted(Event):
    """*signal* of *monitor* went beyond its threshold, found by *run*; *source* is what names the partition.

    *signal_name* is the whole name that Azure ML tells. *measurements* are what is told of the breach, and *whole*
    says whether that is all; *drift_coefficient* only the legacy event has; *root* is the monitor's job.
    """

    family = "data-drift"

    source: str
    signal_name: str
    monitor: str
    signal: str
    run: str
    experiment: str | None = None
    measurements: tuple[Measurement, ...] = ()
    whole: bool = False
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
        """The step run and its signal as Azure ML names it; for the legacy event the drift and its run."""
        return f"{self.legacy_id or 'breach'}|{self.run}|{monitor_and_signal(self.signal_name, self.source)[1]}"

    @property
    def label(self) -> str:
        """The monitor as Azure ML's names tell it, so that a job's name does not depend on our own file either."""
        return monitor_and_signal(self.signal_name, self.source)[0]

    @property
    def lineage(self) -> Mapping[str, str]:
        """Whatever a reaction's job has left on the run that found it."""
        return ours(self.properties)

    @property
    def origin(self) -> RootRun | None:
        """The monitor's job; the retired monitors were none."""
        return RootRun(id=self.root) if self.root else None

    @property
    def title(self) -> str:
        """What a mail begins with."""
        if self.better:
            return "Better than the threshold"
        return "Drift" if self.signal.endswith("drift") else "Beyond the threshold"

    @property
    def beyond(self) -> tuple[Measurement, ...]:
        """What counts of the measurements: those on the bad side of their threshold, or all where none is."""
        return tuple(one for one in self.measurements if not one.better) or self.measurements

    @property
    def better(self) -> bool:
        """All there is to tell is on the good side of its threshold."""
        return self.whole and bool(self.measurements) and all(one.better for one in self.measurements)

    @property
    def shown(self) -> tuple[Measurement, ...]:
        """What a mail shows: what counts first; of the legacy event its one number."""
        if self.drift_coefficient is not None:
            return (Measurement(metric="Drift coefficient", value=self.drift_coefficient),)
        return tuple(sorted(self.measurements, key=lambda one: one.better))

    @property
    def metric(self) -> tuple[str, ...]:
        """The metrics beyond their threshold, each once."""
        return tuple(dict.fromkeys(one.metric for one in self.beyond))

    @property
    def feature(self) -> tuple[str, ...]:
        """The features whose metrics those are, each once."""
        return tuple(dict.fromkeys(one.feature for one in self.beyond if one.feature))

    @property
    def told(self) -> str:
        """What counts of the measurements, in a line."""
        return cut("; ".join(map(_words, self.beyond)), VALUE_CHARACTERS)

    @property
    def objection(self) -> str:
        """A value on the good side of its threshold is no reason to start a job."""
        return f"{self.signal}: {self._good_side}" if self.better else ""

    @property
    def cause(self) -> str:
        """What a mail says of a breach that is none, or that is not told to its end."""
        if self.better:
            return f"Azure ML tells this as a breach, but {self._good_side}. No job was started."
        cut_off = self.experiment is not None and not self.whole
        return "Azure ML told only the beginning of its list; the run has all of it." if cut_off else ""

    @property
    def _good_side(self) -> str:
        first, *others = self.measurements
        more = f", and so {'is' if len(others) == 1 else 'are'} {len(others)} more" if others else ""
        name = f"{cut(first.metric, SHOWN)} {figure(first.value)}"
        return f"{name} is on the good side of {figure(first.threshold)}{more}"

    @property
    def stamp(self) -> Mapping[str, str]:
        """Monitor, signal, features and metrics, so that the job says what it was started for."""
        told = {
            "reactor_drift_monitor": self.monitor,
            "reactor_drift_signal": self.signal,
            "reactor_drift_features": ", ".join(self.feature),
            "reactor_drift_metrics": self.told,
        }
        return {name: cut(value, VALUE_CHARACTERS) for name, value in told.items() if value}


def named(event: DataDrifted, monitors: Monitors) -> DataDrifted:
    """Return the event with the names that reactions.yaml gives; what it is known by stays. Pure."""
    entry = None
    if event.experiment is not None:
        entry = monitors.of(experiment=event.experiment, signal_name=event.signal_name)
    if entry is None:
        return event
    return replace(event, monitor=entry.monitor or event.monitor, signal=entry.signal or event.signal)


def monitor_and_signal(name: str, experiment: str) -> tuple[str, str]:
    """Split the documented form ``<monitor>_<signal>``; else the monitor goes by its experiment."""
    for signal in SIGNALS:
        if name.endswith(f"_{signal}"):
            return name.removesuffix(f"_{signal}") or experiment, signal
    return experiment, name


def _words(measurement: Measurement) -> str:
    """Tell it in a line: ``tenure: PopulationStabilityIndex 0.41 (threshold 0.2)``."""
    feature = f"{measurement.feature}: " if measurement.feature else ""
    threshold = "" if measurement.threshold is None else f" (threshold {figure(measurement.threshold)})"
    return f"{feature}{measurement.metric} {figure(measurement.value)}".rstrip() + threshold
