"""The body of an Event Grid delivery, read as the Event Grid extension reads it."""

import json
import math
from collections.abc import Iterable

#: Deepest nesting that is read (Newtonsoft.Json's default MaxDepth).
MAX_DEPTH = 64


def read_events(body: bytes) -> list[dict[str, object]]:
    """Read the events of *body*: an array of objects, or one object. Raises ValueError for anything else.

    Numbers that JSON does not know (NaN, 1e400) become strings, the last of several equal keys wins. What Newtonsoft
    takes beyond that (comments, single quotes, trailing commas) is refused here.
    """
    text = body.decode("utf-8-sig", errors="replace")
    try:
        parsed = json.loads(text, parse_constant=str, parse_float=_number)
    except RecursionError:
        raise ValueError("the document is nested too deep") from None
    found = parsed if isinstance(parsed, list) else [parsed]
    if not all(isinstance(event, dict) for event in found):
        raise ValueError("every event must be an object")
    if _depth(parsed) > MAX_DEPTH:
        raise ValueError("the document is nested too deep")
    return found


def validation_code(body: bytes) -> object:
    """Read the code of a subscription validation, of either schema. Raises ValueError when there is none to read."""
    event = next(iter(read_events(body)), None)
    data = event.get("data") if event else None
    if isinstance(data, str):  # CloudEvents deliveries were seen with the data as JSON in a string
        data = json.loads(data)
    if not isinstance(data, dict):
        raise ValueError("a validation needs an event with data")  # noqa: TRY004 - a wrong document, not a wrong type
    return data.get("validationCode")


def _number(text: str) -> float | str:
    value = float(text)
    return value if math.isfinite(value) else "-Infinity" if value < 0 else "Infinity"  # as Newtonsoft writes them


def _depth(value: object) -> int:
    level: list[object] = [value]
    depth = 0
    while level := [item for item in level if isinstance(item, dict | list)]:
        depth += 1
        level = [inner for item in level for inner in _items(item)]
    return depth


def _items(value: object) -> Iterable[object]:
    return value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
