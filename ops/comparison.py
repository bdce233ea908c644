"""What changed reactions would have done otherwise: jobs and mails that come, go or change, and reasons. Pure."""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

import msgspec

from ops.backtest import Happening, Key, acting
from ops.rules import told_address
from ops.trial import Effect, Verdict
from shared.actions import SendMail, SubmitJob

type How = Literal["comes", "goes", "changes"]
type Kind = Literal["job", "mail"]
HOWS: tuple[How, ...] = ("comes", "goes", "changes")
NOBODY = Verdict(reaction="", acts=False, reason="")
NO_INCIDENT = Verdict(reaction="", acts=False, reason="no incident is open then")


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """A job or mail that comes, goes or changes. *what* is the job file or the recipients, *details* what differs."""

    how: How
    kind: Kind
    event: str
    family: str
    workspace: str
    at: datetime
    reaction: str
    what: str
    details: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Reason:
    """A reaction does nothing before and after, for another reason."""

    event: str
    family: str
    workspace: str
    at: datetime
    reaction: str
    before: str
    after: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """All that differs, in the order of the events' times, and how many jobs and mails there are on either side."""

    changes: tuple[Change, ...]
    reasons: tuple[Reason, ...]
    before: Mapping[Kind, int]
    after: Mapping[Kind, int]


def compare(
    before: Mapping[Key, Happening], after: Mapping[Key, Happening], *, changed_jobs: frozenset[str]
) -> Comparison:
    """Compare the same events under two sets of reactions; *changed_jobs* are job files whose own text differs."""
    changes: list[Change] = []
    reasons: list[Reason] = []
    for key in dict.fromkeys([*after, *before]):  # reminders come on one side, and not on the other
        happening = after.get(key) or before[key]
        old, new = (side[key].verdicts if key in side else {} for side in (before, after))
        for name in dict.fromkeys([*old, *new]):
            nobody = NO_INCIDENT if happening.event.passing else NOBODY
            was, now = old.get(name, nobody), new.get(name, nobody)
            changes.extend(_changes(happening, name, was, now, changed_jobs))
            if was.reason and now.reason and not was.acts and not now.acts and was.reason != now.reason:
                place = _place(happening)
                reasons.append(Reason(**place, at=happening.at, reaction=name, before=was.reason, after=now.reason))
    return Comparison(changes=tuple(changes), reasons=tuple(reasons), before=_count(before), after=_count(after))


def _place(happening: Happening) -> dict[str, str]:
    event = happening.event
    return {"event": event.label, "family": event.family, "workspace": event.workspace_name}


def _count(happenings: Mapping[Key, Happening]) -> Mapping[Kind, int]:
    counts = Counter(_kind(effect) for verdict in acting(happenings) for effect in verdict.effects)
    return {"job": counts["job"], "mail": counts["mail"]}


def _changes(
    happening: Happening, reaction: str, was: Verdict, now: Verdict, changed_jobs: frozenset[str]
) -> Iterator[Change]:
    old, new = ({_kind(effect): effect for effect in verdict.effects} for verdict in (was, now))  # one of each at most
    for kind in dict.fromkeys([*old, *new]):
        how, details = _difference(old.get(kind), new.get(kind), was, now, changed_jobs)
        effect = new.get(kind) or old[kind]
        if how is not None:
            yield Change(
                how=how,
                kind=kind,
                **_place(happening),
                at=happening.at,
                reaction=reaction,
                what=_what(effect),
                details=details,
            )


def _difference(
    old: Effect | None, new: Effect | None, was: Verdict, now: Verdict, changed_jobs: frozenset[str]
) -> tuple[How | None, tuple[str, ...]]:
    if old is None and new is not None:
        return "comes", (*_facts(new), f"before: {_without(was)}")
    if new is None:
        return "goes", (f"now: {_without(now)}",)
    details = tuple(_details(old, new, changed_jobs)) if old is not None else ()
    return ("changes" if details else None), details


def _without(verdict: Verdict) -> str:
    """Say why the job or mail is not there on this side."""
    return "the reaction has no such action" if verdict.acts else verdict.reason or "no such reaction"


def _details(old: Effect, new: Effect, changed_jobs: frozenset[str]) -> Iterator[str]:
    match old.action, new.action:
        case SubmitJob() as before, SubmitJob() as after:
            if before.job != after.job:
                yield f"job file: {before.job} → {after.job}"
            elif after.job in changed_jobs:
                yield f"job file: {after.job} itself was changed"
            for key in dict.fromkeys([*before.inputs, *after.inputs]):
                if before.inputs.get(key) != after.inputs.get(key):
                    yield f"{key}: {before.inputs.get(key, 'not given')} → {after.inputs.get(key, 'not given')}"
        case SendMail() as before, SendMail() as after:
            if before.to != after.to:
                yield f"to: {_addresses(before)} → {_addresses(after)}"
            told = _told(after)
            for key, value in _told(before).items():
                if value != told[key]:
                    yield f"{key}: {value or 'none'} → {told[key] or 'none'}"


def _told(mail: SendMail) -> Mapping[str, object]:
    """Return what the mail tells; of a failure, also what is read when it is sent."""
    return {"details": "run history" if mail.failed_run else "", **msgspec.structs.asdict(mail.notice)}


def _facts(effect: Effect) -> tuple[str, ...]:
    action = effect.action
    return tuple(f"{key} = {value}" for key, value in action.inputs.items()) if isinstance(action, SubmitJob) else ()


def _kind(effect: Effect) -> Kind:
    return "job" if isinstance(effect.action, SubmitJob) else "mail"


def _what(effect: Effect) -> str:
    return effect.action.job if isinstance(effect.action, SubmitJob) else _addresses(effect.action)


def _addresses(mail: SendMail) -> str:
    return ", ".join(map(told_address, mail.to))
