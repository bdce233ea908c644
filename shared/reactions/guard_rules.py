"""`guards:` of a rule: what may be said, and the guards that follow. Defaults protect."""

from datetime import time, timedelta
from typing import Annotated, Literal

import msgspec

from shared.hours import DAYS, Hours, zone_of
from shared.limits import Budget, Confirm, Guards, Loop
from shared.reactions.conditions import says

#: The ends are such that a JSON Schema can have them, and that a line end is none: to Python `$` is before one, too.
DURATION = r"^[1-9][0-9]{0,3}(s|m|h|d)$(?!\n)"
WINDOW = r"^([01][0-9]|2[0-3]):[0-5][0-9]-([01][0-9]|2[0-3]):[0-5][0-9]$(?!\n)"
Duration = Annotated[str, msgspec.Meta(pattern=DURATION)]
#: Bounds keep a reaction's memory within one table property (about 110 bytes an entry).
Runs = Annotated[int, msgspec.Meta(ge=1, le=200)]
Events = Annotated[int, msgspec.Meta(ge=2, le=50)]
Links = Annotated[int, msgspec.Meta(ge=1, le=50)]

UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}
#: Every run has this budget for each subject, and this loop limit, unless the rule says otherwise.
DAILY = Budget(runs=10, per=timedelta(days=1))
LOOP = Loop(times=3, depth=10)


class ConfirmRule(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`confirm:` act on the last of so many events."""

    events: Annotated[Events, says("how many different events, 2 to 50")]
    within: Annotated[Duration, says("the time within which they must come, such as `7d`")]


class BudgetRule(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`budget:` at most so many runs per time, for each subject or for all of them."""

    runs: Annotated[Runs, says("how many, 1 to 200")]
    per: Annotated[Duration, says("a duration, such as `1d`")]
    for_: Annotated[
        Literal["subject", "reaction"],
        says("`subject` (left out: this): each has its own; `reaction`: all share it, and each keeps its default"),
    ] = msgspec.field(default="subject", name="for")


class LoopRule(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`loop:` how far reactions may go on from one another."""

    times: Annotated[Links, says("how often this reaction may act in one chain, 1 to 50")] = LOOP.times
    depth: Annotated[Links, says("how many jobs of any reaction a chain may have, 1 to 50")] = LOOP.depth


class HoursRule(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`hours:` when not to act."""

    not_: Annotated[
        Annotated[str, msgspec.Meta(pattern=WINDOW)],
        says("from and to, such as `22:00-06:00`; events wait until it is over"),
    ] = msgspec.field(name="not")
    zone: Annotated[str, says("a time zone by its IANA name, such as `Europe/Berlin`; left out: `UTC`")] = "UTC"
    days: Annotated[
        list[Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]] | None,
        says("the days on which it begins; left out: every day"),
    ] = None


class GuardsRule(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`guards:` what is not named keeps its default."""

    cooldown: Annotated[Duration | None, says("at most one run in that time")] = None
    confirm: Annotated[ConfirmRule | None, says("not before so many different events came")] = None
    budget: Annotated[BudgetRule | None, says("at most so many runs in the time that ends now")] = None
    loop: Annotated[
        LoopRule | Literal["none"] | None, says("limits for reactions that bring each other about; `none` for no limit")
    ] = None
    hours: Annotated[HoursRule | None, says("hours in which events wait")] = None


def guards_of(rule: GuardsRule, *, cooldown: timedelta | None) -> Guards:
    """Return the guards of a checked rule; *cooldown* is the family's default one."""
    named = rule.budget
    budget = DAILY if named is None else Budget(runs=named.runs, per=duration(named.per))
    whole = named is not None and named.for_ == "reaction"
    confirm, loop, hours = rule.confirm, LoopRule() if rule.loop is None else rule.loop, rule.hours
    return Guards(
        cooldown=duration(rule.cooldown) if rule.cooldown else cooldown,
        confirm=Confirm(events=confirm.events, within=duration(confirm.within)) if confirm else None,
        budget=DAILY if whole else budget,
        whole=budget if whole else None,
        loop=None if isinstance(loop, str) else Loop(times=loop.times, depth=loop.depth),
        hours=_hours(hours) if hours else None,
    )


def _hours(rule: HoursRule) -> Hours:
    start, end = (time.fromisoformat(part) for part in rule.not_.split("-"))
    days = frozenset(range(len(DAYS))) if rule.days is None else frozenset(map(DAYS.index, rule.days))
    return Hours(start=start, end=end, zone=rule.zone, days=days)


def refusal_of(rule: HoursRule) -> tuple[str, str] | None:
    """Return the key and what is wrong with it where hours are no hours, None where they are."""
    start, end = rule.not_.split("-")
    if start == end:
        return "not", f"from {start} to {end} is no time, or all of it; to stop a reaction: python -m ops pause"
    try:
        zone_of(rule.zone)
    except ValueError:
        return "zone", f"{rule.zone!r} is no time zone; write an IANA name, such as Europe/Berlin or UTC"
    return None


def duration(text: str) -> timedelta:
    """Return the time that ``24h`` and the like stand for: a number and one of s, m, h, d."""
    return timedelta(**{UNITS[text[-1]]: int(text[:-1])})
