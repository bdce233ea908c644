"""`python -m ops dead-letters` against real storage semantics and the app itself: Azurite and the offline twin."""

import base64
import json
import re
import socket
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import msgspec
import pytest
from azure.data.tables import TableClient
from azure.storage.blob import ContainerClient
from azure.storage.queue import QueueClient
from typer.testing import CliRunner

from local.azure.faults import Fault
from local.azurite import KEY
from local.twin import Twin, trouble
from ops.__main__ import app
from ops.letter_box import LetterBox
from shared.gateways.blobs import DEAD_LETTERS
from shared.gateways.queue import QUEUE
from shared.messages import INLINE_BYTES, Message
from shared.settings import StateStorage
from shared.store import TABLE
from shared.transport import build_transport
from tests.fakes.events import altered

pytestmark = pytest.mark.xdist_group("ops")  # one twin for all

HOSTILE = "\x1b]0;title\x07\x1b[2J\r\nforged \u202e\u2028\x9b [red]"


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """What a command said."""

    code: int
    out: str
    err: str
    document: Any = field(default=None)


@dataclass(frozen=True, slots=True)
class Operator:
    """A person at the command line, and the twin whose letters it is about."""

    twin: Twin
    storage: str
    letters: ContainerClient

    def __call__(self, *words: str, stdin: str = "", **environ: str) -> Told:
        """Run a command of dead-letters."""
        settings = {"StateStorage": self.storage, "COLUMNS": "80", **environ}
        result = CliRunner().invoke(app, ["dead-letters", *words], env=settings, input=stdin)
        assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
        # What is typed at a prompt stands before the document; a terminal echoes it.
        text = result.stdout[len(stdin) :] if "--json" in words and result.exit_code != 2 else "null"
        return Told(code=result.exit_code, out=result.stdout, err=result.stderr, document=json.loads(text))

    def put(self, name: str, *events: object) -> None:
        """Write a letter as Event Grid does."""
        self.letters.upload_blob(name, json.dumps(list(events)), overwrite=True)

    def names(self) -> set[str]:
        """Return the names of all blobs in the container."""
        return {str(blob.name) for blob in self.letters.list_blobs()}

    def fail(self, event: dict[str, Any]) -> str:
        """Have the job of *event* refused, and return the letter's name."""
        before = self.names()
        self.twin.azure.faults.add(Fault(method="PUT", url="/jobs/", status=404))
        self.twin.post(event)
        self.twin.queue_empty()
        (name,) = self.names() - before
        return name

    def jobs(self, model: str) -> list[str]:
        """Return the names of the jobs that were started for *model*."""
        started = [entry for entry in self.twin.azure.journal.jobs_put() if entry.status == 201]
        return [entry.url.partition("/jobs/")[2].partition("?")[0] for entry in started if f"-{model}-7-" in entry.url]


@pytest.fixture(scope="module")
def twin() -> Iterator[Twin]:
    """Give the shipped app on the twin."""
    with Twin() as twin:
        yield twin
        assert trouble(twin) == []


@pytest.fixture
def operator(twin: Twin) -> Iterator[Operator]:
    """Give an operator of the twin, whose container of dead letters is empty."""
    storage = twin.host._environ["StateStorage"]
    twin.azure.faults.clear()
    twin.queue_empty()
    with ContainerClient.from_connection_string(storage, DEAD_LETTERS) as letters:
        for blob in letters.list_blobs():
            letters.delete_blob(blob.name)
        yield Operator(twin, storage, letters)


def registered(twin: Twin, model: str, **data: object) -> dict[str, Any]:
    """Return the event of version 7 of *model*, which exists in the twin's workspace."""
    twin.workspace.register("models", f"{model}:7")
    return altered("model-registered", event_id=f"event-{model}", modelName=model, **data)


def undelivered(event: dict[str, Any]) -> dict[str, Any]:
    """Return what Event Grid makes of an event that it gives up."""
    facts: dict[str, object] = {
        "deadLetterReason": "MaxDeliveryAttemptsExceeded",
        "deliveryAttempts": 30,
        "lastDeliveryOutcome": "NotFound",
        "publishTime": "2026-11-24T09:00:00.0000000Z",
        "lastDeliveryAttemptTime": "2026-11-25T09:00:00.0000000Z",
    }
    return event | ({key.lower(): value for key, value in facts.items()} if "specversion" in event else facts)


def test_there_is_nothing(operator: Operator) -> None:
    """An empty container is no error."""
    assert operator("list").out == ""
    assert operator("list").err == "There are no dead letters.\n"
    assert operator("list", "--json").document == {"letters": [], "more": False}
    assert operator("replay", "--all", "--json").document == {"letters": [], "counts": {}}
    assert operator("show", "something").code == 2


def test_a_mended_failure_is_put_back_once(operator: Operator) -> None:
    """Refused, mended, put back: one job, whatever is told again before and after."""
    event = registered(operator.twin, "mended")
    name = operator.fail(event)
    assert re.fullmatch(r"reactor/failed/[0-9a-f]{32}\.json", name)
    operator.twin.post(event)
    operator.twin.queue_empty()
    assert operator.jobs("mended") == []

    (listed,) = operator("list", "--reaction", "offline-test", "--since", "1h", "--json").document["letters"]
    assert (listed["name"], listed["failure"], listed["event_id"]) == (name, "offline-test#1", event["id"])
    assert operator("list", "--reaction", "retrain").out == ""
    part = name.rpartition("/")[2][:10]
    assert "offline-test#1" in operator("show", part).out

    content = operator.letters.download_blob(name).readall()
    operator.letters.get_blob_client(name).set_blob_metadata({"seen": "yes"})
    told = operator("replay", part)
    assert (told.code, operator.names()) == (0, {f"replayed/{name}"})
    moved = operator.letters.download_blob(f"replayed/{name}")
    assert (moved.readall(), moved.properties.metadata) == (content, {"seen": "yes"})
    operator.twin.queue_empty()
    (job,) = operator.jobs("mended")

    told = operator("replay", part, "--json")
    assert [letter["status"] for letter in told.document["letters"]] == ["replayed-before"]
    operator.letters.upload_blob(name, content)
    assert operator("replay", name, "--keep").code == 0
    operator.twin.post(event)
    operator.twin.queue_empty()
    assert operator.jobs("mended") == [job]
    assert name in operator.names()


def test_all_of_every_kind(operator: Operator) -> None:
    """What can be handled is handled once, the rest stays with its reason; a dry run before does nothing."""
    twin = operator.twin
    failed = operator.fail(registered(twin, "kind-a"))
    operator.put("MODELS/2026/11/24/9/b.json", undelivered(registered(twin, "kind-b")))
    cloud = {**registered(twin, "kind-c"), "specversion": "1.0", "source": twin.workspace.id}
    cloud["type"] = cloud.pop("eventType")
    del cloud["topic"]
    operator.put("MODELS/2026/11/24/9/c.json", undelivered(cloud))
    with QueueClient.from_connection_string(operator.storage, f"{QUEUE}-poison") as poison:
        crashed = Message(event=msgspec.Raw(msgspec.json.encode(registered(twin, "kind-d"))))
        poison.send_message(base64.b64encode(crashed.encode()).decode())
    twin.put("no event at all")
    twin.until(lambda: len(operator.names()) == 5)

    (first,) = operator("replay", "b.json", "--again", "--dry-run", "--json").document["letters"]
    assert first["messages"][0]["generation"] == 0
    dry = operator("replay", "--all", "--dry-run", "--json")
    assert (dry.code, dry.document["counts"]) == (1, {"would-send": 4, "refused": 1})
    twin.queue_empty()
    models = ("kind-a", "kind-b", "kind-c", "kind-d")
    assert [operator.jobs(model) for model in models] == [[], [], [], []]

    told = operator("replay", "--all", "--json")
    assert (told.code, told.document["counts"]) == (1, {"sent": 4, "refused": 1})
    (refused,) = (letter for letter in told.document["letters"] if letter["status"] == "refused")
    assert refused["kind"] == "unreadable"
    assert refused["remedy"]
    twin.queue_empty()
    assert [len(operator.jobs(model)) for model in models] == [1, 1, 1, 1]
    assert {name for name in operator.names() if not name.startswith("replayed/")} == {refused["name"]}
    assert f"replayed/{failed}" in operator.names()
    assert operator("replay", "--all", "--json").document["counts"] == {"refused": 1}
    assert operator("list", "--replayed", "--json", "--limit", "3").document["more"] is True


def test_an_event_that_was_handled_after_all(operator: Operator) -> None:
    """Event Grid gave it up although it had arrived: putting it back starts nothing."""
    event = registered(operator.twin, "handled")
    operator.twin.post(event)
    operator.twin.queue_empty()
    operator.put("MODELS/2026/11/24/9/handled.json", undelivered(event))
    assert operator("replay", "--all").code == 0
    operator.twin.queue_empty()
    assert len(operator.jobs("handled")) == 1
    assert {"did": "event.known", "event": event["id"]}.items() <= next(
        fact for fact in reversed(operator.twin.facts) if fact.get("event") == event["id"]
    ).items()


def test_again_repeats_on_purpose(operator: Operator) -> None:
    """A second job, a third; only when confirmed; and a late telling of the event adds none."""
    twin, event = operator.twin, registered(operator.twin, "again")
    operator.fail(event)
    twin.post(event)
    assert operator("replay", "--all").code == 0
    twin.queue_empty()
    (name,) = operator.names()

    asked = operator("replay", name, "--again", stdin="n\n")
    assert (asked.code, "nothing was sent" in asked.err) == (1, True)
    assert operator("replay", name, "--again").code == 1
    dry = operator("replay", name, "--again", "--dry-run", "--json").document["letters"][0]
    assert dry["messages"] == [{"reopen": None, "generation": 1, "blob": None}]
    for generation in (1, 2):
        told = operator("replay", name, "--again", "--json", stdin="y\n")
        assert told.document["letters"][0]["messages"][0]["generation"] == generation
        twin.post(event)
        twin.queue_empty()
        assert len(set(operator.jobs("again"))) == generation + 1
    with TableClient.from_connection_string(operator.storage, TABLE) as table:
        rows = table.query_entities("identity eq 'again:7'")
        assert sorted(row["generation"].value for row in rows) == [0, 1, 2]
        (row,) = table.query_entities("identity eq 'again:7' and generation eq 2L")
        for key in ("dry|{}|6", "{}|40x", "{}|50|1", "{}0|80"):  # a dry run's counts, what is none of ours does not
            table.create_entity({"PartitionKey": row["PartitionKey"], "RowKey": key.format(row["RowKey"][:-2])})
    dry = operator("replay", name, "--again", "--dry-run", "--json").document["letters"][0]
    assert dry["messages"][0]["generation"] == 7
    assert len(operator.jobs("again")) == 3


def test_a_large_event(operator: Operator) -> None:
    """The letter names a blob, which is shown, put back and repeated like any event."""
    name = operator.fail(registered(operator.twin, "large", modelTags={"text": "x" * INLINE_BYTES}))
    shown = operator("show", name, "--json").document
    assert re.fullmatch(r"[0-9a-f]{64}\.json", shown["blob"])
    assert shown["contents"][0]["data"]["modelName"] == "large"
    assert operator("replay", name).code == 0
    operator.twin.queue_empty()
    assert len(operator.jobs("large")) == 1
    assert operator("replay", name, "--again", "--yes").code == 0
    operator.twin.queue_empty()
    assert len(operator.jobs("large")) == 2


@pytest.mark.parametrize("columns", ["80", "140"])
def test_hostile_letters(operator: Operator, columns: str) -> None:
    """What stands in letters, and what they are called, never reaches the terminal as control characters."""
    event = {**registered(operator.twin, "hostile"), "subject": HOSTILE, "id": HOSTILE}
    operator.put(f"MODELS/\u202e{HOSTILE[-5:]}.json", {**undelivered(event), "deadLetterReason": HOSTILE})
    raw = {"deadLetterReason": HOSTILE, "raw": base64.b64encode(HOSTILE.encode()).decode(), "bytes": 40}
    operator.put("reactor/unreadable/00.json", raw)
    operator.put("stray", HOSTILE)
    for words in (
        ("list",),
        ("show", "MODELS"),
        ("show", "00"),
        ("show", "stray"),
        ("show", HOSTILE),
        ("replay", "--all", "--dry-run"),
    ):
        for more in ((), ("--json",)):
            told = operator(*words, *more, COLUMNS=columns)
            assert all(char == "\n" or char.isprintable() for char in told.out + told.err), words
            assert told.out + told.err


def test_the_wrong_account(operator: Operator) -> None:
    """Another key, nobody there, or an account without the container: 3, and what to look at."""
    other_key = operator.storage.replace(KEY, base64.b64encode(b"another").decode())
    told = operator("list", "--json", StateStorage=other_key)
    assert (told.code, "Storage Blob Data Contributor" in told.document["remedy"]) == (3, True)
    told = operator("list", "--connection-string", operator.storage.replace("devstoreaccount1", "nobody"))
    assert told.code == 3
    operator.letters.delete_container()
    try:
        told = operator("list")
        assert (told.code, "does not have the containers" in told.err) == (3, True)
        assert operator("replay", "--all").code == 3
    finally:
        operator.letters.create_container()


def test_a_queue_that_cannot_be_reached(operator: Operator) -> None:
    """Nothing is moved, the second letter is not even tried, and everything is there for the next time."""
    for name in ("one", "two"):
        operator.put(f"MODELS/{name}.json", undelivered(registered(operator.twin, f"queue-{name}")))
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    nowhere = re.sub(r"(QueueEndpoint=http://127.0.0.1:)\d+", rf"\g<1>{port}", operator.storage)
    told = operator("replay", "--all", "--json", StateStorage=nowhere)
    assert (told.code, told.document["counts"]) == (3, {"failed": 1, "not-tried": 1})
    assert operator.names() == {"MODELS/one.json", "MODELS/two.json"}


def test_a_letter_that_is_written_anew_meanwhile_stays(operator: Operator) -> None:
    """It tells of something that happened after it was read; one that somebody moved before is no error."""
    operator.put("MODELS/anew.json", {"id": "first"})
    with build_transport() as transport:
        box = LetterBox.connect(StateStorage(connection_string=operator.storage), transport=transport)
        read = box.read("MODELS/anew.json")
        assert read is not None
        operator.put("MODELS/anew.json", {"id": "second"})
        assert box.archive("MODELS/anew.json", read) == "replayed/MODELS/anew.json"
        assert operator.names() == {"MODELS/anew.json", "replayed/MODELS/anew.json"}
        operator.letters.delete_blob("MODELS/anew.json")
        box.archive("MODELS/anew.json", read)
        assert box.read("MODELS/anew.json") is None
