"""The service on fakes, with a host that behaves: delays, redelivery after a failure or a death, poison.

Time passes only when nothing is due. Figures of the host are those of host.json and of the measured queue listener.
"""

import heapq
import itertools
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

import msgspec

import handlers
from shared.errors import ReactorError
from shared.gateways.dead_letters import BlobDeadLetters
from shared.ledger import Ledger
from shared.messages import Message
from shared.orchestration import Orchestration
from tests.fakes.gateways import FakeQueue
from tests.fakes.service import Clock, FakeService
from tests.fakes.store import MemoryStore
from tests.faults.faulty import Death, Fault, faulty

#: host.json: a failed run comes back after a minute, twenty times; a killed host's messages after ten minutes.
AFTER_FAILURE = timedelta(minutes=1)
AFTER_DEATH = timedelta(minutes=10)
MAX_DEQUEUE_COUNT = 20
#: Azure Queue storage keeps a message back for at most this long; our queue sends no longer delays.
LONGEST_DELAY = timedelta(days=6)

type Item = tuple[datetime, int, bytes, int]


@dataclass
class SimulatedQueue(FakeQueue):
    """The queue with its clock: messages by when they are due."""

    clock: Clock = field(default_factory=Clock)
    items: list[Item] = field(default_factory=list)
    poison: list[bytes] = field(default_factory=list)
    numbers: Callable[[], int] = field(default_factory=lambda: itertools.count().__next__)
    most: int = 0

    def send(self, message: bytes, *, after: timedelta = timedelta()) -> None:
        """See shared.gateways.Queue."""
        self.put(message, after=min(after, LONGEST_DELAY))

    def put(self, message: bytes, *, after: timedelta = timedelta()) -> None:
        """Put a message in, visible later."""
        self.push((self.clock.now + after, self.numbers(), message, 0))

    def push(self, item: Item) -> None:
        """Have a message wait."""
        heapq.heappush(self.items, item)
        self.most = max(self.most, len(self.items))

    def receive(self) -> Item:
        """Take out what is due next."""
        return heapq.heappop(self.items)

    def come_back(self, item: Item, after: timedelta) -> None:
        """Have a message that was taken come back, or give it up."""
        _due, number, message, dequeued = item
        if dequeued + 1 >= MAX_DEQUEUE_COUNT:
            self.give_up(item)
        else:
            self.push((self.clock.now + after, number, message, dequeued + 1))

    def give_up(self, item: Item) -> None:
        """Move a message that was taken to the poison queue."""
        self.poison.append(item[2])

    def done(self, item: Item) -> None:
        """Delete a message that was taken."""

    def lose(self, item: Item) -> None:
        """Delete a message that waits, which nobody should."""
        self.items.remove(item)
        heapq.heapify(self.items)

    def whole(self) -> bool:
        """Tell whether all that waits is there."""
        return True


@dataclass
class Simulation(FakeService):
    """A service whose edges call *fault* at every point, and its host. `deliver` enqueues, `run` lets the host work."""

    fault: Fault = lambda _point: None
    runs: int = 0
    deaths: int = 0

    def __post_init__(self) -> None:
        """Wrap the edges."""
        super().__post_init__()
        self.store, self.line = self.state()
        self._wrap()

    def state(self) -> tuple[MemoryStore, SimulatedQueue]:
        """Return the table and the queue."""
        return self.store, SimulatedQueue(clock=self.clock)

    def _wrap(self) -> None:
        def at(point: str) -> None:
            self.fault(point)

        self.faulty_jobs = faulty(self.jobs, "jobs", at)
        self.faulty_mail = faulty(self.mail, "mail", at)
        self.queue = faulty(self.line, "queue", at)
        self.stored_events = self.large_events
        self.large_events = faulty(self.stored_events, "large_events", at)
        self.dead_letters = faulty(BlobDeadLetters(self.letters), "dead_letters", at)
        self.ledger = Ledger(faulty(self.store, "store", at), installation="test", dry_run=self.dry_run)

    def orchestration(self, message: Message) -> Orchestration:
        """See handlers.service.Service."""
        return replace(super().orchestration(message), jobs=self.faulty_jobs, mail=self.faulty_mail)

    def enqueue(self, event: object) -> None:
        """Have Event Grid write an event into the queue."""
        self.line.put(event.encode() if isinstance(event, Message) else msgspec.json.encode(event))

    def step(self) -> bool:
        """Let the host deliver the message that is due next; False when there is none."""
        if not self.line.items:
            return False
        item = self.line.receive()
        self.clock.now = max(self.clock.now, item[0])
        self.runs += 1
        try:
            handlers.dispatch(item[2], self)
        except Death:
            self.deaths += 1
            self.line.come_back(item, AFTER_DEATH)
        except ReactorError:
            self.line.come_back(item, AFTER_FAILURE)
        else:
            self.line.done(item)
        return True

    def run(self, *, most: int = 10_000) -> None:
        """Let the host work until nothing waits any more."""
        for _ in range(most):
            if not self.step():
                return
        raise AssertionError("the host did not come to rest")

    def work_until(self, moment: datetime) -> None:
        """Let the host work on what is due before *moment*, and time pass until then."""
        while self.line.items and self.line.items[0][0] < moment:
            self.step()
        self.clock.now = max(self.clock.now, moment)

    def jobs_by_name(self) -> Counter[str]:
        """Count the jobs there are; one of a name, or Azure ML would be broken."""
        return Counter(self.jobs.jobs)

    def unsettled(self) -> list[str]:
        """Return the admitted reactions without an outcome."""
        return [
            f"{key} {column}"
            for key, row in self.rows().items()
            for column, value in row.items()
            if column.startswith("r_")
            and (record := msgspec.json.decode(str(value)))["decision"] == "admitted"
            and "outcome" not in record
        ]
