"""A local Event Grid: takes events in as the real one does, and gives them to its subscriptions."""

import random  # noqa: TID251 - disorder is what the switches are for; the seed is printed
import re
import secrets
import threading
from collections.abc import Callable, Iterable, Sequence
from datetime import timedelta
from http import HTTPStatus
from typing import Literal
from urllib.parse import urlsplit

from local.azure.clock import ScaledClock, now
from local.azure.delivery import DeadLetter, Delivery, Send, Subscription
from local.azure.events import Event, is_cloud_event, kind_of, seven_digits
from local.azure.identity import refusal
from local.azure.messages import Answer, Request, error
from local.azure.sinks import Post, Put

AUDIENCE = "https://eventgrid.azure.net"
REQUIRED = ("id", "subject", "eventType", "eventTime", "data", "dataVersion")
REQUIRED_CLOUD = ("id", "source", "type", "specversion")


class EventGrid:
    """Topics, subscriptions and deliveries. Thread-safe.

    *duplicates*: how often each event is delivered more than once; *shuffle*: events wait a random while before the
    first delivery, up to *shuffle* scaled seconds. Both with the *seed* that is printed.
    """

    hosts = re.compile(r"[a-z0-9-]+\.[a-z0-9]+-1\.eventgrid\.azure\.net")

    def __init__(self, clock: ScaledClock, *, seed: int, patience: float = 30.0) -> None:
        self.key = secrets.token_urlsafe(32)
        self.seed = seed
        self.duplicates = 0
        self.shuffle = 0.0
        self._random = random.Random(seed)  # noqa: S311 - disorder, not secrecy
        self._delivery = Delivery(clock, patience=patience)
        self._lock = threading.Lock()
        self._subscriptions: list[Subscription] = []
        self._published: list[Event] = []
        self._announced = False

    @property
    def published(self) -> tuple[Event, ...]:
        """Every event taken in, in order; replays are not new events."""
        with self._lock:
            return tuple(self._published)

    @property
    def deliveries(self) -> tuple[Send, ...]:
        """Every attempt to deliver, in order."""
        return self._delivery.sends

    @property
    def pending(self) -> int:
        """Deliveries that are neither done nor given up."""
        return self._delivery.pending

    def subscribe(
        self,
        name: str,
        destination: str | Callable[[str], None],
        event_types: Sequence[str] = (),
        *,
        schema: Literal["eventgrid", "cloudevents"] = "eventgrid",
        topic: str = "",
        dead_letter: DeadLetter | None = None,
    ) -> None:
        """Deliver the events of *event_types* (all when empty) of *topic* (any when empty) to *destination*.

        *destination* is a URL on 127.0.0.1, or a function that puts a queue message (the bare event in base64).
        What cannot be delivered goes to *dead_letter* (blob name, content), or is dropped, as in Azure.
        """
        if isinstance(destination, str) and urlsplit(destination).hostname not in {"127.0.0.1", "localhost"}:
            raise ValueError("events of the offline twin are delivered to 127.0.0.1 only")
        sink = Post(destination) if isinstance(destination, str) else Put(destination)
        with self._lock:
            self._subscriptions.append(
                Subscription(
                    name=name,
                    sink=sink,
                    event_types=frozenset(kind.casefold() for kind in event_types),
                    cloud_events=schema == "cloudevents",
                    topic=topic.casefold(),
                    dead_letter=dead_letter,
                ),
            )

    def publish(self, event: Event) -> None:
        """Take one event in and deliver it to the subscriptions it is for."""
        with self._lock:
            self._published.append(event)
        self._deliver(event, times=1 + self.duplicates)

    def replay(self, events: Iterable[Event], *, times: int = 1, shuffle_seed: int | None = None) -> None:
        """Deliver *events* again, *times* over, in an order made of *shuffle_seed* (as given when None)."""
        again = [event for event in events for _ in range(times)]
        if shuffle_seed is not None:
            print(f"replaying {len(again)} deliveries, shuffled with seed {shuffle_seed}")
            random.Random(shuffle_seed).shuffle(again)  # noqa: S311 - disorder, not secrecy
        for event in again:
            self._deliver(event, times=1)

    def answer(self, request: Request) -> Answer | None:
        """Take in what a publisher client posts to a custom topic, in either schema.

        Unlike Azure, the topic that an event names itself is kept: so a workspace's events can be played by hand.
        """
        if request.method != "POST" or request.path != "/api/events":
            return None
        if not self._allowed(request):
            return error(HTTPStatus.UNAUTHORIZED, "Unauthorized", "aeg-sas-key or a bearer token is needed.")
        body = request.json()
        events = body if isinstance(body, list) else [body]
        if not events or not all(isinstance(event, dict) and not _lacks(event) for event in events):
            return error(HTTPStatus.BAD_REQUEST, "BadRequest", "An event lacks what its schema requires.")
        for event in events:
            self.publish(event if is_cloud_event(event) else _stamped(event, request.host.partition(".")[0]))
        return Answer(status=HTTPStatus.OK)

    def close(self) -> None:
        """Give up what is under way."""
        self._delivery.close()

    def _allowed(self, request: Request) -> bool:
        if key := request.headers.get("aeg-sas-key"):
            return secrets.compare_digest(key, self.key)
        return "aeg-sas-token" in request.headers or refusal(request, AUDIENCE) is None

    def _deliver(self, event: Event, *, times: int) -> None:
        with self._lock:
            fitting = [each for each in self._subscriptions if each.wants(event)]
            waits = [self._random.uniform(0, self.shuffle) for _ in range(len(fitting) * times)]
        if self.shuffle or times > 1:
            self._announce()
        for subscription in fitting:
            for _ in range(times):
                self._delivery.start(subscription, event, wait=timedelta(seconds=waits.pop()))

    def _announce(self) -> None:
        with self._lock:
            announced, self._announced = self._announced, True
        if not announced:
            print(f"Event Grid delivers in disorder: duplicates {self.duplicates}, seed {self.seed}")


def _lacks(event: Event) -> list[str]:
    return [name for name in (REQUIRED_CLOUD if is_cloud_event(event) else REQUIRED) if name not in event]


def _stamped(event: Event, topic: str) -> Event:
    """What the service itself adds to an event in Event Grid schema."""
    stamp = {"topic": event.get("topic") or topic, "metadataVersion": "1"}
    return {**event, **stamp, "eventTime": event.get("eventTime") or seven_digits(now()), "eventType": kind_of(event)}
