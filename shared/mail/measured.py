"""What a monitor measured, as a mail shows it: a row for each metric of each feature, and a sentence above."""

from collections.abc import Mapping
from dataclasses import dataclass

from shared.mail.limits import Limits
from shared.mail.wording import line
from shared.notices import MEASUREMENTS, Measurement, Notice, figure

#: In characters; the longest metric of Azure ML has 34.
NAME_LENGTH = 60
BEYOND = "A monitor found values beyond their thresholds."
GOOD = "No value is beyond its threshold: nothing needs to be done."
UNTOLD = "Drift was found. The event does not tell in what; the run does."


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One measurement, as text; *good* where it is on the good side of its threshold."""

    feature: str
    metric: str
    value: str
    threshold: str
    good: bool


def measured(notice: Notice, limits: Limits) -> Mapping[str, object]:
    """Return the rows of what a monitor measured, and how many there are besides."""
    shown = min(MEASUREMENTS, limits.lines)
    more = max(len(notice.measurements) - shown, 0) + notice.more_measurements
    return {
        "good": good(notice),
        "measurements": tuple(map(_row, notice.measurements[:shown])),
        "more_measurements": f"and {more} more" if more else "",
    }


def good(notice: Notice) -> bool:
    """Tell whether all that was measured is on the good side of its threshold."""
    return bool(notice.measurements) and all(one.better for one in notice.measurements)


def found(notice: Notice) -> str:
    """Say in a sentence what a monitor found."""
    return GOOD if good(notice) else BEYOND if notice.measurements else UNTOLD


def _row(one: Measurement) -> Row:
    return Row(
        feature=line(one.feature, NAME_LENGTH),
        metric=line(one.metric, NAME_LENGTH),
        value=figure(one.value),
        threshold=figure(one.threshold),
        good=one.better,
    )
