"""The simulation's state on Azurite: the production store and queue through the SDKs, in the simulation's time.

The table's clock, and the moment at which a message is due, are the simulation's; versions, conflicts, receipts and
dequeue counts are the service's own.
"""

import heapq
from collections.abc import Callable, Iterable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any, Self

from azure.data.tables import TableClient
from azure.storage.queue import QueueClient

from ops.state_rows import StateRows
from shared.gateways.queue import QUEUE, StorageQueue
from shared.settings import StateStorage
from shared.state_storage import connect
from shared.store import TABLE, Conflict, Page, Row, TableStore, Written
from shared.store.entities import values_of
from shared.transport import Transport
from tests.fakes.store import MemoryStore
from tests.faults.simulation import Item, SimulatedQueue, Simulation

#: No message becomes visible by itself: time passes in the simulation only.
HIDDEN = int(timedelta(days=6).total_seconds())


@dataclass(frozen=True, slots=True)
class Account:
    """The clients of one storage account."""

    table: TableClient
    queue: QueueClient

    @classmethod
    def connect(cls, connection_string: str, *, transport: Transport, stack: ExitStack) -> Self:
        """Build them as the service does; *stack* closes them."""
        storage = StateStorage(connection_string=connection_string)
        table = connect(TableClient, storage, "table", TABLE, transport=transport, credential=None)
        queue = connect(QueueClient, storage, "queue", QUEUE, transport=transport, credential=None)
        return cls(stack.enter_context(table), stack.enter_context(queue))

    def clear(self) -> None:
        """Empty table and queue."""
        self.queue.clear_messages()
        for one in self.table.list_entities(select=["PartitionKey", "RowKey"]):
            self.table.delete_entity(one)


class TableInTime(MemoryStore):
    """The rows of the store are in a table, by the production store; only its clock is *clock*."""

    def __init__(self, clock: Callable[[], datetime], table: TableClient) -> None:
        super().__init__(clock)
        self._table, self._store, self._state_rows = table, TableStore(table), StateRows(table)
        self._read: tuple[Row, ...] | None = None

    @property
    def rows(self) -> tuple[Row, ...]:
        """See MemoryStore; read anew after each write."""
        if self._read is None:
            found = [
                Row(partition=one["PartitionKey"], key=one["RowKey"], values=values_of(one), etag=one.metadata["etag"])
                for one in self._table.list_entities()
            ]
            self._read = tuple(sorted(found, key=lambda row: (row.partition, row.key)))
        return self._read

    def query(self, partition: str, keys: Sequence[str]) -> Page:
        """See Store."""
        return replace(self._store.query(partition, keys), at=self._answer("query"))

    def insert(self, row: Row) -> Written | Conflict:
        """See Store."""
        return self._in_time(self._store.insert(row), [row])

    def merge(self, row: Row) -> Written | Conflict:
        """See Store."""
        return self._in_time(self._store.merge(row), [row])

    def transaction(self, rows: Sequence[Row]) -> Written | Conflict:
        """See Store."""
        return self._in_time(self._store.transaction(rows), rows)

    def delete(self, row: Row) -> bool:
        """Delete a row as a purge does."""
        self._read = None
        return self._state_rows.delete(row)

    def _in_time(self, answer: Written | Conflict, rows: Iterable[Row]) -> Written | Conflict:
        if isinstance(answer, Written):
            self._read = None
            self._stamps.update({(row.partition, row.key): self._clock() for row in rows})
        return replace(answer, at=self._answer("write"))


@dataclass(kw_only=True)
class QueueInTime(SimulatedQueue):
    """Every message is in a queue, hidden, until it is due and taken; deleted only when the host says so."""

    client: Any
    receipts: dict[int, Any] = field(default_factory=dict)

    def send(self, message: bytes, *, after: timedelta = timedelta()) -> None:
        """See shared.gateways.Queue: by the production queue, which is given this object for its client."""
        sender: Any = self
        StorageQueue(sender).send(message, after=after)

    def send_message(self, text: str, *, visibility_timeout: int, time_to_live: int) -> None:
        """Send what the production queue sends, hidden for longer than it asks."""
        assert (0 <= visibility_timeout <= HIDDEN, time_to_live) == (True, -1)
        number = self.numbers()
        self.receipts[number] = self.client.send_message(text, visibility_timeout=HIDDEN, time_to_live=-1)
        self.push((self.clock.now + timedelta(seconds=visibility_timeout), number, text.encode(), 0))

    def put(self, message: bytes, *, after: timedelta = timedelta()) -> None:
        """Put in what Event Grid writes."""
        assert not after
        self.send_message(message.decode(), visibility_timeout=0, time_to_live=-1)

    def receive(self) -> Item:
        """Receive what is due next: nothing else is visible."""
        due, number, _message, _dequeued = heapq.heappop(self.items)
        waiting = self.receipts[number]
        self.client.update_message(waiting.id, waiting.pop_receipt, visibility_timeout=0)
        received = self.client.receive_message(visibility_timeout=HIDDEN)
        assert received.id == waiting.id
        self.receipts[number] = received
        return due, number, received.content.encode(), received.dequeue_count - 1

    def give_up(self, item: Item) -> None:
        """See SimulatedQueue."""
        super().give_up(item)
        self.done(item)

    def done(self, item: Item) -> None:
        """Delete a message that was taken."""
        received = self.receipts.pop(item[1])
        self.client.delete_message(received.id, received.pop_receipt)

    def lose(self, item: Item) -> None:
        """See SimulatedQueue."""
        super().lose(item)
        self.done(item)

    def whole(self) -> bool:
        """Tell whether all that waits is there, and nothing else."""
        return int(self.client.get_queue_properties().approximate_message_count or 0) == len(self.items)


@dataclass(kw_only=True)
class SimulationOnAzurite(Simulation):
    """The service on fakes, but for its state, which is in *account*, emptied for it."""

    account: Account

    def state(self) -> tuple[MemoryStore, SimulatedQueue]:
        """See Simulation."""
        self.account.clear()
        return TableInTime(self.clock, self.account.table), QueueInTime(clock=self.clock, client=self.account.queue)
