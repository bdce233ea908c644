"""What must hold when all has come to rest: the promise about every event, and the limits of every rule and service."""

from collections import Counter, defaultdict
from collections.abc import Iterator
from datetime import datetime
from itertools import pairwise

from handlers.data_drift import COOLDOWN
from shared.actions import Done
from shared.digests import DIGESTS, read_digest
from shared.reactions.guard_rules import DAILY
from shared.records import EventRecord, ReactionRecord, read_event, read_memory
from shared.store import Row
from tests.simulate.edges import HOUR, MINUTE, most_within
from tests.simulate.play import Play

FAMILIES = frozenset({"model-registered", "data-drift", "pipeline-failed"})
#: The reactions of the simulation that start one.
JOBS = frozenset({"offline-test", "retrain"})


def problems(play: Play) -> list[str]:
    """Return what is broken, in words; nothing may be."""
    return [*_rows(play), *_jobs(play), *_mails(play), *_incidents(play), *_letters(play)]


def ends(play: Play) -> Counter[str]:
    """Count how the reactions to all events ended: by what was done, or why nothing was."""
    return Counter(_end(key, one) for _row, record in records(play) for key, one in record.reactions.items())


def _end(key: str, record: ReactionRecord) -> str:
    if isinstance(record.outcome, Done):
        merged = record.outcome.receipt.startswith(f"{DIGESTS}/")
        return "job started" if key in JOBS else "mail merged into a summary" if merged else "mail sent"
    if record.decision == "unmatched":
        return "matched no rule"
    return "folded into an incident" if record.reason.startswith("folded") else record.reason.partition(":")[0]


def records(play: Play) -> Iterator[tuple[Row, EventRecord]]:
    """Give the row of every event."""
    for row in play.state.rows:
        if row.key.startswith("event|"):
            yield row, read_event(row)


def _rows(play: Play) -> Iterator[str]:
    """Every event that a rule is about has one row, in which all is decided and done; no other event has one."""
    missing = dict(play.played.acting)
    merged: set[str] = set()
    for row, record in records(play):
        name = f"{row.values['family']}|{row.values['identity']}"
        if row.values["family"] in FAMILIES and not missing.pop((str(row.values["workspace"]).casefold(), name), None):
            yield f"{name}: a row of an event that nobody told, or a second one"
        if record.wake is not None or record.open:
            yield f"{name}: it still waits"
        for key, one in record.reactions.items():
            if one.decision == "admitted" and not isinstance(one.outcome, Done):
                yield f"{name}: {key} ended as {one.outcome}"
            if one.decision != "admitted" and not one.reason:
                yield f"{name}: {key} was {one.decision} without a reason"
            if isinstance(one.outcome, Done) and one.outcome.receipt.startswith(f"{DIGESTS}/"):
                merged.add(one.outcome.receipt.removeprefix(f"{DIGESTS}/"))
    yield from (f"{workspace} {name}: no row" for workspace, name in missing)
    mailed = {row.key for row in play.state.rows if row.partition == DIGESTS and read_digest(row).done}
    yield from (f"{key}: a summary that was never mailed" for key in sorted(merged - mailed))


def _jobs(play: Play) -> Iterator[str]:
    """One job for each event and reaction; no more than the budget in a day, and none before the cooldown is over."""
    effects = Counter((workspace, row, reaction) for _at, reaction, workspace, row in play.arm.started)
    yield from (f"{effect}: {jobs} jobs" for effect, jobs in effects.items() if jobs > 1)
    decided: dict[tuple[str, str], list[datetime]] = defaultdict(list)
    effects_decided = set()
    for row, record in records(play):
        for key, one in record.reactions.items():
            if one.decision == "admitted" and key in JOBS:
                decided[row.partition, key].append(play.state.created[row.partition, row.key])
                effects_decided.add(one.effect)
    if effects_decided != play.arm.jobs.keys():
        yield f"{len(effects_decided)} jobs were decided on, {len(play.arm.jobs)} are there"
    for about, moments in decided.items():
        times = sorted(moments)
        if (most := most_within(times, DAILY.per)) > DAILY.runs:
            yield f"{about}: {most} jobs in a day"
        if about[1] == "retrain" and (least := min((b - a for a, b in pairwise(times)), default=COOLDOWN)) < COOLDOWN:
            yield f"{about}: again after {least}"


def _mails(play: Play) -> Iterator[str]:
    """None is sent twice, and the service is never asked for more than it takes."""
    twice = [operation for operation, mails in Counter(play.office.delivered).items() if mails > 1]
    yield from (f"{operation}: mailed twice" for operation in twice)
    for window, most in ((MINUTE, play.office.per_minute), (HOUR, play.office.per_hour)):
        if (asked := most_within(play.office.times, window)) > most:
            yield f"{asked} requests to send a mail within {window}"


def _incidents(play: Play) -> Iterator[str]:
    """No failure is folded into an incident of which no mail tells it."""
    for row in play.state.rows:
        ongoing = read_memory(row).ongoing if row.key.startswith("memory|") else None
        if ongoing is not None and (ongoing.told, ongoing.sent) != (ongoing.failures, True):
            yield f"{row.partition}: {ongoing.told} of {ongoing.failures} failures are told"


def _letters(play: Play) -> Iterator[str]:
    """What cannot be read is a dead letter, and nothing else is."""
    if len(play.letters.blobs) != play.played.facts["broken"]:
        yield f"{play.played.facts['broken']} events could not be read, {len(play.letters.blobs)} are dead letters"
