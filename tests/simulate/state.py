"""The state of a simulated installation: a table that counts what it is asked, a queue with a clock."""

import heapq
import itertools
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from shared.store import Conflict, Page, Row, Written
from tests.fakes.gateways import FakeQueue
from tests.fakes.service import START, Clock
from tests.fakes.store import MemoryStore

#: A midnight.
BEGIN = START.replace(hour=0)
type Item = tuple[float, int, bytes, float]


@dataclass
class SecondClock(Clock):
    """A clock that knows how many seconds have passed since BEGIN; `go` moves it there."""

    now: datetime = BEGIN
    seconds: float = 0.0

    def go(self, seconds: float) -> None:
        """Let it be so late."""
        self.seconds = seconds
        self.now = BEGIN + timedelta(seconds=seconds)


class _Forgotten(list[str]):
    """A list of calls that nobody reads: a million events make millions."""

    def append(self, _call: str) -> None:
        """Forget it."""


class CountedStore(MemoryStore):
    """Counts requests, and entities: *hottest* is the most of one partition in one second, *busiest* of all.

    *created* is when the first row of a write was new.
    """

    requests = hottest = busiest = 0
    hot = ""

    def __init__(self, clock: SecondClock) -> None:
        super().__init__(clock)
        self.calls = _Forgotten()
        self.created: dict[tuple[str, str], datetime] = {}
        self._time, self._second, self._entities = clock, -1, Counter[str]()

    def query(self, partition: str, keys: Sequence[str]) -> Page:
        """See Store."""
        page = super().query(partition, keys)
        self._note(partition, max(1, len(page.rows)))
        return page

    def _write(self, operation: str, rows: Sequence[Row]) -> Written | Conflict:
        self._note(rows[0].partition, len(rows))
        answer = super()._write(operation, rows)
        if rows[0].etag is None and isinstance(answer, Written):
            self.created[rows[0].partition, rows[0].key] = answer.at
        return answer

    def _note(self, partition: str, entities: int) -> None:
        self.requests += 1
        if (second := int(self._time.seconds)) != self._second:
            self._second = second
            self._entities.clear()
        self._entities[partition] += entities
        if self._entities[partition] > self.hottest:
            self.hottest, self.hot = self._entities[partition], partition
        self.busiest = max(self.busiest, self._entities.total())


@dataclass
class Line(FakeQueue):
    """The queue: messages by when they are due, each with when it was first told."""

    clock: SecondClock = field(default_factory=SecondClock)
    items: list[Item] = field(default_factory=list)
    since: float = 0.0
    sends: int = 0
    most: int = 0
    _numbers: "itertools.count[int]" = field(default_factory=itertools.count)

    def send(self, message: bytes, *, after: timedelta = timedelta()) -> None:
        """See shared.gateways.Queue."""
        self.sends += 1
        due = self.clock.seconds + after.total_seconds()
        heapq.heappush(self.items, (due, next(self._numbers), message, self.since))
        self.most = max(self.most, len(self.items))
