"""`monitors:` what a model monitor and its signals are called, where their names in Azure ML do not say so."""

from dataclasses import dataclass
from typing import Annotated, Literal, get_args

import msgspec

from shared.reactions.conditions import Globs, holds, says

#: The signals of Azure ML model monitoring that can tell a breach.
type Signal = Literal[
    "data_drift",
    "prediction_drift",
    "data_quality",
    "feature_attribution_drift",
    "model_performance",
    "generation_safety_quality",
]
SIGNALS: tuple[str, ...] = get_args(Signal.__value__)


class MonitorRule(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One entry: by what a breach is known, and what its monitor and signal are called here."""

    experiment: Annotated[Globs | None, says("the experiment of the monitor's runs: a pattern, or a list of them")] = (
        None
    )
    signal_name: Annotated[
        Globs | None, says("the signal's whole name in the monitor's definition: a pattern, or a list of them")
    ] = None
    monitor: Annotated[str | None, says("what the monitor is called here; left out: as without the entry")] = None
    signal: Annotated[Signal | None, says("which signal of Azure ML it is; left out: as without the entry")] = None

    def fits(self, experiment: str, signal_name: str) -> bool:
        """Tell whether the entry is about this breach."""
        pairs = ((self.experiment, experiment), (self.signal_name, signal_name))
        return all(wanted is None or holds(wanted, met) for wanted, met in pairs)


@dataclass(frozen=True, slots=True)
class Monitors:
    """The entries of a file, in its order."""

    entries: tuple[MonitorRule, ...] = ()

    def of(self, *, experiment: str, signal_name: str) -> MonitorRule | None:
        """Return the first entry that fits."""
        return next((entry for entry in self.entries if entry.fits(experiment, signal_name)), None)
