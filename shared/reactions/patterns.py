"""Conditions that nobody can mean: empty, unbalanced, or written in another language than that of patterns."""

import math
import re

import msgspec

from shared.reactions.conditions import SHOWN, Bounds, Test, cut, words

#: Signs of a regular expression. `1.*` is none: the versions that begin with `1.`.
REGULAR = re.compile(r"(?<!\d)\.[*+]|\\|^\^|\$$|\(.*\|.*\)")


def refusal(condition: object) -> str:
    """Say why nobody can mean *condition*, or "": an empty or unbalanced pattern, one of another language."""
    match condition:
        case Test() | Bounds():
            return _refusal_of_mapping(condition)
        case []:
            return "an empty list matches nothing; leave the condition out to match all"
        case list():
            return next((reason for one in condition if (reason := refusal(one))), "")
        case str():
            return _refusal_of_pattern(condition)
    return ""


def _refusal_of_mapping(condition: Test | Bounds) -> str:
    if not msgspec.to_builtins(condition):
        return f"says nothing; known: {', '.join(field.encode_name for field in msgspec.structs.fields(condition))}"
    if isinstance(condition, Bounds):
        return _refusal_of_bounds(condition)
    if condition.present is False and (condition.is_, condition.not_) != (None, None):
        return "`present: false` leaves nothing that `is` or `not` could be about; write one of them"
    return refusal(condition.is_) or refusal(condition.not_)


def _refusal_of_bounds(bounds: Bounds) -> str:
    """Bounds that no number is within."""
    least = [one for one in (bounds.above, bounds.at_least) if one is not None]
    most = [one for one in (bounds.below, bounds.at_most) if one is not None]
    if not all(map(math.isfinite, (*least, *most))):
        return "a bound is a number such as 0.3"
    low, high = max(least, default=-math.inf), min(most, default=math.inf)
    if low > high or (low == high and low in {bounds.above, bounds.below}):
        return f"no number is {words(bounds)}"
    return ""


def _refusal_of_pattern(pattern: str) -> str:
    if not pattern.strip():
        return "an empty pattern; write { present: false } for what is absent"
    if pattern.startswith("!"):
        return f"a pattern cannot begin with `!`; write {{ not: {cut(pattern[1:], SHOWN)!r} }}"
    if REGULAR.search(pattern):
        remedy = "patterns have `*`, `?` and `[…]`, such as `churn-*` or `[.]*`"
        return f"{cut(pattern, SHOWN)!r} looks like a regular expression; {remedy}"
    if _unclosed(pattern):
        return f"{cut(pattern, SHOWN)!r} has a `[` without its `]`; write `[[]` for the character itself"
    return ""


def _unclosed(pattern: str) -> bool:
    """By the rules of fnmatch: a `]` right after `[` or `[!` belongs to the set."""
    start = 0
    while (opened := pattern.find("[", start)) >= 0:
        first = opened + (2 if pattern[opened + 1 : opened + 2] == "!" else 1)
        closed = pattern.find("]", first + 1)
        if closed < 0:
            return True
        start = closed + 1
    return False
