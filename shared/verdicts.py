"""Whether what a job measured is good enough. Pure, and closed: what is not there, or is no number, never passes."""

import math
from collections.abc import Mapping
from typing import Literal

import msgspec

type Word = Literal["passed", "failed", "inconclusive"]

PASSED, FAILED, INCONCLUSIVE = "passed", "failed", "inconclusive"
WORDS = frozenset({PASSED, FAILED, INCONCLUSIVE})
#: What is told of a value that is no number.
SHOWN = 40


class Yardstick(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A *metric* with its bounds, or a *tag* that says it; of the job, or of the *step* of that name."""

    metric: str = ""
    tag: str = ""
    step: str = ""
    above: float | None = None
    at_least: float | None = None
    below: float | None = None
    at_most: float | None = None


class Measured(msgspec.Struct, frozen=True, kw_only=True):
    """What a run has left: metrics, the last value of each as it was told, and tags."""

    metrics: Mapping[str, object] = {}
    tags: Mapping[str, str] = {}


class Judgement(msgspec.Struct, frozen=True):
    """The verdict, and why, with its numbers."""

    word: Word
    why: str


def judge(yardstick: Yardstick, measured: Measured | None) -> Judgement:
    """Judge what was *measured*; None: there is no such run (any more)."""
    if measured is None:
        gone = f"there is no step {yardstick.step!r}, or the job is gone" if yardstick.step else "the job is gone"
        return Judgement("inconclusive", gone)
    if yardstick.tag:
        return _by_tag(yardstick.tag, measured.tags.get(yardstick.tag))
    name = yardstick.metric
    if name not in measured.metrics:
        return Judgement("inconclusive", f"the metric {name} is missing")
    value = _number(measured.metrics[name])
    if value is None:
        return Judgement("inconclusive", f"{name} is {str(measured.metrics[name])[:SHOWN]!r}, which is no number")
    told = f"{name} {value:.6g}, wanted {bounds_in_words(yardstick)}"
    return Judgement("passed" if _within(yardstick, value) else "failed", told)


def bounds_in_words(yardstick: Yardstick) -> str:
    """Tell the bounds: ``at least 0.9 and below 1``."""
    bounds = {name: getattr(yardstick, name) for name in ("above", "at_least", "below", "at_most")}
    return " and ".join(f"{name.replace('_', ' ')} {value:.6g}" for name, value in bounds.items() if value is not None)


def _by_tag(name: str, value: str | None) -> Judgement:
    if value is None:
        return Judgement("inconclusive", f"the tag {name} is missing")
    match value.strip().casefold():
        case "passed":
            return Judgement("passed", f"the tag {name} says so")
        case "failed":
            return Judgement("failed", f"the tag {name} says so")
    return Judgement("inconclusive", f"the tag {name} is {value[:SHOWN]!r}, neither 'passed' nor 'failed'")


def _number(value: object) -> float | None:
    """Return what is a finite number; text is none, also where it looks like one."""
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return None
    try:
        number = float(value)
    except OverflowError:
        return None
    return number if math.isfinite(number) else None


def _within(yardstick: Yardstick, value: float) -> bool:
    return (
        (yardstick.above is None or value > yardstick.above)
        and (yardstick.at_least is None or value >= yardstick.at_least)
        and (yardstick.below is None or value < yardstick.below)
        and (yardstick.at_most is None or value <= yardstick.at_most)
    )
