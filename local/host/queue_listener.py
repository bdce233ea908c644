"""The pump of one queue trigger: what Microsoft's queue listener does, on a scaled clock.

Measured with Microsoft.Azure.WebJobs.Extensions.Storage.Queues 5.3.10. Left out: the random 20 % of each poll's wait.
"""

import logging
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from threading import Condition, Event, Thread

from local.host.errors import HostStopError
from local.host.host_json import QueueOptions
from local.host.pace import Pace
from local.host.protos import TypedData
from local.host.queue_trigger import UndecodableError, decode, trigger_metadata
from local.host.source_queue import RENEW_SECONDS, SourceQueue, StoredMessage
from local.host.webhook import log_failure
from local.host.worker import Function, InvocationResult, Worker

#: Wait before the poll after one that found something; it doubles from there to maxPollingInterval.
FIRST_POLL_SECONDS = 0.1
#: Begins the names of the threads that talk to storage for the host, so that its log lines can be told from the app's.
THREAD_PREFIX = "queue-listener"

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Signals:
    """What a listener tells others: *poisoned* (the name of the queue it parked a message of), *stop_host* (why)."""

    poisoned: Callable[[str], None]
    stop_host: Callable[[str], None]


def poll_waits(longest: float) -> Iterator[float]:
    """Yield the waits (seconds) after each poll that finds nothing: doubling from FIRST_POLL_SECONDS to *longest*."""
    wait = FIRST_POLL_SECONDS
    while True:
        yield min(wait, longest)
        wait = min(wait * 2, longest)


class QueueListener:
    """Fetches, runs and settles the messages of one function's queue until it is stopped."""

    def __init__(
        self,
        function: Function,
        queue: SourceQueue,
        *,
        worker: Worker,
        options: QueueOptions,
        pace: Pace,
        signals: Signals,
    ) -> None:
        self.queue = queue
        self._function = function
        self._worker = worker
        self._options = options
        self._pace = pace
        self._signals = signals
        self._stopping = Event()
        self._wake = Event()
        self._room = Condition()
        self._in_flight = 0
        name = f"{THREAD_PREFIX}-{function.name}"
        self._pool = ThreadPoolExecutor(options.batch_size + options.new_batch_threshold, thread_name_prefix=name)
        self._thread = Thread(target=self._guarded(self._fetch), name=name, daemon=True)

    def start(self) -> None:
        """Begin to fetch."""
        self._thread.start()

    def wake(self) -> None:
        """Poll now: another listener has put something into this queue."""
        self._wake.set()

    def stop(self) -> None:
        """Fetch no more; what is running goes on."""
        self._stopping.set()
        self._wake.set()
        with self._room:
            self._room.notify_all()

    def fetched_last(self, timeout: float) -> bool:
        """Wait for the fetch under way, at most *timeout* seconds; False when it is not over. Call after stop."""
        self._thread.join(max(0.0, timeout))
        return not self._thread.is_alive()

    def close(self) -> None:
        """Wait for what is running, then close the connections. Call after stop."""
        self._thread.join()
        self._pool.shutdown()
        self.queue.close()

    def _fetch(self) -> None:
        waits = poll_waits(self._options.max_polling_interval)
        while True:
            self._wake.clear()
            if self._stopping.is_set():  # looked at after clear(), so that stop() cannot be missed
                return
            if messages := self.queue.receive(self._options.batch_size):
                waits = poll_waits(self._options.max_polling_interval)
                self._take(messages)
            else:
                self._wake.wait(self._pace.poll(next(waits)))

    def _take(self, messages: list[StoredMessage]) -> None:
        """Start all *messages*, then wait until no more than newBatchThreshold are in flight."""
        with self._room:
            self._in_flight += len(messages)
        for message in messages:
            self._worker.tally.began()
            self._pool.submit(self._guarded(self._process), message)
        with self._room:
            self._room.wait_for(lambda: self._in_flight <= self._options.new_batch_threshold or self._stopping.is_set())

    def _process(self, message: StoredMessage) -> None:
        try:
            self._deliver(message)
        finally:
            with self._room:
                self._in_flight -= 1
                self._room.notify_all()
            self._worker.tally.ended()

    def _deliver(self, message: StoredMessage) -> None:
        """Run the function on *message* and settle it: delete, release, or park in the poison queue."""
        if message.dequeue_count > self._options.max_dequeue_count and not self.queue.is_poison:
            self._park(message, "dequeued too often")
            return
        try:
            content = decode(message.text, base64_encoded=self._options.base64)
        except UndecodableError:
            self._park(message, "not base64")
            return
        message, result = self._run(message, content)
        if result.succeeded:
            self.queue.delete(message)
            return
        log_failure(result)
        if self.queue.is_poison:
            return  # left hidden for the rest of its ten minutes, whatever maxDequeueCount says
        if message.dequeue_count >= self._options.max_dequeue_count:
            self._park(message, "failed too often")
        else:
            self.queue.release(message, self._options.visibility_timeout)

    def _run(self, message: StoredMessage, content: bytes) -> tuple[StoredMessage, InvocationResult]:
        """Invoke the function, keeping *message* hidden meanwhile; the message with its latest receipt."""
        name = self._function.name
        try:
            text = content.decode()
        except UnicodeDecodeError:  # the host fails to bind such a message: a failed run like any other
            return message, InvocationResult(function=name, succeeded=False, message="the message is not UTF-8")
        inputs = {str(self._function.trigger["name"]): TypedData(string=text)}
        running = self._worker.submit(name, inputs, trigger_metadata(message, text))
        while True:
            try:
                return message, running.result(self._pace.seconds(RENEW_SECONDS))
            except TimeoutError:
                message = self.queue.renew(message)

    def _park(self, message: StoredMessage, why: str) -> None:
        if self.queue.is_poison:  # it has no poison queue of its own: the message stays hidden and comes again
            log.warning("message.left-hidden: %s, %s", self.queue.name, why)
            return
        self.queue.poison(message)
        log.warning("message.poisoned: %s, %s", self.queue.name, why)
        self._signals.poisoned(self.queue.name)

    def _guarded[**P](self, work: Callable[P, None]) -> Callable[P, None]:
        """Have the host stop when *work* cannot go on, as the real host's exception handler does."""

        def guarded(*args: P.args, **kwargs: P.kwargs) -> None:
            try:
                work(*args, **kwargs)
            except HostStopError as error:
                self._signals.stop_host(f"queue {self.queue.name}: {error}")
            except Exception:
                log.exception("listener.broken")
                self._signals.stop_host(f"queue {self.queue.name}: the listener broke")

        return guarded
