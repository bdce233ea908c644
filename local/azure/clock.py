"""Azure's waiting times, faster: what takes hours there takes seconds here."""

import heapq
import itertools
import threading
import time
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

#: How something that takes time is told: a generator that yields how long to wait until its next part.
type Course = Generator[timedelta]


class TimeOfDay:
    """The twin's one time of day: the machine's, or so much ahead of it as a story has gone on."""

    def __init__(self) -> None:
        self.ahead = timedelta()

    def __call__(self) -> datetime:
        """Tell it (aware, UTC); never scaled, so that it agrees with what the storage and the clients say."""
        return datetime.now(UTC) + self.ahead  # noqa: TID251 - nothing here is production code


now = TimeOfDay()


class ScaledClock:
    """Does things later: a delay of *scale* seconds passes in one second. Thread-safe.

    Only durations are scaled. `elapsed` tells how much of the scaled time has passed, `pending` how much is
    still to happen.
    """

    def __init__(self, scale: float = 1.0) -> None:
        if scale <= 0:
            raise ValueError("the time scale must be greater than 0, e.g. 60 for a minute per second")
        self.scale = scale
        self.failures: list[Exception] = []
        self._started = time.monotonic()
        self._skipped = timedelta()
        self._due: list[tuple[timedelta, int, Callable[[], None]]] = []
        self._count = itertools.count()
        self._held = 0
        self._changed = threading.Condition()
        self._closed = False
        self._thread = threading.Thread(target=self._run, name="azure-clock", daemon=True)
        self._thread.start()

    @property
    def elapsed(self) -> timedelta:
        """Scaled time since the clock was made."""
        with self._changed:
            return self._elapsed()

    @property
    def pending(self) -> int:
        """Number of actions due later, running now, or held open by `hold`."""
        with self._changed:
            return len(self._due) + self._held

    def call_later(self, delay: timedelta, action: Callable[[], None]) -> None:
        """Call *action* after *delay* (scaled), in the clock's thread: it must be short. Dropped once closed."""
        with self._changed:
            if not self._closed:
                heapq.heappush(self._due, (self._elapsed() + delay, next(self._count), action))
                self._changed.notify_all()

    def follow(self, course: Course) -> None:
        """Carry out *course*: its first part at once in the clock's thread, each next one after the wait it yields."""

        def advance() -> None:
            delay = next(course, None)
            if delay is not None:
                self.call_later(delay, advance)

        self.call_later(timedelta(), advance)

    def advance(self, time_passed: timedelta) -> None:
        """Let *time_passed* (scaled) be over at once: everything due within it happens now."""
        with self._changed:
            self._skipped += time_passed
            self._changed.notify_all()

    @contextmanager
    def hold(self) -> Iterator[None]:
        """Count as pending while something outside the clock's thread is under way."""
        self.hold_open()
        try:
            yield
        finally:
            self.release()

    def hold_open(self) -> None:
        """Count one more as pending, until `release`."""
        with self._changed:
            self._held += 1

    def release(self) -> None:
        """Undo one `hold_open`."""
        with self._changed:
            self._held -= 1
            self._changed.notify_all()

    def wait_until_idle(self, timeout: float) -> bool:
        """Wait until nothing is pending, at most *timeout* seconds (real ones); False when something still is."""
        with self._changed:
            return self._changed.wait_for(lambda: not self._due and not self._held, timeout)

    def close(self) -> None:
        """Drop what is due later and end the thread."""
        with self._changed:
            self._closed = True
            self._due.clear()
            self._changed.notify_all()
        self._thread.join(timeout=5)

    def _elapsed(self) -> timedelta:
        return timedelta(seconds=(time.monotonic() - self._started) * self.scale) + self._skipped

    def _run(self) -> None:
        while (action := self._next()) is not None:
            try:
                action()
            except Exception as error:  # noqa: BLE001 - kept for the test or the demo to see; the others must go on
                self.failures.append(error)
            finally:
                self.release()

    def _next(self) -> Callable[[], None] | None:
        """Wait for the next action that is due; it counts as held until it has run."""
        with self._changed:
            while not self._closed:
                left = (self._due[0][0] - self._elapsed()).total_seconds() / self.scale if self._due else None
                if left is not None and left <= 0:
                    self._held += 1
                    return heapq.heappop(self._due)[2]
                self._changed.wait(left)
            return None
