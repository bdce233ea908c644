"""What roles allow: Azure's permissions, with their wildcards and exceptions, against the actions that are needed."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

type Permission = Mapping[str, Sequence[str]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Need:
    """Actions on *scope* that *what* takes, of `a|b` one of the two; *role* is the built-in role that has them."""

    what: str
    scope: str
    role: str
    actions: tuple[str, ...] = ()
    data_actions: tuple[str, ...] = ()


def missing(need: Need, permissions: Sequence[Permission]) -> tuple[str, ...]:
    """Return the actions of *need* that no permission gives."""
    return tuple(
        action
        for actions, kind in ((need.actions, "Actions"), (need.data_actions, "DataActions"))
        for action in actions
        if not any(_allowed(one, permissions, kind) for one in action.split("|"))
    )


def boundless(permissions: Iterable[Permission]) -> bool:
    """Whether a permission is for everything there is: Owner's and Contributor's are."""
    return any("*" in permission.get("actions", ()) for permission in permissions)


def _allowed(action: str, permissions: Sequence[Permission], kind: str) -> bool:
    """Exceptions take away from their own permission only, so another role may give the action after all."""
    given, withheld = ("actions", "notActions") if kind == "Actions" else ("dataActions", "notDataActions")
    return any(
        _covers(permission.get(given) or (), action) and not _covers(permission.get(withheld) or (), action)
        for permission in permissions
    )


def _covers(patterns: Iterable[str], action: str) -> bool:
    return any(
        re.fullmatch(re.escape(pattern).replace(r"\*", ".*"), action, re.IGNORECASE | re.DOTALL) for pattern in patterns
    )
