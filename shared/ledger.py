"""Decisions and outcomes of every event, written as facts that only grow.

No lock and no lease: a write says what it has read, the store refuses the second writer, who reads again.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from types import MappingProxyType

import msgspec

from shared.about import columns_about
from shared.actions import Deferred, Failed, Operation, Outcome, reaction_of
from shared.decisions import decide_event
from shared.errors import ContentionError, RowTooLargeError
from shared.events import Event
from shared.guarding import Given, Guarded
from shared.inquiry import Inquiry
from shared.lineage import Chain
from shared.memory import Memory
from shared.messages import Message
from shared.notices import Notice
from shared.outcomes import memorable, remembered, unite, without_notices
from shared.reactions import Plan
from shared.records import (
    EventRecord,
    Wake,
    event_key,
    memory_key,
    partition_key,
    read_event,
    read_memory,
    write_event,
    write_memory,
)
from shared.store import Conflict, Row, Store, Written
from shared.whole_budgets import WholeBudgets

#: A writer that loses this often gives way: the event is put back for a while.
TRIES = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Admission:
    """An event's row as it stands: *fresh* are the reactions that this delivery decided, *now* the store's clock."""

    partition: str
    key: str
    record: EventRecord
    etag: str
    fresh: frozenset[str]
    now: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class _Rows:
    """What one query read: the event's row, the memory rows by reaction, and the store's clock."""

    event: Row | None = None
    memories: Mapping[str, Row]
    now: datetime | None = None


class Ledger:
    """The ledger of one installation. Every method raises StorageError when the store does not answer."""

    def __init__(self, store: Store, *, installation: str, dry_run: bool) -> None:
        self._store = store
        self.installation = installation
        self._prefix = "dry|" if dry_run else ""
        self._wholes = WholeBudgets(store, prefix=self._prefix)

    def operation(self, event: Event, generation: int, reaction: str) -> Operation:
        """Return what every id of the reaction's effect is derived from."""
        return Operation(
            installation=self.installation,
            workspace=event.workspace,
            identity=f"{event.family}|{event.identity}",
            reaction=reaction,
            generation=generation,
        )

    def admit(self, event: Event, plan: Plan, message: Message, inquiry: Inquiry) -> Admission:
        """Decide what is undecided in ONE write: the event's row and the memory its decisions rest on.

        An event told for the first time to reactions without guards is inserted unread. A budget for a whole reaction
        is reserved first. The lineage is read where a guard wants it, once. Raises ContentionError.
        """
        partition = partition_key(event.workspace, event.subject)
        key = self._prefix + event_key(event.family, event.identity, message.generation)
        guarded, pauses, silence = Guarded.of(plan), inquiry.pauses(plan), inquiry.silence(event, plan)
        lineage: Chain | Deferred | None = inquiry.told(event)
        unread = not (guarded.asked or pauses or message.token or message.reopen or event.passing)
        for _ in range(TRIES):
            rows = _Rows(memories={}) if unread else self._read(partition, key, guarded.remembering)
            wholes = self._wholes.read(guarded.whole)
            before = read_event(rows.event) if rows.event else None
            given = Given(
                operation_of=partial(self.operation, event, message.generation),
                label=event.label,
                memories={name: read_memory(row) for name, row in rows.memories.items()},
                wholes={name: read_memory(row) for name, row in wholes.items()},
                pauses=pauses,
                silence=silence,
                lineage=lineage,
                now=rows.now,
                reopen=message.reopen,
            )
            decided = decide_event(before or EventRecord(), plan, given)
            if decided.lineage_wanted:
                lineage = inquiry.looked_up(event)
                decided = decide_event(before or EventRecord(), plan, replace(given, lineage=lineage))
            after = decided.record
            admission = partial(Admission, partition=partition, key=key, record=after)
            columns = write_event(before, after)
            if rows.event is not None and rows.event.etag and rows.now and not columns:
                return admission(etag=rows.event.etag, fresh=frozenset(), now=rows.now)
            if (
                rows.event is None and rows.now and event.passing and not after.reactions
            ):  # nothing but what to remember
                noting = self._memory_rows(partition, decided.memories, rows.memories)
                if not noting or isinstance(self._write(noting), Written):
                    return admission(etag="", fresh=frozenset(), now=rows.now)
                continue
            if not self._wholes.write(decided.wholes, wholes):
                continue
            if rows.event is None:
                columns = {**columns_about(event, message), **columns}
            row = Row(partition=partition, key=key, values=columns, etag=rows.event.etag if rows.event else None)
            answer = self._write([row, *self._memory_rows(partition, decided.memories, rows.memories)])
            if isinstance(answer, Written):
                known = before.reactions if before else {}
                fresh = frozenset(name for name, record in after.reactions.items() if known.get(name) != record)
                return admission(etag=answer.etags[0], fresh=fresh, now=answer.at)
            unread = False
        raise ContentionError(partition=partition, key=key)

    def look(self, event: Event, family: str, generation: int = 0) -> tuple[EventRecord | None, datetime]:
        """Return what is on record of the same in *family*, None where nothing is, and the store's clock."""
        return self._look(event, self._prefix + event_key(family, event.identity, generation))

    def cause(self, event: Event, told: str, generation: int) -> EventRecord | None:
        """Return what is on record of the event *told* (`family|identity`) of the same subject, dry runs apart."""
        family, _, identity = told.partition("|")
        return self._look(event, event_key(family, identity, generation))[0]

    def _look(self, event: Event, key: str) -> tuple[EventRecord | None, datetime]:
        page = self._store.query(partition_key(event.workspace, event.subject), [key])
        return next(map(read_event, page.rows), None), page.at

    def mark_sent(self, admission: Admission, reaction: str, notice: Notice) -> Admission | None:
        """Record that a mail is being sent, and its content, before it is; None when another delivery does so."""
        seen = admission.record.reactions[reaction].sent_at

        def mark(record: EventRecord) -> EventRecord | None:
            standing = record.reactions[reaction]
            if standing.sent_at != seen or not standing.pending:
                return None
            return record.changed({reaction: msgspec.structs.replace(standing, sent_at=admission.now, notice=notice)})

        return self._update(admission, mark)

    def settle(
        self,
        admission: Admission,
        outcomes: Mapping[str, Outcome],
        *,
        wake: Wake | None = None,
    ) -> Admission:
        """Unite *outcomes* with the row in ONE write, and say what the event waits for; see outcomes.unite.

        What failed is taken back from memory in the same transaction, and then from the budget of the whole reaction:
        killed in between, a run is lost to that, and none is gained. Raises ContentionError.
        """
        change = partial(unite, outcomes=outcomes, seen=admission.record.wake, wake=wake, now=admission.now)
        try:
            settled = self._update(admission, change, outcomes)
        except RowTooLargeError:  # a row full of mails, 1 MiB in all: their content goes, the outcomes have to stand
            settled = self._update(admission, lambda record: without_notices(change(record)), outcomes)
        settled = settled or admission
        for name in (name for name, outcome in outcomes.items() if isinstance(outcome, Failed)):
            if isinstance(settled.record.reactions[name].outcome, Failed):
                self._wholes.give_back(reaction_of(name), admission.record.reactions[name].operation)
        return settled

    def _update(
        self,
        admission: Admission,
        change: Callable[[EventRecord], EventRecord | None],
        outcomes: Mapping[str, Outcome] = MappingProxyType({}),
    ) -> Admission | None:
        """Write what *change* makes of the row, reading again after each conflict; None when it makes nothing."""
        record, etag = admission.record, admission.etag
        for _ in range(TRIES):
            after = change(record)
            if after is None:
                return None
            columns = write_event(record, after)
            if not columns:
                return replace(admission, record=after, etag=etag)
            row = Row(partition=admission.partition, key=admission.key, values=columns, etag=etag)
            answer = self._write([row, *self._remembering(admission, record, outcomes)])
            if isinstance(answer, Written):
                return replace(admission, record=after, etag=answer.etags[0], now=answer.at)
            found = self._read(admission.partition, admission.key, ()).event
            if found is None:
                break
            record, etag = read_event(found), found.etag or ""
        raise ContentionError(partition=admission.partition, key=admission.key)

    def _remembering(self, admission: Admission, record: EventRecord, outcomes: Mapping[str, Outcome]) -> Sequence[Row]:
        """Return the memory rows of what has an outcome now, where they change by it."""
        settling = {name: outcome for name, outcome in outcomes.items() if memorable(record.reactions[name], outcome)}
        if not settling:
            return []
        rows = self._read(admission.partition, "", settling).memories
        memories = {
            name: remembered(read_memory(row), record.reactions[name], settling[name], admission.now)
            for name, row in rows.items()
        }
        return self._memory_rows(admission.partition, memories, rows)

    def _memory_rows(self, partition: str, memories: Mapping[str, Memory], read: Mapping[str, Row]) -> list[Row]:
        return [
            Row(
                partition=partition,
                key=self._prefix + memory_key(name),
                values=write_memory(memory),
                etag=read[name].etag if name in read else None,
            )
            for name, memory in memories.items()
        ]

    def _read(self, partition: str, key: str, reactions: Iterable[str]) -> _Rows:
        memory_keys = {self._prefix + memory_key(name): name for name in reactions}
        page = self._store.query(partition, [key, *memory_keys])
        return _Rows(
            event=next((row for row in page.rows if row.key == key), None),
            memories={memory_keys[row.key]: row for row in page.rows if row.key in memory_keys},
            now=page.at,
        )

    def _write(self, rows: Sequence[Row]) -> Written | Conflict:
        if len(rows) > 1:
            return self._store.transaction(rows)
        return self._store.merge(rows[0]) if rows[0].etag else self._store.insert(rows[0])
