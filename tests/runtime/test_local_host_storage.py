"""How the queue pump answers storage that refuses: what stops the real host, and what it lives through."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from http import HTTPStatus
from threading import Event, Thread
from typing import TYPE_CHECKING

import msgspec
import pytest
from werkzeug.serving import make_server
from werkzeug.wrappers import Request, Response

from local.host.errors import HostStopError
from local.host.host_json import QueueOptions
from local.host.pace import Pace
from local.host.queue_listener import QueueListener, Signals
from local.host.source_queue import SourceQueue, StoredMessage
from local.host.worker import Function, Worker

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

MESSAGE = StoredMessage(
    id="message-1",
    pop_receipt="receipt",
    text="text",
    dequeue_count=1,
    inserted_on=None,
    expires_on=None,
    next_visible_on=None,
)
TIMES = "".join(
    f"<{name}>Sun, 01 Mar 2026 08:00:00 GMT</{name}>" for name in ("InsertionTime", "ExpirationTime", "TimeNextVisible")
)
SENT = f"""<?xml version="1.0" encoding="utf-8"?><QueueMessagesList><QueueMessage><MessageId>copy-1</MessageId>{TIMES}
<PopReceipt>r</PopReceipt></QueueMessage></QueueMessagesList>"""
DONE = {"POST": HTTPStatus.CREATED, "PUT": HTTPStatus.CREATED, "DELETE": HTTPStatus.NO_CONTENT}


class Storage:
    """A queue service that answers each request with the next of *answers*; with success when there are no more."""

    def __init__(self) -> None:
        self.answers: list[int] = []
        self.requests: list[str] = []

    def __call__(self, environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
        """Note the request, give the next answer."""
        request = Request(environ)
        self.requests.append(f"{request.method} {request.path}")
        status = self.answers.pop(0) if self.answers else DONE[request.method]
        body = SENT if request.method == "POST" and status == HTTPStatus.CREATED else ""
        return Response(body, status=status, mimetype="application/xml")(environ, start_response)


class ScriptedQueue(SourceQueue):
    """A queue that gives out what it is told to, one entry a poll, then calls *at_end*."""

    def __init__(self, finds: list[list[StoredMessage]]) -> None:
        self.name = "tasks"
        self.finds = finds
        self.asked: list[int] = []
        self.parked: list[StoredMessage] = []
        self.at_end: Callable[[], None] = lambda: None

    def receive(self, count: int) -> list[StoredMessage]:
        """Give the next entry, whatever *count*, which is noted."""
        self.asked.append(count)
        if len(self.finds) == 1:
            self.at_end()
        return self.finds.pop(0)

    def poison(self, message: StoredMessage) -> None:
        """Note it."""
        self.parked.append(message)

    def close(self) -> None:
        """There are no connections."""


@dataclass(frozen=True)
class NotedPace(Pace):
    """A clock on which polls follow at once, and which notes how far apart they were meant to be."""

    noted: list[float] = field(default_factory=list)

    def poll(self, azure: float) -> float:
        """Note *azure* seconds."""
        self.noted.append(azure)
        return 0.0


@pytest.fixture
def storage() -> Storage:
    """Give a queue service of the test's own."""
    return Storage()


@pytest.fixture
def queue(storage: Storage) -> Iterator[SourceQueue]:
    """Give the queue `work` on it, on a clock a thousand times faster."""
    server = make_server("127.0.0.1", 0, storage, threaded=True)
    thread = Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    connection = f"AccountName=a;AccountKey=AAAA;QueueEndpoint=http://127.0.0.1:{server.port}/a"
    queue = SourceQueue(connection, "tasks", pace=Pace(1000), stopping=Event())
    try:
        yield queue
    finally:
        queue.close()
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.mark.parametrize(("status", "requests"), [(404, 1), (503, 6)])
def test_receiving_lives_through_a_missing_queue_and_an_outage(
    storage: Storage, queue: SourceQueue, status: int, requests: int
) -> None:
    """Nothing is received; the pump's own waiting is the retry."""
    storage.answers = [status] * 6
    assert queue.receive(4) == []
    assert len(storage.requests) == requests


@pytest.mark.parametrize(("status", "requests"), [(401, 1), (403, 1), (429, 6)])
def test_receiving_stops_the_host_when_it_is_refused(
    storage: Storage, queue: SourceQueue, status: int, requests: int
) -> None:
    """At once where the role is wrong, after six tries where it is throttled."""
    storage.answers = [status] * 6
    with pytest.raises(HostStopError, match=f"receive: refused with status {status}"):
        queue.receive(4)
    assert len(storage.requests) == requests


@pytest.mark.parametrize("status", [400, 404])
def test_a_receipt_that_is_no_longer_valid_is_ignored(storage: Storage, queue: SourceQueue, status: int) -> None:
    """The function may have moved its own message: deleting, releasing and renewing go on."""
    storage.answers = [status] * 3
    queue.delete(MESSAGE)
    queue.release(MESSAGE, 30)
    assert queue.renew(MESSAGE) == MESSAGE
    assert storage.answers == []


def test_an_outage_while_settling_stops_the_host(storage: Storage, queue: SourceQueue) -> None:
    """Six tries to delete, then it stops: the message comes back although its run succeeded."""
    storage.answers = [503] * 6
    with pytest.raises(HostStopError, match="delete: refused with status 503"):
        queue.delete(MESSAGE)
    assert storage.requests == ["DELETE /a/tasks/messages/message-1"] * 6


def test_a_short_outage_is_lived_through(storage: Storage, queue: SourceQueue) -> None:
    """The sixth try counts."""
    storage.answers = [503] * 5
    queue.delete(MESSAGE)
    assert len(storage.requests) == 6


@pytest.mark.parametrize("created", [201, 204], ids=["created", "created meanwhile by another"])
def test_the_poison_queue_is_created_only_when_it_is_missing(
    storage: Storage, queue: SourceQueue, created: int
) -> None:
    """Written first; on 404 created, written again; the original is deleted last."""
    queue.poison(MESSAGE)
    storage.answers = [404, created]
    queue.poison(MESSAGE)
    write, delete = "POST /a/tasks-poison/messages", "DELETE /a/tasks/messages/message-1"
    assert storage.requests == [write, delete, write, "PUT /a/tasks-poison", write, delete]


def test_a_poison_queue_that_refuses_stops_the_host(storage: Storage, queue: SourceQueue) -> None:
    """The original is not deleted: the message is not lost."""
    storage.answers = [403]
    with pytest.raises(HostStopError, match="poison"):
        queue.poison(MESSAGE)
    assert storage.requests == ["POST /a/tasks-poison/messages"]


def test_a_find_makes_the_next_polls_quick() -> None:
    """The wait after a poll that finds nothing doubles, and begins anew after one that found something."""
    queue = ScriptedQueue([[], [], [], [msgspec.structs.replace(MESSAGE, dequeue_count=9)], [], [], []])
    pace = NotedPace()
    function = Function(name="react", function_id="1", bindings=({"type": "queueTrigger", "name": "message"},))
    stops: list[str] = []
    signals = Signals(poisoned=lambda _queue: None, stop_host=stops.append)
    with Worker() as worker:
        listener = QueueListener(function, queue, worker=worker, options=QueueOptions(), pace=pace, signals=signals)
        queue.at_end = listener.stop
        listener.start()
        listener.close()
    assert pace.noted == [0.1, 0.2, 0.4, 0.1, 0.2, 0.4]
    assert [message.id for message in queue.parked] == ["message-1"]
    assert (queue.asked, stops) == ([16] * 7, [])
