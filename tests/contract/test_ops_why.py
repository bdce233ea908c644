"""`why` on Azurite: the table itself finds events by what a person has in hand, and is asked for no more than that."""

import uuid
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import pytest
from azure.data.tables import TableClient

from ops.finding import BREACH, find
from ops.standing import standing_of
from ops.state_rows import StateRows, Stored
from shared.records import partition_key
from shared.settings import StateStorage
from shared.state_storage import connect
from shared.store import Row, TableStore
from shared.transport import build_transport
from tests.fakes.events import altered, sample
from tests.fakes.service import WORKSPACE, FakeService

if TYPE_CHECKING:
    from local.azurite import Azurite

SOON = timedelta(hours=1)
#: Found in the table's columns, with how many rows the table sends for it.
WORDS = {
    "churn:7": 1,
    "churn": 2,
    "train-churn-0421": 1,
    "churn-training": 1,
    "mon-20261124-step-drift": 1,
    "churn-drift": 1,
    str(sample("dataset-drift")["data"]["dataDriftId"]): 1,
    str(sample("pipeline-failed")["id"]): 1,
    "o'neill": 1,
}


class Counting(StateRows):
    """The table, and how many rows it sent."""

    sent = 0

    def events(self, condition: str = "", **parameters: str | datetime) -> Iterator[tuple[Stored, ...]]:
        """See StateRows."""
        for page in super().events(condition, **parameters):
            self.sent += len(page)
            yield page


@pytest.fixture
def rows(azurite: "Azurite") -> Iterator[Counting]:
    """Give a table of the test's own, as the app leaves it behind, read in small pages."""
    storage = StateStorage(connection_string=azurite.connection_string)
    name = f"why{uuid.uuid4().hex}"  # noqa: TID251 - tests share the account
    service = FakeService()
    for event in ("model-registered", "monitor-breach", "dataset-drift", "pipeline-failed"):
        service.deliver(sample(event))
    service.deliver(altered("model-registered", event_id="o'neill", modelVersion="8"))
    with build_transport() as transport:
        client = connect(TableClient, storage, "table", name, transport=transport, credential=None)
        client.create_table()
        for row in service.store.rows:
            TableStore(client).insert(Row(partition=row.partition, key=row.key, values=row.values))
        TableStore(client).insert(Row(partition="switches", key="pause|*", values={"subject": "churn"}))
        yield Counting(client, page_rows=2)
        client.delete_table()


def found(rows: Counting, word: str, workspaces: Sequence[str] = ()) -> list[str]:
    """Return the ids of the events found."""
    since = rows.now() - SOON
    rows.sent = 0
    return [one.event_id for one in find(rows, word, workspaces=workspaces, workspace="", since=since).standings]


@pytest.mark.parametrize("word", WORDS)
def test_the_table_finds_it(rows: Counting, word: str) -> None:
    """In a column, over all partitions; nothing else is sent."""
    assert len(found(rows, word)) == rows.sent == WORDS[word]


@pytest.mark.parametrize("word", ["churn:7", "churn", "churn-training", "churn-monitor", "churn-drift"])
def test_a_subject_is_one_partition(rows: Counting, word: str) -> None:
    """Where the workspace is known; in any case of its id."""
    assert found(rows, word, [WORKSPACE.casefold()]) == found(rows, word, [WORKSPACE.upper()]) == found(rows, word)


def test_a_partition_is_asked_for_alone(rows: Counting) -> None:
    """A model of many versions, and nothing of other models."""
    (page,) = rows.events("PartitionKey eq @partition", partition=partition_key(WORKSPACE, "churn"))
    assert {stored.row.values["subject"] for stored in page} == {"churn"}


def test_the_rest_is_looked_through_as_far_back_as_is_said(rows: Counting) -> None:
    """Jobs and mails stand within the columns of reactions."""
    names = [one.name for page in rows.events() for stored in page for one in standing_of(stored).actions]
    (job,) = (name for name in names if "-churn-7-" in name)
    assert found(rows, job) == [sample("model-registered")["id"]]
    assert rows.sent == 5
    ahead = find(rows, job, workspaces=(), workspace="", since=rows.now() + SOON)
    assert ahead.standings == ()
    assert len(ahead.looked) == 2


def test_a_breach_is_told_as_the_family_tells_it(rows: Counting) -> None:
    """The range of keys that finds a run rests on how its identity begins."""
    assert [
        str(stored.row.values["identity"]).split("|")[:2]
        for page in rows.events("identity ge @breach", breach=f"{BREACH}|")
        for stored in page
        if str(stored.row.values["identity"]).startswith(BREACH)
    ] == [[BREACH, "mon-20261124-step-drift"]]


def test_times_are_those_of_storage(rows: Counting) -> None:
    """Each row says when it was last written."""
    now = rows.now()
    assert all(now - SOON < stored.at < now + SOON for page in rows.events() for stored in page)
