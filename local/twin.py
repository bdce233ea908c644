"""The offline twin: the app under Microsoft's worker runtime, real storage semantics, and an Azure that behaves.

with Twin() as twin:
    twin.workspace.register_model("churn")
    twin.quiet()
"""

import contextlib
import json
import time
from collections.abc import Callable, Mapping
from datetime import timedelta
from pathlib import Path
from types import TracebackType
from typing import Any, Literal, Self

import msgspec
from azure.core.credentials import AzureKeyCredential
from azure.eventgrid import EventGridPublisherClient
from azure.storage.blob import ContainerClient
from azure.storage.queue import QueueClient

import handlers
from local.azure import StandIn
from local.azure.clock import now
from local.azurite import Azurite, create_state
from local.furniture import WORKSPACE, WorkspaceName, app_settings, furnish
from local.host.process import LocalHost
from shared.gateways.blobs import DEAD_LETTERS
from shared.gateways.queue import QUEUE
from shared.telemetry import LOGGER

ROOT = Path(__file__).parents[1]
#: A custom topic of the local Event Grid.
TOPIC = "https://reactor-events.westeurope-1.eventgrid.azure.net/api/events"
#: Scaled seconds per real second of the stand-in: Event Grid's first retry after 10 s comes after 0.17 s.
SCALE = 60.0
LOG_MARK = f" {LOGGER.name}: "
STEP = 0.05


class Twin:
    """A context manager: everything runs inside it, on 127.0.0.1 and free ports, and ends with it.

    *delivery* is how events reach the app; *settings* replace app settings; *workspace* is whose events they are;
    *on_fact* is called with every fact that the app logs, from another thread; *scale* is scaled seconds per second.
    Needs `make setup`.
    """

    def __init__(
        self,
        *,
        delivery: Literal["push", "queue"] = "push",
        settings: Mapping[str, str] | None = None,
        on_fact: Callable[[dict[str, Any]], None] | None = None,
        workspace: WorkspaceName = WORKSPACE,
        app: Path = ROOT,
        scale: float = SCALE,
    ) -> None:
        self._delivery = delivery
        self._settings = settings or {}
        self._on_fact = on_fact
        self._app = app
        self._stack = contextlib.ExitStack()
        self.azure = StandIn(scale=scale)
        self.workspace = self.azure.workspace(**workspace)
        self.facts: list[dict[str, Any]] = []
        self._scale = scale

    def __enter__(self) -> Self:
        with self._stack:
            self._azurite = self._stack.enter_context(Azurite())
            storage = self._azurite.connection_string
            create_state(storage)
            self._stack.callback(setattr, now, "ahead", timedelta())
            self._queue = QueueClient.from_connection_string(storage, QUEUE)
            self._dead_letters = ContainerClient.from_connection_string(storage, DEAD_LETTERS)
            self._stack.enter_context(self.azure)
            furnish(self.workspace)
            settings = {**app_settings(self.azure, self.workspace, storage), **self._settings}
            self.host = self._stack.enter_context(
                LocalHost(self._app, settings, time_scale=self._scale, on_line=self._read)
            )
            self._subscribe()
            self._stack = self._stack.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stack.close()

    def put(self, text: str) -> None:
        """Put a message into the queue as it is."""
        self._queue.send_message(text)

    def post(self, event: object) -> list[tuple[int, str]]:
        """Push a body as Event Grid would to every function whose family wants one of its events; the answers."""
        return [
            self.host.post_event(family.function, event)
            for family in handlers.PUSHED
            if _event_types(event) & set(family.event_types)
        ]

    def dead_letters(self) -> dict[str, Any]:
        """Return the dead letters by name."""
        names = [str(blob.name) for blob in self._dead_letters.list_blobs()]
        return {name: json.loads(self._dead_letters.download_blob(name).readall()) for name in names}

    def publish(self, event: dict[str, Any]) -> None:
        """Publish an event (Event Grid schema) to a custom topic with azure-eventgrid, as any application would."""
        environment = self.azure.environment
        with EventGridPublisherClient(TOPIC, AzureKeyCredential(self.azure.event_grid.key)) as client:
            client.send(
                [event],
                proxies={"https": environment["HTTPS_PROXY"]},
                connection_verify=environment["REQUESTS_CA_BUNDLE"],
            )

    def advance(self, by: timedelta) -> None:
        """Let time pass, for storage and for Azure: what waits for a moment within it is due. See `due_handled`."""
        self._azurite.move_ahead(now.ahead + by)
        now.ahead += by
        self.azure.clock.advance(by)

    def waiting(self) -> int:
        """Return how many messages are in the queue: those under way and those with a delay as well."""
        return int(self._queue.get_queue_properties().approximate_message_count or 0)

    def quiet(self, timeout: float = 60.0) -> None:
        """Wait until nothing is due, queued or running any more. Raises TimeoutError."""
        self._rest(timeout, lambda: bool(self.azure.pending or self._under_way()))

    def queue_empty(self, timeout: float = 60.0) -> None:
        """Wait until what was delivered so far is handled; jobs may still run. Raises TimeoutError."""
        self._rest(timeout, lambda: bool(self.azure.event_grid.pending or self._under_way()))

    def due_handled(self, timeout: float = 60.0) -> None:
        """Wait until what is due by now is handled; what waits for a later moment may wait. Raises TimeoutError."""
        self._rest(timeout, lambda: bool(self.azure.pending or self._queue.peek_messages()))

    def until(self, condition: Callable[[], bool], timeout: float = 60.0) -> None:
        """Wait until *condition* holds. Raises TimeoutError."""
        ends = time.monotonic() + timeout
        while not condition():
            if time.monotonic() > ends:
                raise TimeoutError("the twin did not come to rest: a message waits, or something fails again and again")
            time.sleep(STEP)

    def _rest(self, timeout: float, more_to_come: Callable[[], bool]) -> None:
        """Wait for rest, seen twice in a row: what one part has just let go, the next may not hold yet."""
        calm: list[bool] = []

        def at_rest() -> bool:
            calm.append(not (more_to_come() or self.host.status().running))
            return all(calm[-2:]) and len(calm) > 1

        self.until(at_rest, timeout)

    def _under_way(self) -> bool:
        """Tell whether the queue has messages but for reminders, the first of which is due in an hour."""
        return self.waiting() > len([fact for fact in list(self.facts) if fact["did"] == "reminder.sent"])

    def _subscribe(self) -> None:
        """Subscribe as infrastructure does: one subscription per family, or one to the queue."""

        def dead_letter(name: str, content: bytes) -> None:
            self._dead_letters.upload_blob(name, content)

        grid = self.azure.event_grid
        if self._delivery == "queue":
            types = sorted({name for family in handlers.HANDLERS for name in family.event_types})
            grid.subscribe("reactor", self.put, types, dead_letter=dead_letter)
            return
        for family in handlers.PUSHED:
            url = f"{self.host.url}/runtime/webhooks/EventGrid?functionName={family.function}"
            grid.subscribe(family.function, url, family.event_types, dead_letter=dead_letter)

    def _read(self, line: str) -> None:
        _before, mark, text = line.partition(LOG_MARK)
        if not mark:
            return
        fact = msgspec.json.decode(text)
        self.facts.append(fact)
        if self._on_fact is not None:
            self._on_fact(fact)


def _event_types(event: object) -> set[str]:
    events = event if isinstance(event, list) else [event]
    return {str(one.get("eventType") or one.get("type")) for one in events if isinstance(one, dict)}


def trouble(twin: Twin) -> list[str]:
    """Return what must not happen in any story: unknown URLs, broken contracts, the stand-in's own errors."""
    journal = twin.azure.journal
    return [
        *(f"the app asked for a URL nobody knows: {entry.method} {entry.url}" for entry in journal.unknown()),
        *(f"a request breaks its contract: {entry.url}: {entry.violations}" for entry in journal.violations()),
        *(f"the stand-in failed: {error!r}" for error in twin.azure.failures),
    ]
