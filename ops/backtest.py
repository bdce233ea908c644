"""Events played through reactions as the ledger would have decided them, by their own times. Pure.

Nothing fails here: every job and mail is taken for done, and so counts for cooldown and budget.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from heapq import heapify, heappop, heappush
from itertools import count

from ops.told import Told
from ops.trial import Verdict, decided, plans, verdicts
from shared.errors import MalformedError
from shared.events import Envelope, Event, parse
from shared.incidents import interval
from shared.memory import Memory
from shared.messages import told as decoded
from shared.reactions import Reactions
from shared.records import EventRecord, partition_key
from shared.reminders import reminder

#: For an event that does not say when it happened.
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
#: Years that leave room for any cooldown before and after.
YEARS = range(1970, 9000)


@dataclass(frozen=True, slots=True, kw_only=True)
class Telling:
    """One telling of an event, and when it happened."""

    envelope: Envelope
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Key:
    """What happened, however often and in whatever form it is told."""

    workspace: str
    family: str
    identity: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Happening:
    """An event, when it was first told, and what each reaction made of it."""

    event: Event
    at: datetime
    verdicts: Mapping[str, Verdict]


@dataclass(frozen=True, slots=True, kw_only=True)
class Tellings:
    """What was told, in the order of its times.

    *passed* counts what no family recognises or is of another workspace, *refused* says what the app would keep as a
    dead letter.
    """

    all: tuple[Telling, ...]
    passed: int = 0
    refused: tuple[str, ...]


def in_order(told: Iterable[Told], workspaces: frozenset[str] = frozenset()) -> Tellings:
    """Read what was told, and order it by its times; *workspaces* are those reacted to, where somebody said so."""
    found: list[Telling] = []
    refused: list[str] = []
    passed = 0
    for one in told:
        try:
            envelope = parse(decoded(one.content))
            recognised = bool(list(plans(envelope, Reactions(()), follow_ups=True)))
        except MalformedError as error:
            refused.append(f"{one.source}: the app would keep it as a dead letter: {error.reason}")
            continue
        if recognised and (not workspaces or envelope.workspace.casefold() in workspaces):
            found.append(Telling(envelope=envelope, at=time_of(envelope.time)))
        else:
            passed += 1
    in_time = sorted(found, key=lambda telling: telling.at)
    return Tellings(all=tuple(in_time), passed=passed, refused=tuple(refused))


def play(tellings: Sequence[Telling], reactions: Reactions, *, installation: str) -> Mapping[Key, Happening]:
    """Decide each telling with what the reactions remember by then; what was decided stays decided.

    What waits for its hours is decided when they are over, and told as it is decided then.
    """
    found: dict[Key, Happening] = {}
    records: dict[Key, EventRecord] = {}
    memories: dict[str, dict[str, Memory]] = {}
    wholes: dict[str, Memory] = {}
    waiting = [(telling.at, number, telling) for number, telling in enumerate(tellings)]
    heapify(waiting)
    numbers = count(len(waiting))
    while waiting:
        now, number, telling = heappop(waiting)
        for event, plan in plans(telling.envelope, reactions, follow_ups=True):
            key = Key(workspace=event.workspace.casefold(), family=event.family, identity=event.identity)
            before = records.get(key, EventRecord())
            remembered = memories.setdefault(partition_key(event.workspace, event.subject), {})
            decision = decided(
                event,
                plan,
                installation=installation,
                record=before,
                memories=remembered,
                wholes=wholes,
                now=now,
            )
            after = records[key] = decision.record
            remembered.update(decision.memories)
            wholes.update(decision.wholes)
            if waits := after.waiting(now):  # its copy comes back, as from the queue
                heappush(waiting, (now + min(waits.values()), number, telling))
            for told in _reminders(event, before, after, now):
                heappush(waiting, (told.at, next(numbers), told))
            known = found.get(key, Happening(event=event, at=telling.at, verdicts={}))
            fresh = {
                verdict.reaction: verdict
                for verdict in verdicts(plan, after, asked=True)
                if before.reactions.get(verdict.reaction) != after.reactions[verdict.reaction]
            }
            found[key] = Happening(event=known.event, at=known.at, verdicts={**known.verdicts, **fresh})
    return found


def _reminders(event: Event, before: EventRecord, after: EventRecord, now: datetime) -> Iterator[Telling]:
    """Yield the reminders that follow the mails decided now: they are taken for sent."""
    for name, record in after.reactions.items():
        if record.incident and record.incident.stage != "resolved" and before.reactions.get(name) != record:
            at = now + interval(record.incident.number)
            told = reminder(event.workspace, event.subject, name, record.incident, at=at.isoformat())
            yield Telling(envelope=parse(told), at=at)


def acting(happenings: Mapping[Key, Happening]) -> Iterator[Verdict]:
    """Yield every verdict that acts."""
    for happening in happenings.values():
        yield from (verdict for verdict in happening.verdicts.values() if verdict.acts)


def time_of(text: str) -> datetime:
    """Read an event's time, UTC; EPOCH where it says none."""
    try:
        time = datetime.fromisoformat(text)
    except ValueError:
        return EPOCH
    if time.year not in YEARS:
        return EPOCH
    return time.replace(tzinfo=UTC) if time.tzinfo is None else time.astimezone(UTC)
