"""Putting letters back one by one: what is sent and moved, what stops the rest, and what an error means."""

import json
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest
from azure.core.exceptions import ResourceNotFoundError

import handlers
from ops.connection import State
from ops.dead_letters import _chosen
from ops.generations import Generations
from ops.history import History
from ops.letter_box import Content, Entry, LetterBox, Listing
from ops.letters import LARGEST
from ops.problems import ROLES, translated
from ops.replay import Replay
from shared.actions import Failed
from shared.errors import DeadlineError, ReactorError, RowTooLargeError, StorageError
from shared.events import Event
from shared.messages import INLINE_BYTES, decode
from tests.fakes.events import altered, sample
from tests.fakes.gateways import FakeBlobs, FakeQueue
from tests.fakes.service import FakeService
from tests.fakes.store import MemoryRows

NOW = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
REFUSED = StorageError(service="queue", operation="send", problem="HttpResponseError", status=403)
BUSY = StorageError(service="queue", operation="send", problem="HttpResponseError", status=503)


class FakeBox(LetterBox):
    """The letters of a service on fakes."""

    def __init__(self, blobs: FakeBlobs, refuses: ReactorError | None = None) -> None:
        self.blobs, self.refuses = blobs, refuses

    def entries(self) -> Listing:
        """See LetterBox; the letter that is first by name is the oldest."""
        names = sorted(self.blobs.blobs)
        found = [Entry(name=name, when=NOW + timedelta(hours=age), size=1) for age, name in enumerate(names)]
        return Listing(entries=tuple(reversed(found)), at=NOW + timedelta(hours=len(names)))

    def read(self, name: str) -> Content | None:
        """See LetterBox."""
        data = self.blobs.get(name)
        return None if data is None else Content(data=data, etag="1", metadata={})

    def archive(self, name: str, content: Content) -> str:
        """See LetterBox."""
        if self.refuses:
            raise self.refuses
        self.blobs.blobs.pop(name)
        self.blobs.put(f"replayed/{name}", content.data)
        return f"replayed/{name}"


class FakeGenerations(Generations):
    """The rows of a service on fakes."""

    def __init__(self, service: FakeService) -> None:
        self.service = service

    def highest(self, event: Event) -> int:
        """See Generations; *event* is the only one with rows."""
        rows = [row for row in self.service.rows().values() if row.get("identity") == event.identity]
        return max((int(row["generation"]) for row in rows), default=-1)


@dataclass
class RefusingQueue(FakeQueue):
    """A queue that refuses some sends: *script* has an error or None for each."""

    script: list[ReactorError | None] = field(default_factory=list)

    def send(self, message: bytes, *, after: timedelta = timedelta()) -> None:
        """See shared.gateways.Queue."""
        error = self.script.pop(0) if self.script else None
        if error:
            raise error
        super().send(message, after=after)


class NoHistory(History):
    """Nobody asks for it here."""

    def __init__(self) -> None:
        pass


def failed(*models: str) -> FakeService:
    """Return a service that has a letter for each model."""
    service = FakeService()
    service.jobs.script = [Failed(reason="refused") for _ in models]
    for model in models:
        service.deliver(altered("model-registered", event_id=model, modelName=model))
    return service


def state(service: FakeService, queue: FakeQueue | None = None, refuses: ReactorError | None = None) -> State:
    """Return what the commands work on."""
    return State(
        box=FakeBox(service.letters, refuses),
        queue=queue or service.queue,
        large_events=service.large_events,
        generations=FakeGenerations(service),
        rows=MemoryRows(service.store),
        history=NoHistory(),
        store=service.store,
        who=lambda: "ana@contoso.com",
    )


def entries(service: FakeService) -> list[Entry]:
    """Return the letters there are."""
    return [Entry(name=name, when=NOW, size=len(blob)) for name, blob in sorted(service.letters.blobs.items())]


def test_a_letter_is_sent_then_moved() -> None:
    """One message that reopens the failure; the job starts; the letter is out of the way, unchanged."""
    service = failed("churn")
    (before,) = service.letters.blobs.items()
    (report,) = Replay(state=state(service)).each(entries(service))
    assert (report.status, report.code, report.moved_to) == ("sent", 0, f"replayed/{before[0]}")
    assert service.letters.blobs == {f"replayed/{before[0]}": before[1]}
    service.run_queue()
    assert len(service.jobs.jobs) == 1
    (report,) = Replay(state=state(service)).each(entries(service))
    assert (report.status, report.code, service.queue.sent) == ("replayed-before", 0, [])


def test_a_letter_that_was_not_sent_stays() -> None:
    """The others go on: what a busy service refuses once it may take the next time."""
    service = failed("a", "b", "c")
    queue = RefusingQueue(script=[None, BUSY])
    reports = list(Replay(state=state(service, queue)).each(entries(service)))
    assert [report.status for report in reports] == ["sent", "failed", "sent"]
    assert [report.code for report in reports] == [0, 1, 0]
    assert reports[1].name in service.letters.blobs
    assert len(queue.sent) == 2


def test_a_refusal_stops_what_would_be_refused_as_well() -> None:
    """A missing role: no letter after it is tried, none is moved, and the role is named."""
    service = failed("a", "b", "c")
    queue = RefusingQueue(script=[REFUSED, REFUSED, REFUSED])
    reports = list(Replay(state=state(service, queue)).each(entries(service)))
    assert [report.status for report in reports] == ["failed", "not-tried", "not-tried"]
    assert {report.code for report in reports} == {3}
    assert "Storage Queue Data Message Sender" in reports[0].remedy
    assert len(queue.script) == 2
    assert not any(name.startswith("replayed/") for name in service.letters.blobs)


def test_a_letter_that_cannot_be_moved_was_sent() -> None:
    """It is told, and the next one is not sent: --all would send them all again and again."""
    service = failed("a", "b")
    forbidden = StorageError(service="blob", operation="move", problem="HttpResponseError", status=403)
    reports = list(Replay(state=state(service, refuses=forbidden)).each(entries(service)))
    assert [report.status for report in reports] == ["sent", "not-tried"]
    assert "could not be moved" in reports[0].problem
    assert "Storage Blob Data Contributor" in reports[0].remedy
    assert len(service.queue.sent) == 1


def test_kept_letters_are_harmless() -> None:
    """Sent twice, done once; and one that is gone meanwhile is told."""
    service = failed("churn")
    replay = Replay(state=state(service), keep=True)
    for _ in range(2):
        assert [report.moved_to for report in replay.each(entries(service))] == [""]
    service.run_queue()
    assert len(service.jobs.jobs) == 1
    gone = entries(service)
    service.letters.blobs.clear()
    assert [(report.status, report.code) for report in replay.each(gone)] == [("failed", 1)]


def test_again_is_one_more_generation_for_all_letters_of_an_event() -> None:
    """Two reactions of one event failed: it is repeated once. A letter that was put back can be repeated as well."""
    service = failed("churn")
    (name,) = service.letters.blobs
    service.letters.put("reactor/failed/second.json", service.letters.blobs[name].replace(b"offline-test#1", b"x#1"))
    replay = Replay(state=state(service), again=True)
    reports = list(replay.each(entries(service)))
    assert [report.messages[0].generation for report in reports] == [1, 1]
    assert {report.messages[0].reopen for report in reports} == {""}
    service.run_queue()
    assert len(service.jobs.jobs) == 1
    (again, _) = replay.each(entries(service))
    assert again.name.startswith("replayed/")
    assert again.messages[0].generation == 2
    service.run_queue()
    assert len(service.jobs.jobs) == 2


def test_again_for_an_event_that_was_never_handled_is_the_first_time() -> None:
    """It has no row: generation 0, so that a late delivery of it does nothing more."""
    service = FakeService()
    service.letters.put("MODELS/1.json", json.dumps([sample("model-registered")]).encode())
    (report,) = Replay(state=state(service), again=True).each(entries(service))
    assert report.messages[0].generation == 0
    service.run_queue()
    service.deliver(sample("model-registered"))
    assert len(service.jobs.jobs) == 1


def test_again_passes_the_guards() -> None:
    """Within its cooldown a reaction is skipped, also when its event is repeated on purpose."""
    service, event = FakeService(), sample("monitor-breach")
    service.deliver(event)
    service.letters.put("MODELS/1.json", json.dumps([event]).encode())
    replay = Replay(state=state(service), again=True)
    list(replay.each(entries(service)))
    service.run_queue()
    assert len(service.jobs.jobs) == 1
    service.clock.forward(hours=2)
    list(replay.each(entries(service)))
    service.run_queue()
    assert len(service.jobs.jobs) == 2


def test_again_needs_an_event_of_a_family() -> None:
    """There is nothing to repeat of an event that nobody reacts to."""
    service = FakeService()
    service.letters.put("MODELS/1.json", json.dumps([sample("pipeline-failed.step")]).encode())
    (report,) = Replay(state=state(service), again=True).each(entries(service))
    assert (report.status, report.code, service.queue.sent) == ("refused", 1, [])


def test_all_are_put_back_oldest_first() -> None:
    """As the events came; those of one reaction, and of some time, when asked; each once, also when named twice."""
    service = failed("a", "b")
    service.letters.put("z/event-grid.json", json.dumps([sample("model-registered")]).encode())
    service.letters.put("replayed/x.json", b"[]")
    one, two = (name for name in sorted(service.letters.blobs) if name.startswith("reactor/"))

    def chosen(*names: str, reaction: str | None = None, back: timedelta | None = None) -> list[str]:
        return [entry.name for entry in _chosen(state(service), list(names), reaction, back)]

    assert chosen() == [one, two, "z/event-grid.json"]
    assert chosen(reaction="offline-test") == [one, two]
    assert chosen(back=timedelta(hours=1)) == ["z/event-grid.json"]
    assert chosen(two, one, two[:25]) == [one, two]


def test_dry_run_sends_and_moves_nothing() -> None:
    """It says what it would send; a large event is not stowed either."""
    service = failed("churn")
    large = altered("model-registered", event_id="large", modelTags={"text": "x" * INLINE_BYTES})
    service.letters.put("MODELS/1.json", json.dumps([large]).encode())
    before = dict(service.letters.blobs)
    reports = list(Replay(state=state(service), dry_run=True).each(entries(service)))
    assert [report.status for report in reports] == ["would-send", "would-send"]
    assert [report.messages[0].reopen for report in reports] == ["", "offline-test#1"]
    assert (service.queue.sent, service.large_events.blobs, service.letters.blobs) == ([], {}, before)


def test_a_large_event_goes_through_its_blob() -> None:
    """What Event Grid could not deliver may be larger than a message."""
    service = FakeService()
    large = altered("model-registered", modelTags={"text": "x" * INLINE_BYTES})
    service.letters.put("MODELS/1.json", json.dumps([large]).encode())
    list(Replay(state=state(service)).each(entries(service)))
    ((message, _after),) = service.queue.sent
    assert decode(message)[0].blob in service.large_events.blobs
    service.run_queue()
    assert len(service.jobs.jobs) == 1


def test_an_unreadable_letter_is_tried_again_with_todays_code() -> None:
    """A message that can be read after all is handled; the app's own letter, by the app's own path."""
    service = FakeService()
    handlers.bury(msgspec.json.encode(sample("model-registered")), service)
    service.deliver_text(b"no event at all")
    reports = list(Replay(state=state(service)).each(entries(service)))
    assert sorted(report.status for report in reports) == ["refused", "sent"]
    service.run_queue()
    assert len(service.jobs.jobs) == 1


def test_what_is_too_large_is_not_even_read() -> None:
    """Somebody put a film there."""
    service = FakeService()
    service.letters.put("film.json", json.dumps([sample("model-registered")]).encode())
    (report,) = Replay(state=state(service)).each([Entry(name="film.json", when=NOW, size=LARGEST + 1)])
    assert (report.status, report.code, service.queue.sent) == ("refused", 1, [])


class GoneClient:
    """A container whose blobs are gone, or that is gone itself: *code* says so."""

    def __init__(self, code: str) -> None:
        self.error = ResourceNotFoundError()
        self.error.error_code = code  # type: ignore[attr-defined] # azure-storage adds it

    def upload_blob(self, *_: object, **__: object) -> None:
        """Take anything."""

    def delete_blob(self, *_: object, **__: object) -> None:
        """Refuse."""
        raise self.error

    download_blob = delete_blob


def test_a_letter_that_is_gone_is_no_missing_container() -> None:
    """Somebody moved it first, which does no harm; without the container there is trouble."""
    content = Content(data=b"[]", etag="1", metadata={})
    gone: Any = GoneClient("BlobNotFound")
    assert LetterBox(gone).read("a") is None
    assert LetterBox(gone).archive("a", content) == "replayed/a"
    missing: Any = GoneClient("ContainerNotFound")
    with pytest.raises(StorageError):
        LetterBox(missing).read("a")
    with pytest.raises(StorageError):
        LetterBox(missing).archive("a", content)


def storage(
    name: str = "HttpResponseError", service: str = "blob", operation: str = "x", **status: int
) -> StorageError:
    """Return an error of state storage."""
    return StorageError(service=service, operation=operation, problem=name, **status)


@pytest.mark.parametrize(
    ("error", "code", "words"),
    [
        *((storage(service=name, status=403), 3, role) for name, (role, _scope) in ROLES.items()),
        (storage(status=401), 3, "Storage Blob Data Contributor"),
        (storage(service="table", operation="purge", status=403), 3, "Storage Table Data Contributor"),
        (storage(status=404), 3, "does not have the containers dead-letters"),
        (storage("ServiceRequestError"), 3, "cannot be reached"),
        (storage("ServiceRequestTimeoutError"), 3, "cannot be reached"),
        (storage("ClientAuthenticationError"), 3, "az login"),
        (storage("CredentialUnavailableError"), 3, "az login"),
        (storage("ServiceResponseTimeoutError"), 1, "did not answer as it should"),
        (storage(status=503), 1, "status 503"),
        (DeadlineError(), 1, "in time"),
        (RowTooLargeError(), 1, "larger than storage takes"),
        (ReactorError(), 1, "could not be carried out"),
    ],
)
def test_what_an_error_means(error: ReactorError, code: int, words: str) -> None:
    """What the next letter would meet as well is 3, with the role or the remedy; the rest is 1."""
    told = translated(error)
    assert told.code == code
    assert words in f"{told.problem} {told.remedy}"
