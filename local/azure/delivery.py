"""How an event reaches a subscription: attempts on the real schedule, and the dead letter in the end."""

import json
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime, timedelta
from http import HTTPStatus

from local.azure.clock import ScaledClock, now
from local.azure.events import Event, is_cloud_event, kind_of, seven_digits, stable_id, to_cloud_event
from local.azure.sinks import TIMED_OUT, Sink

#: Waits between attempts (Event Grid, "delivery and retry"); the last one goes on.
SCHEDULE = tuple(timedelta(seconds=s) for s in (10, 30, 60, 300, 600, 1800, 3600, 3 * 3600, 6 * 3600, 12 * 3600))
#: Answers after which the next attempt waits longer at least (the same page, edition of 2020).
AT_LEAST = {404: timedelta(minutes=5), 408: timedelta(minutes=2), 503: timedelta(seconds=30)}
SUCCESS = frozenset(range(200, 205))
#: Answers that are never tried again (401: because our endpoints are webhooks).
FINAL = frozenset({400, 401, 403, 413})
MAX_ATTEMPTS = 30
TIME_TO_LIVE = timedelta(hours=24)
DEAD_LETTER_DELAY = timedelta(minutes=5)

#: Takes a blob name and its content.
type DeadLetter = Callable[[str, bytes], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Subscription:
    """Which events go where; empty *event_types* or *topic* stand for all. Both are in casefolded form."""

    name: str
    sink: Sink
    event_types: frozenset[str]
    cloud_events: bool
    topic: str
    dead_letter: DeadLetter | None

    def wants(self, event: Event) -> bool:
        """Whether *event* is for it."""
        topic = str(event.get("topic") or event.get("source") or "").casefold()
        kind = kind_of(event).casefold()
        return (not self.event_types or kind in self.event_types) and (not self.topic or topic == self.topic)


@dataclass(frozen=True, slots=True, kw_only=True)
class Send:
    """One attempt: *status* is 0 when there was no answer; *attempt* counts from 1."""

    at: datetime
    subscription: str
    event: Event
    attempt: int
    status: int


@dataclass(slots=True, kw_only=True)
class _Way:
    """An event on its way to a subscription."""

    subscription: Subscription
    event: Event
    number: int
    published_at: datetime
    published: timedelta  # on the scaled clock
    attempt: int = 0
    status: int = TIMED_OUT
    reason: str = ""
    last: datetime | None = None


class Delivery:
    """The attempts for all subscriptions, *patience* real seconds each. Thread-safe."""

    def __init__(self, clock: ScaledClock, *, patience: float) -> None:
        self._clock = clock
        self._patience = patience
        self._pool = ThreadPoolExecutor(16, thread_name_prefix="event-grid")
        self._lock = threading.Lock()
        self._sends: list[Send] = []
        self._started = 0
        self._ended = 0
        self._closed = False

    @property
    def sends(self) -> tuple[Send, ...]:
        """All attempts so far, in the order they ended."""
        with self._lock:
            return tuple(self._sends)

    @property
    def pending(self) -> int:
        """Deliveries that are neither done nor given up."""
        with self._lock:
            return self._started - self._ended

    def start(self, subscription: Subscription, event: Event, *, wait: timedelta) -> None:
        """Deliver *event*, first tried after *wait* (scaled)."""
        told = to_cloud_event(event) if subscription.cloud_events and not is_cloud_event(event) else event
        with self._lock:
            self._started += 1
            number = self._started
        way = _Way(
            subscription=subscription,
            event=told,
            number=number,
            published_at=now(),
            published=self._clock.elapsed,
        )
        self._clock.call_later(wait, lambda: self._leave(self._try, way))

    def close(self) -> None:
        """Give up what is under way."""
        with self._lock:
            self._closed = True
        self._pool.shutdown(wait=False, cancel_futures=True)

    def _leave(self, work: Callable[[_Way], None], way: _Way) -> None:
        """Do *work* outside the clock's thread, for it may take long; it is pending until it is done."""

        def guarded() -> None:
            try:
                work(way)
            except Exception as error:  # noqa: BLE001 - kept for the test or the demo to see
                self._clock.failures.append(error)
            finally:
                self._clock.release()

        with self._lock:
            if not self._closed:
                self._clock.hold_open()
                self._pool.submit(guarded)

    def _try(self, way: _Way) -> None:
        way.attempt += 1
        way.last = now()
        way.status = way.subscription.sink.deliver(way.event, way.subscription.name, way.attempt, self._patience)
        self._record(way)
        self._decide(way)

    def _record(self, way: _Way) -> None:
        name = way.subscription.name
        with self._lock:
            self._sends.append(
                Send(at=now(), subscription=name, event=way.event, attempt=way.attempt, status=way.status),
            )

    def _decide(self, way: _Way) -> None:
        """What follows from the status of the last attempt."""
        if way.status in SUCCESS:
            self._end()
            return
        way.reason = "MaxDeliveryAttemptsExceeded"
        wait = timedelta()
        if way.status not in FINAL and way.attempt < MAX_ATTEMPTS:
            wait = max(SCHEDULE[min(way.attempt, len(SCHEDULE)) - 1], AT_LEAST.get(way.status, timedelta()))
            left = way.published + TIME_TO_LIVE - self._clock.elapsed
            if wait <= left:
                self._clock.call_later(wait, lambda: self._leave(self._try, way))
                return
            way.reason, wait = "TimeToLiveExceeded", max(left, timedelta())
        self._clock.call_later(wait + DEAD_LETTER_DELAY, lambda: self._leave(self._give_up, way))

    def _give_up(self, way: _Way) -> None:
        try:
            if way.subscription.dead_letter is not None:
                way.subscription.dead_letter(*_dead_letter(way))
        finally:
            self._end()

    def _end(self) -> None:
        with self._lock:
            self._ended += 1


def _dead_letter(way: _Way) -> tuple[str, bytes]:
    """Blob name and content as Event Grid writes them; `lastDeliveryAttemptTime` is unconfirmed for CloudEvents."""
    at = now()
    guid = stable_id(way.subscription.name, str(way.event.get("id")), str(way.number))
    name = f"{way.subscription.name.upper()}/{at.year}/{at.month}/{at.day}/{at.hour}/{guid}.json"
    facts: dict[str, object] = {
        "deadLetterReason": way.reason,
        "deliveryAttempts": way.attempt,
        "lastDeliveryOutcome": _outcome(way.status),
        "publishTime": seven_digits(way.published_at),
        "lastDeliveryAttemptTime": seven_digits(way.last or at),
    }
    if is_cloud_event(way.event):
        facts = {key.lower(): value for key, value in facts.items()}
    return name, json.dumps([way.event | facts]).encode()


def _outcome(status: int) -> str:
    if status == TIMED_OUT:
        return "TimedOut"
    return HTTPStatus(status).phrase.replace(" ", "") if status in HTTPStatus else "Unknown"
