"""One mail for each incident: the failures of a subject from the first one to the next success. Pure.

An incident is known from what every event has: workspace, experiment, and the reaction that mails. Its first failure is
mailed at once. After each mail there is an interval, and each is longer than the one before: what fails within it is
folded, and told when it is over; what fails after it is told at once. A success ends it.

What happened is ordered by the times that the events tell, all by the clock of Azure ML; where a success and a failure
have the same time, the failure counts. Intervals go by the clock of storage.
"""

from datetime import datetime, timedelta
from typing import Literal, assert_never

import msgspec

from shared.actions import Deferred, Done, Failed, Operation, Outcome
from shared.guards import Admitted, Decision, Skipped, Waiting
from shared.limits import clock
from shared.memory import Memory, Ongoing
from shared.notices import Incident
from shared.reports import Due, Failure, Report, Success

#: How long nothing more is told after the first mail, the second, and each further one.
INTERVALS = (timedelta(hours=1), timedelta(hours=4), timedelta(hours=24))
#: A mail is not sent after so long: its event was lost by hand, for trouble ends in a dead letter before.
LOST = timedelta(hours=25)
#: How often a success asks again whether the mail before it was sent.
UNSENT = timedelta(minutes=5)
#: How many runs are named in a mail.
RUNS = 10


type Stage = Literal["opened", "reminder", "resolved"]


class Noted(msgspec.Struct, frozen=True):
    """Nothing to do, and nothing to keep of the event but what is remembered."""


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """A decision, what is remembered with it, and how the incident stands that the mail is about."""

    decision: Decision | Noted
    memory: Memory
    incident: Incident | None = None


def interval(number: int) -> timedelta:
    """Return for how long nothing more is told after mail *number*."""
    return INTERVALS[min(number, len(INTERVALS)) - 1]


def decide(
    report: Report, memory: Memory, operation: Operation, *, now: datetime, before: Incident | None, known: bool
) -> Answer:
    """Decide about a mail. *known*: the event has a row; *before* is the incident that it was about when decided."""
    match report:
        case Failure():
            return _failed(report, memory, operation, now)
        case Success():
            return _succeeded(report, memory, operation, now, before=before, known=known)
        case Due():
            return _due(report, memory, operation, now, known=known)
    assert_never(report)


def _failed(failure: Failure, memory: Memory, operation: Operation, now: datetime) -> Answer:
    ongoing, at = memory.ongoing, _happened(failure.at, now)
    if failure.at and memory.succeeded and at < memory.succeeded:
        reason = f"overtaken: failed at {clock(at)}, and a later run succeeded at {clock(memory.succeeded)}"
        return Answer(decision=Skipped(reason), memory=memory)
    if ongoing is None or _lost(ongoing, now, first=True):
        failures, since = (ongoing.failures + 1, min(ongoing.since, at)) if ongoing else (1, at)
        opened = Ongoing(
            thread=operation.mail_id(),
            kind=failure.kind,
            owner=failure.owner,
            since=since,
            latest=max(ongoing.latest, at) if ongoing else at,
            failures=failures,
            runs=(failure.run, *(ongoing.runs if ongoing else ()))[:RUNS],
            mail=operation.digest,
            told=failures,
            at=now,
        )
        return _mailing(f"opens an incident: {_counted(failures)}", memory, opened, "opened", now)
    more = msgspec.structs.replace(
        ongoing,
        since=min(ongoing.since, at),
        latest=max(ongoing.latest, at),
        failures=ongoing.failures + 1,
        runs=(failure.run, *ongoing.runs)[:RUNS],
    )
    if now < _quiet_until(ongoing):
        reason = f"folded into the incident of {clock(more.since)}: {_counted(more.failures)}"
        return Answer(decision=Skipped(reason), memory=msgspec.structs.replace(memory, ongoing=more))
    return _reminding(memory, more, operation, now)


def _succeeded(
    success: Success, memory: Memory, operation: Operation, now: datetime, *, before: Incident | None, known: bool
) -> Answer:
    if before is not None:  # refused, and put back by a person; the incident was closed then
        return Answer(decision=Admitted("resolves an incident, again"), memory=memory, incident=before)
    ongoing, at = memory.ongoing, _happened(success.at, now)
    if success.at and (memory.succeeded is None or at > memory.succeeded):
        memory = msgspec.structs.replace(memory, succeeded=at)
    if ongoing is None:
        return _nothing(
            "nothing to resolve: no incident is open, or the mail that opened it was refused", memory, known
        )
    if at <= ongoing.latest:
        return _nothing(f"nothing to resolve: a later run failed at {clock(ongoing.latest)}", memory, known)
    closed = msgspec.structs.replace(memory, ongoing=None)
    if _lost(ongoing, now, first=True):
        return _nothing("nothing to resolve: the mail that opened the incident was never sent", closed, known)
    if not ongoing.sent and not _lost(ongoing, now):
        until, reason = now + UNSENT, f"the mail about the incident of {clock(ongoing.since)} is not sent yet"
        return Answer(decision=Waiting(reason, until=until), memory=memory)
    told = f"resolves the incident of {clock(ongoing.since)}, after {ongoing.failures} failed"
    over = msgspec.structs.replace(ongoing, mail=operation.digest, mails=ongoing.mails + 1)
    return Answer(decision=Admitted(told), memory=closed, incident=_standing(over, "resolved", at))


def _due(due: Due, memory: Memory, operation: Operation, now: datetime, *, known: bool) -> Answer:
    ongoing = memory.ongoing
    if ongoing is None or (ongoing.thread, ongoing.mails) != (due.thread, due.number) or not ongoing.sent:
        return _nothing("nothing to remind of: the incident is over, or was told of meanwhile", memory, known)
    if now < (until := _quiet_until(ongoing)):
        return Answer(decision=Waiting(f"the incident is told again from {clock(until)}", until=until), memory=memory)
    if ongoing.failures == ongoing.told:
        return _nothing("nothing to remind of: nothing failed since the last mail", memory, known)
    return _reminding(memory, ongoing, operation, now)


def heard(memory: Memory, operation: str, outcome: Outcome, *, now: datetime) -> Memory:
    """Remember what became of the mail *operation*; an incident whose first mail was refused was never open."""
    ongoing = memory.ongoing
    if ongoing is None or ongoing.mail != operation or isinstance(outcome, Deferred):
        return memory
    if isinstance(outcome, Failed) and ongoing.mails == 1:
        return msgspec.structs.replace(memory, ongoing=None)
    told = ongoing.told if isinstance(outcome, Done) else 0
    return msgspec.structs.replace(memory, ongoing=msgspec.structs.replace(ongoing, at=now, sent=True, told=told))


def _reminding(memory: Memory, ongoing: Ongoing, operation: Operation, now: datetime) -> Answer:
    told = msgspec.structs.replace(
        ongoing, mail=operation.digest, mails=ongoing.mails + 1, told=ongoing.failures, at=now, sent=False
    )
    reason = f"reminds of the incident of {clock(told.since)}: {_counted(told.failures)}"
    return _mailing(reason, memory, told, "reminder", now)


def _mailing(reason: str, memory: Memory, ongoing: Ongoing, stage: Stage, now: datetime) -> Answer:
    return Answer(
        decision=Admitted(reason),
        memory=msgspec.structs.replace(memory, ongoing=ongoing),
        incident=_standing(ongoing, stage, now + interval(ongoing.mails)),
    )


def _nothing(reason: str, memory: Memory, known: bool) -> Answer:  # noqa: FBT001 - a fact of the event, as in decide
    """Leave no row of an event that has none; one that waited for this decision is told why."""
    return Answer(decision=Skipped(reason) if known else Noted(), memory=memory)


def _standing(ongoing: Ongoing, stage: Stage, until: datetime) -> Incident:
    return Incident(
        stage=stage,
        thread=ongoing.thread,
        kind=ongoing.kind,
        owner=ongoing.owner,
        number=ongoing.mails,
        failures=ongoing.failures,
        since=ongoing.since.isoformat(),
        runs=ongoing.runs,
        until=until.isoformat(),
    )


def _happened(at: datetime | None, now: datetime) -> datetime:
    """Return when it happened: no later than now, lest one event from the future outweigh all that follow."""
    return min(at or now, now)


def _quiet_until(ongoing: Ongoing) -> datetime:
    """Return until when nothing more is told: a mail that is not sent yet will be."""
    return ongoing.at + (interval(ongoing.mails) if ongoing.sent else LOST)


def _lost(ongoing: Ongoing, now: datetime, *, first: bool = False) -> bool:
    """Tell whether the last mail (*first*: and it is the first one) will never be sent."""
    return not ongoing.sent and now >= ongoing.at + LOST and (ongoing.mails == 1 or not first)


def _counted(failures: int) -> str:
    """Return the number of a failure, as people count."""
    ending = {1: "st", 2: "nd", 3: "rd"}.get(failures % 10 if failures % 100 not in range(11, 14) else 0, "th")
    return f"{failures}{ending} failure"
