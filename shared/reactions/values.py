"""What stands behind `${{ event.… }}` in the inputs of a job: names, their kinds, and the text they become."""

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Literal

type Kind = Literal["text", "number", "model", "map"]
"""`model` is the reference ``azureml:<name>:<version>``; of a `map` only single keys can be asked for."""

type Values = Mapping[str, str | Mapping[str, str]]
"""By name; "" where the event has no such value."""

EXPRESSION = re.compile(r"\$\{\{\s*(.*?)\s*\}\}")
#: Something of each kind, to try an input with before there is an event.
SAMPLES: Mapping[str, str] = {"text": "sample", "number": "0.5", "model": "azureml:sample:1", "map": "sample"}


def names_in(text: str) -> Iterator[str]:
    """Yield the names that *text* asks for."""
    return (found[1] for found in EXPRESSION.finditer(text))


def kind_of(name: str, kinds: Mapping[str, Kind]) -> Kind | None:
    """Return the kind behind *name*: of a map's keys it is text. None for a name that nothing stands behind."""
    if name in kinds:
        return None if kinds[name] == "map" else kinds[name]
    return "text" if _owner(name, (known for known, kind in kinds.items() if kind == "map")) else None


def known(kinds: Mapping[str, Kind]) -> list[str]:
    """Return the names as people write them: a map with a place for its key."""
    return [f"{name}.<key>" if kind == "map" else name for name, kind in kinds.items()]


def value_of(name: str, values: Values) -> str:
    """Return the text behind *name*, "" where the event does not have it."""
    found = values.get(name)
    if isinstance(found, str):
        return found
    maps = {known: entries for known, entries in values.items() if not isinstance(entries, str)}
    owner = _owner(name, maps)
    return maps[owner].get(name.removeprefix(f"{owner}."), "") if owner else ""


def absent_in(text: str, values: Values) -> str:
    """Return the first name in *text* that the event has no value for, else ""."""
    return next((name for name in names_in(text) if not value_of(name, values)), "")


def replaced(text: str, values: Values) -> str:
    """Return *text* with the event's values."""
    return EXPRESSION.sub(lambda found: value_of(found[1], values), text)


def tried(text: str, kinds: Mapping[str, Kind]) -> str:
    """Return *text* with a sample in place of each value."""
    return EXPRESSION.sub(lambda found: SAMPLES[kind_of(found[1], kinds) or "text"], text)


def _owner(name: str, maps: Iterable[str]) -> str:
    """Return the longest of *maps* that *name* names a key of, "" for none; a key may have dots itself."""
    return max((one for one in maps if name.startswith(f"{one}.") and len(name) > len(one) + 1), key=len, default="")
