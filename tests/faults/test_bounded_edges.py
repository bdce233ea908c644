"""Bar 13, in memory: looking a mail up, and writing a dead letter, end with the deadline though they hang or drip.

And what was not answered is not taken for an answer: no mail is repeated, no failure is on record without its letter.
"""

import json
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

import handlers
from handlers.service import Service
from local.azure import Fault, World
from local.azurite import ACCOUNT, KEY
from shared.actions import Failed
from shared.errors import DeadlineError, StorageError
from shared.gateways.blobs import DEAD_LETTERS, BlobContainer
from shared.gateways.dead_letters import BlobDeadLetters
from shared.settings import StateStorage
from shared.transport import Transport, build_transport, deadline
from tests.fakes.events import altered, sample
from tests.fakes.raw_server import Peer, RawServer
from tests.fakes.service import FakeService
from tests.faults.figures import Figures
from tests.faults.real_edges import RealEdges, real_edges

#: The time of a run here, and what its end may take beyond it on a busy machine.
SECONDS, GRACE = 0.5, 1.0
#: What a whole answer would take, dripping; longer than any run here.
ANSWER = b"HTTP/1.1 201 Created\r\nContent-Length: 1000\r\n\r\n" + b"x" * 1000


def hang(peer: Peer) -> None:
    """Take everything and say nothing."""
    peer.hang()


def drip(peer: Peer) -> None:
    """Answer a byte at a time."""
    peer.drip(ANSWER)


def drip_the_body(peer: Peer) -> None:
    """Answer at once, but for the body, which comes a byte at a time."""
    head, _, body = ANSWER.partition(b"\r\n\r\n")
    peer.read_request()
    peer.send(head + b"\r\n\r\n")
    peer.drip(body)


SILENT: dict[str, Callable[[Peer], None]] = {"hangs": hang, "drips": drip, "drips the body": drip_the_body}
every_silence = pytest.mark.parametrize("how", SILENT)


def timed(run: Callable[[], object]) -> tuple[float, bool]:
    """Give *run* its deadline; how far beyond it the end was, and whether it raised, so that the host tries again."""
    started = time.monotonic()
    try:
        with deadline(SECONDS):
            run()
    except (StorageError, DeadlineError):
        return time.monotonic() - started - SECONDS, True
    return time.monotonic() - started - SECONDS, False


@pytest.fixture(scope="module")
def edges() -> Iterator[RealEdges]:
    """Give the shipped gateways of jobs and mail."""
    with real_edges(World()) as edges:
        yield edges


@pytest.mark.parametrize(
    "fault",
    [{"delay": 20}, {"drip": 0.2}, {"status": 200, "body": {"status": "Succeeded"}, "drip": 0.2}],
    ids=["hangs", "drips", "drips success"],
)
def test_a_look_up_that_does_not_end(edges: RealEdges, fault: dict[str, Any], figures: Figures) -> None:
    """The mail, which is there, is neither sent again nor given up; it is looked up when the service answers."""
    simulation = edges.simulation()
    before, mails = len(edges.requests()), len(edges.azure.mailbox.mails)
    edges.azure.faults.add(Fault(method="POST", url="/emails:send", drop="after"))
    edges.azure.faults.add(Fault(method="GET", url="/emails/operations/", **fault))
    simulation.enqueue(altered("pipeline-failed", runId=f"run-{fault}"))
    assert simulation.step()
    beyond, _raised = timed(simulation.step)
    assert beyond < GRACE
    assert [entry.method for entry in edges.requests()[before:]] == ["POST", "GET"]
    assert simulation.unsettled() != []
    edges.azure.faults.clear()
    simulation.run()
    assert [entry.method for entry in edges.requests()[before:]] == ["POST", "GET", "GET"]
    assert (simulation.unsettled(), simulation.letters.letters(), simulation.line.poison) == ([], [], [])
    assert len(edges.azure.mailbox.mails) == mails + 1
    figures.record("13", hung=1, effects=1, worst_beyond_deadline_s=round(max(0.0, beyond), 2))


@pytest.fixture
def transport() -> Iterator[Transport]:
    """Give the production transport."""
    with build_transport() as transport:
        yield transport


def letters_at(port: int, transport: Transport) -> BlobDeadLetters:
    """Return the dead letters of a storage account on that port."""
    address = f"http://127.0.0.1:{port}/{ACCOUNT}"
    storage = StateStorage(
        connection_string=f"DefaultEndpointsProtocol=http;AccountName={ACCOUNT};AccountKey={KEY};BlobEndpoint={address}"
    )
    return BlobDeadLetters(BlobContainer.connect(storage, DEAD_LETTERS, transport=transport))


@every_silence
def test_a_letter_of_a_failure_that_is_not_taken(how: str, transport: Transport, figures: Figures) -> None:
    """No failure is on record while its letter is not kept; the message comes back, and then both are."""
    service = FakeService()
    service.jobs.script = [Failed(reason="refused")] * 2
    kept, told = service.dead_letters, sample("model-registered")
    with RawServer(SILENT[how]) as silent:
        service.dead_letters = letters_at(silent.port, transport)
        beyond, raised = timed(lambda: service.deliver(told))
        assert silent.connections == 1
    assert raised
    assert beyond < GRACE
    assert '"outcome"' not in json.dumps(service.rows())
    service.dead_letters = kept
    service.deliver(told)
    (letter,) = service.letters.letters()
    assert letter["deadLetterReason"] == "refused"
    assert "outcome" in json.dumps(service.rows())
    figures.record("13", hung=1, worst_beyond_deadline_s=round(max(0.0, beyond), 2))


@every_silence
@pytest.mark.parametrize("entry", [handlers.dispatch, handlers.bury])
def test_a_letter_of_what_cannot_be_read_that_is_not_taken(
    entry: Callable[[bytes, Service], None], how: str, transport: Transport, figures: Figures
) -> None:
    """The run raises: the message is the only copy. Of the queue, and of the poison queue."""
    service = FakeService()
    kept = service.dead_letters
    with RawServer(SILENT[how]) as silent:
        service.dead_letters = letters_at(silent.port, transport)
        beyond, raised = timed(lambda: entry(b"{", service))
    assert raised
    assert beyond < GRACE
    service.dead_letters = kept
    entry(b"{", service)
    assert len(service.letters.blobs) == 1
    figures.record("13", hung=1, worst_beyond_deadline_s=round(max(0.0, beyond), 2))
