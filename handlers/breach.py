"""A breach as the monitor's component tells it: a text that names the signal and lists what is beyond its threshold.

The list is Python's `repr` of a list of JSON objects, one for each metric of each feature (azureml-assets, model
monitoring, evaluate_metrics_threshold.py); of a long one the service tells the beginning. What can be read is read:
cut off anywhere, the text yields the same measurements up to there, of which the last may lack what followed.
"""

import json
import math
import re
import sys
from collections.abc import Mapping
from dataclasses import dataclass

from shared.notices import Measurement

SIGNAL = re.compile(r"The signal '(?P<name>[^']{1,255})' has failed")
#: What `repr` writes for a character that it does not show as it is.
ESCAPE = re.compile(r"\\(?:x([0-9a-f]{2})|u([0-9a-f]{4})|U([0-9a-f]{8})|([\s\S]))")
CONTROLS = {"n": "\n", "r": "\r", "t": "\t"}
STRING = r'"(?:[^"\\]|\\[\s\S])*+"'
#: One member of an object, told to its end: a number is so only before what follows it.
MEMBER = re.compile(rf'\s*+[{{,]\s*+({STRING})\s*+:\s*+({STRING}|[^\s",:{{}}\[\]]++(?=\s*[,}}]))')
OBJECT_END = re.compile(r"\s*+\}")
#: More is not looked at; a megabyte, which is all an event may be, has room for about 8,000 features.
OBJECTS = 10_000
LIST_END = re.compile(r"['\"]?\s*+\]")

#: By name, in small letters without `_`. Greater is better: the component's own list (two of them are probabilities
#: that nothing changed), and Accuracy, Precision and Recall, which that list had until 2024; components since then
#: tell a good value of these as a breach. Nothing is said of a metric that is in neither set.
GREATER_IS_BETTER = frozenset(
    {
        "accuracy",
        "precision",
        "recall",
        "f1score",
        "normalizeddiscountedcumulativegain",
        "twosamplekolmogorovsmirnovtest",
        "pearsonschisquaredtest",
        *(f"aggregated{what}passrate" for what in ("coherence", "groundedness", "fluency", "similarity", "relevance")),
    }
)
SMALLER_IS_BETTER = frozenset(
    {
        *("mae", "meanabsoluteerror", "mse", "meansquarederror", "rmse", "rootmeansquarederror"),
        *("jensenshannondistance", "populationstabilityindex", "normalizedwassersteindistance"),
        *("nullvaluerate", "datatypeerrorrate", "outofboundsrate"),
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Breach:
    """What a breach's text tells: the signal's name ("" where it cannot be read), and what was measured.

    *whole* says whether the list was read to its end.
    """

    signal: str
    measurements: tuple[Measurement, ...]
    whole: bool


def read_breach(text: str) -> Breach:
    """Read what can be read; never raises."""
    found = SIGNAL.search(text)
    opened = text.find("[", found.end() if found else 0)
    listed = "" if opened < 0 else ESCAPE.sub(_character, text[opened:])
    measurements, end, whole = [], 1, True
    for _ in range(OBJECTS):
        if (start := listed.find("{", end)) < 0:
            break
        members, end = _members(listed, start)
        if measurement := _measurement(members):
            measurements.append(measurement)
        closed = OBJECT_END.match(listed, end)
        end = closed.end() if closed else max(end, start + 1)
        whole = whole and closed is not None
    return Breach(
        signal=found["name"] if found else "",
        measurements=tuple(measurements),
        whole=whole and LIST_END.match(listed, end) is not None,
    )


def is_better(metric: str, value: float | None, threshold: float | None) -> bool:
    """Tell whether the value is on the good side of its threshold, or just there."""
    if value is None or threshold is None:
        return False
    name = metric.replace("_", "").casefold()
    return (name in GREATER_IS_BETTER and value >= threshold) or (name in SMALLER_IS_BETTER and value <= threshold)


def _members(text: str, start: int) -> tuple[Mapping[str, str], int]:
    """Return the members of the object that begins at *start*, as far as they are whole, and where that ends."""
    members, end = {}, start
    while member := MEMBER.match(text, end):
        members[_text(member[1])] = _text(member[2])
        end = member.end()
    return members, end


def _measurement(members: Mapping[str, str]) -> Measurement | None:
    """Return what one object tells; without the metric's name it is nothing."""
    metric = members.get("metric_name", "")
    value, threshold = (_number(members.get(name, "")) for name in ("metric_value", "threshold_value"))
    better = is_better(metric, value, threshold)
    told = Measurement(metric=metric, feature=members.get("group", ""), value=value, threshold=threshold, better=better)
    return told if metric else None


def _text(token: str) -> str:
    """Return what a string or another scalar of JSON stands for; half a character is none."""
    try:
        text = json.loads(token, strict=False) if token.startswith('"') else token
    except ValueError:
        text = token[1:-1]
    return str(text).encode(errors="replace").decode()


def _number(text: str) -> float | None:
    """Read a number, which some components tell as text; None where it is none."""
    try:
        number = float(text)
    except ValueError:
        return None
    return number if math.isfinite(number) else None


def _character(found: re.Match[str]) -> str:
    digits = found[1] or found[2] or found[3]
    if digits is None:
        return CONTROLS.get(found[4], found[4])
    return chr(min(int(digits, 16), sys.maxunicode))
