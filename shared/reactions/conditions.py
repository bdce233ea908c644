"""Conditions of a reaction: patterns, their absence, presence and bounds; whether they hold, and which fails first."""

from collections.abc import Iterator, Mapping
from fnmatch import fnmatchcase
from typing import Annotated, assert_never

import msgspec

from shared.events import Event

type Globs = str | list[str]
"""One pattern or several (any of them), with `*`, `?` and `[…]`, and with regard to case."""

type Met = str | float | tuple[str, ...] | None
"""What an event has: a text, a number, several texts, or nothing."""

#: What is shown of a value that a condition met, and of a reason, in characters.
SHOWN, REASON = 80, 500


def says(text: str) -> msgspec.Meta:
    """Document a key: in the schema, where editors show it, and in docs/reactions.md, which a test holds to it."""
    return msgspec.Meta(description=text)


class Test(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """`{ is: …, not: …, present: … }`: all that is said must hold."""

    __test__ = False  # no test of pytest's

    is_: Annotated[Globs | None, says("a pattern, or a list of which one must match")] = msgspec.field(
        default=None, name="is"
    )
    not_: Annotated[Globs | None, says("a pattern, or a list of which none may match")] = msgspec.field(
        default=None, name="not"
    )
    present: Annotated[bool | None, says("`true`: there must be a value; `false`: there must be none")] = None


class Bounds(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """`{ above: …, at_least: …, below: …, at_most: … }`: all that is said must hold of a number."""

    above: Annotated[float | None, says("the number must be greater")] = None
    at_least: Annotated[float | None, says("the number must be greater, or the same")] = None
    below: Annotated[float | None, says("the number must be smaller")] = None
    at_most: Annotated[float | None, says("the number must be smaller, or the same")] = None


type Condition = str | list[str] | Test
type Conditions = dict[str, Condition]
"""By the name of a tag or property, with regard to case."""


class Place(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Conditions that every family has."""

    workspace: Annotated[
        Condition | None, says("the workspace's name, without regard to case; needed only with several workspaces")
    ] = None


def first_failing(when: msgspec.Struct, event: Event) -> str:
    """Return "" when every condition holds, else the first that does not, with its values."""
    return next((reason for name, wanted, met in _each(when, event) if (reason := _failing(name, wanted, met))), "")


def words(condition: object) -> str:
    """Tell a condition as people do: ``'a*' or 'b'``, ``not 'c'``, ``at least 0.3``."""
    match condition:
        case str():
            return repr(condition)
        case [*patterns]:
            return " or ".join(map(repr, patterns))
        case Test():
            present = {None: "", True: "to be present", False: "to be absent"}[condition.present]
            parts = (
                present,
                "" if condition.is_ is None else words(condition.is_),
                "" if condition.not_ is None else f"not {words(condition.not_)}",
            )
            return " and ".join(part for part in parts if part)
        case Bounds():
            pairs = msgspec.structs.asdict(condition).items()
            return " and ".join(f"{name.replace('_', ' ')} {value:.12g}" for name, value in pairs if value is not None)
    return repr(condition)


def _each(when: msgspec.Struct, event: Event) -> Iterator[tuple[str, object, Met]]:
    """Yield each condition with what it meets. A workspace goes by its name, without regard to case, as in ARM."""
    for field in msgspec.structs.fields(when):
        wanted = getattr(when, field.name)
        if wanted is None:
            continue
        if field.name == "workspace":
            yield field.name, msgspec.convert(_folded(msgspec.to_builtins(wanted)), Condition), event.workspace_name
        elif isinstance(wanted, Mapping):
            met = getattr(event, field.name)
            yield from ((f"{field.name}.{key}", condition, met.get(key)) for key, condition in wanted.items())
        else:
            yield field.name, wanted, getattr(event, field.name)


def _folded(wanted: object) -> object:
    match wanted:
        case str():
            return wanted.casefold()
        case list():
            return [_folded(one) for one in wanted]
        case dict():
            return {key: _folded(value) for key, value in wanted.items()}
    return wanted


def _failing(name: str, wanted: object, met: Met) -> str:
    if holds(wanted, met):
        return ""
    return f"{cut(f'{name}: wanted {words(wanted)}', REASON // 2)}, is {cut(_shown(met), REASON // 2 - 5)}"


def _shown(met: Met) -> str:
    match met:
        case None | ():
            return "absent"
        case str():
            return repr(cut(met, SHOWN))
        case tuple():
            return ", ".join(repr(cut(one, SHOWN)) for one in met[:3]) + (", …" if len(met) > len(met[:3]) else "")
    return f"{met:.12g}"


def cut(text: str, length: int) -> str:
    """Return *text* at no more than *length*, with a mark where something is left out."""
    return text if len(text) <= length else f"{text[: length - 1]}…"


def holds(wanted: object, met: Met) -> bool:
    """Tell whether it holds. What is absent matches no pattern, not even `*`, and is not what `not` names."""
    match wanted:
        case Bounds():
            return isinstance(met, float) and _within(wanted, met)
        case Test():
            present = met is not None and met != ()
            return (
                (wanted.present is None or wanted.present == present)
                and (wanted.is_ is None or _matches(wanted.is_, met))
                and (wanted.not_ is None or not _matches(wanted.not_, met))
            )
        case str() | list():
            return _matches(wanted, met)
    raise TypeError(type(wanted).__name__)


def _matches(globs: Globs, met: Met) -> bool:
    """Tell whether a value, or one of several, matches one of the patterns."""
    match met:
        case None:
            values: tuple[str, ...] = ()
        case tuple():
            values = met
        case str():
            values = (met,)
        case float() | int():
            values = (f"{met:g}",)
        case _:
            assert_never(met)
    patterns = [globs] if isinstance(globs, str) else globs
    return any(fnmatchcase(value, pattern) for value in values for pattern in patterns)


def _within(bounds: Bounds, met: float) -> bool:
    return (
        (bounds.above is None or met > bounds.above)
        and (bounds.at_least is None or met >= bounds.at_least)
        and (bounds.below is None or met < bounds.below)
        and (bounds.at_most is None or met <= bounds.at_most)
    )
