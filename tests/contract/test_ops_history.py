"""The ledger's own events against real storage semantics: pages, large events, how far back; and a preview of them."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from itertools import batched
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
import pytest

from handlers.model_registered import FAMILY
from local.azurite import free_ports
from ops.connection import State, connected
from ops.history import History
from shared.errors import StorageError
from shared.events import NotOurs, parse
from shared.gateways.large_events import stow
from shared.ledger import Ledger
from shared.messages import Message
from shared.settings import StateStorage
from shared.store import Row, TableStore
from shared.transport import Transport, build_transport
from tests.fakes.events import altered
from tests.fakes.project import ops, project
from tests.fakes.service import FakeService, rules

if TYPE_CHECKING:
    from local.azurite import Azurite

DAY = timedelta(days=1)


@pytest.fixture
def storage(azurite: "Azurite") -> StateStorage:
    """Give the state of one Azurite, which other tests use as well."""
    return StateStorage(connection_string=azurite.connection_string)


@pytest.fixture
def transport() -> Iterator[Transport]:
    """Give a transport that is closed again."""
    with build_transport() as transport:
        yield transport


@pytest.fixture
def state(storage: StateStorage) -> Iterator[State]:
    """Give what the commands work on."""
    with connected(storage) as state:
        yield state


def event(model: str, *, at: datetime, version: int = 1, **tags: str) -> dict[str, Any]:
    """Return the event of a model that no other test has."""
    told = altered("model-registered", modelName=model, modelVersion=version, modelTags=tags)
    return {**told, "eventTime": at.isoformat()}


def record(
    state: State, storage: StateStorage, transport: Transport, *events: dict[str, Any], dry: bool = False
) -> None:
    """Have the ledger decide events as the app does."""
    ledger = Ledger(TableStore.connect(storage, transport=transport), installation="test", dry_run=dry)
    reactions = rules("reactions: []")
    for one in events:
        message = stow(Message(event=msgspec.Raw(msgspec.json.encode(one))), state.large_events)
        found = FAMILY.recognise(parse(one))
        assert not isinstance(found, NotOurs)
        ledger.admit(found, FAMILY.plan(found, reactions), message, FakeService().inquiry())


def found(state: State, back: timedelta, marks: set[str]) -> dict[str, bytes]:
    """Return the events on record whose models have one of the names."""
    contents = [told.content for told in state.history.back(back, state.large_events)]
    return {mark: one for mark in marks for one in contents if mark.encode() in one}


def test_what_the_ledger_recorded_comes_back(state: State, storage: StateStorage, transport: Transport) -> None:
    """Inline, large, of a dry run; not what happened before, and one that says no time."""
    now = state.history._now()
    small, large = event("h-small", at=now), event("h-large", at=now, padding="x" * 40_000)
    timeless = {**event("h-timeless", at=now), "eventTime": "soon"}
    record(state, storage, transport, small, large, timeless, event("h-old", at=now - 3 * DAY))
    record(state, storage, transport, event("h-dry", at=now), dry=True)
    marks = {"h-small", "h-large", "h-timeless", "h-old", "h-dry"}
    some = found(state, DAY, marks)
    assert some.keys() == marks - {"h-old"}
    assert msgspec.json.decode(some["h-large"]) == large
    assert found(state, 30 * DAY, marks).keys() == marks


def test_rows_written_before_are_not_even_sent(state: State, storage: StateStorage, transport: Transport) -> None:
    """The service is asked for what was written since; an hour later there is nothing of the last half."""

    class Later(History):
        """A clock that goes ahead."""

        def _now(self) -> datetime:
            return super()._now() + timedelta(hours=1)

    record(state, storage, transport, event("h-before", at=state.history._now()))
    later = Later(state.history._client)
    assert list(later._rows(later._now() - timedelta(minutes=30))) == []
    assert any("h-before" in str(row.get("event")) for row in later._rows(later._now() - timedelta(hours=2)))


def test_more_than_a_page(state: State, storage: StateStorage, transport: Transport) -> None:
    """A table answers with 1,000 rows at most; memory rows and others between them are none of ours."""
    store = TableStore.connect(storage, transport=transport)
    kinds = [f"event|h{number:04}" for number in range(1005)] + [
        "memory|h",
        "eventual",
        "event~",
        "event",
        "dry|memory|h",
    ]
    for some in batched(kinds, 100, strict=False):
        store.transaction([Row(partition="h-pages", key=key, values={"event": f"h-page {key}"}) for key in some])
    contents = [told.content for told in state.history.back(DAY, state.large_events)]
    assert sorted(one for one in contents if one.startswith(b"h-page")) == [
        f"h-page event|h{number:04}".encode() for number in range(1005)
    ]


def test_a_blob_that_is_gone_is_refused_later(state: State, storage: StateStorage, transport: Transport) -> None:
    """The row is told without content: one lost event is no reason to play none."""
    store = TableStore.connect(storage, transport=transport)
    blobs = {"event|gone": f"{'0' * 64}.json", "event|odd": "../x", "event|none": ""}
    for key, blob in blobs.items():
        store.insert(Row(partition="h-gone", key=key, values={"blob": blob}))
    told = {one.source: one.content for one in state.history.back(DAY, state.large_events)}
    assert [told[f"h-gone/{key}"] for key in blobs] == [b"", b"", b""]


def test_preview_of_the_ledgers_events(
    state: State, storage: StateStorage, transport: Transport, tmp_path: Path
) -> None:
    """The budget shows, over the whole history; with an account that is not there, exit 3."""
    now = state.history._now()
    record(
        state, storage, transport, *[event("h-budget", at=now - timedelta(minutes=5 - n), version=n) for n in range(4)]
    )
    folder = project(tmp_path / "project")
    old = tmp_path / "old.yaml"
    text = (folder / "reactions.yaml").read_text()
    old.write_text(text)
    run = "    run:\n      job: pipelines/offline-test.yml"
    assert run in text
    tighter = text.replace(run, f"    guards: {{ budget: {{ runs: 3, per: 7d }} }}\n{run}")
    (folder / "reactions.yaml").write_text(tighter)
    words = ("preview", "--against", str(old), "--folder", str(folder), "--since", "7d", "--json")
    said = ops(*words, StateStorage=storage.connection_string)
    assert said.code == 0
    (change,) = (one for one in said.document["changes"] if one["event"].startswith("h-budget"))
    assert (change["how"], change["event"]) == ("goes", "h-budget:3")
    assert change["details"][0].startswith("now: budget: 3 of 3 runs used; again from ")
    ends = ";".join(f"{name}Endpoint=http://127.0.0.1:{free_ports(1)[0]}/a" for name in ("Blob", "Queue", "Table"))
    gone = ops(*words, "--connection-string", f"DefaultEndpointsProtocol=http;AccountName=a;AccountKey=YQ==;{ends}")
    assert (gone.code, "cannot be reached (table)" in gone.document["problem"]) == (3, True)


def test_a_table_that_is_not_there(storage: StateStorage, transport: Transport) -> None:
    """Is an error of storage, not an empty history."""
    from azure.data.tables import TableClient  # noqa: PLC0415 - as the module does

    client = TableClient.from_connection_string(storage.connection_string, "nothere", transport=transport)
    with pytest.raises(StorageError):
        list(History(client)._rows(datetime.fromisoformat("2026-01-01T00:00:00Z")))
