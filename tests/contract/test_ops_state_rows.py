"""The table as a purge sees it, on Azurite: Timestamps, pages, and a row deleted only as it was read."""

import uuid
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from azure.data.tables import TableClient
from typer.testing import CliRunner

from ops.__main__ import app
from ops.settled import AT_ONCE, Purge
from ops.state_rows import StateRows
from shared.errors import StorageError
from shared.settings import StateStorage
from shared.state_storage import connect
from shared.store import Row, TableStore, Written
from shared.transport import build_transport

if TYPE_CHECKING:
    from local.azurite import Azurite

SOON = timedelta(hours=1)
ROWS = 3 * AT_ONCE + 1


@dataclass(frozen=True, slots=True)
class Table:
    """A table of the test's own, as the ledger and as a purge see it."""

    store: TableStore
    rows: StateRows

    def fill(self) -> None:
        """Write rows of settled events in several partitions, and one that waits."""
        for number in range(ROWS):
            assert isinstance(self.store.insert(row(number)), Written)
        waits = Row(partition="p1", key="event|waits", values={"r_test": '{"decision":"admitted"}'})
        assert isinstance(self.store.insert(waits), Written)


def row(number: int) -> Row:
    """Return a row of a settled event, one of many that are as large as they come."""
    return Row(partition=f"p{number % 3}", key=f"event|{number:03}", values={"event": "x" * 32_000, "attempts": 0})


@pytest.fixture
def table(azurite: "Azurite") -> Iterator[Table]:
    """Give an empty table, read two rows at a time."""
    storage = StateStorage(connection_string=azurite.connection_string)
    name = f"purge{uuid.uuid4().hex}"  # noqa: TID251 - tests share the account
    with ExitStack() as stack:
        transport = stack.enter_context(build_transport())
        client = connect(TableClient, storage, "table", name, transport=transport, credential=None)
        client.create_table()
        stack.callback(client.delete_table)
        yield Table(TableStore(client), StateRows(client, page_rows=7))


def test_pages_have_every_old_row_once_while_rows_go(table: Table) -> None:
    """Rows are deleted between two pages: none is left out, what waits stays, and once more finds it alone."""
    table.fill()
    now = table.rows.now()
    purging = Purge(rows=table.rows, before=now + SOON, now=now)
    pages = list(purging.pages())
    assert sum(pages) == ROWS + 1
    assert len(pages) > 3
    assert purging.counts == {"events": ROWS, "unsettled": 1}
    assert [[one.key for one in page] for page in table.rows.older(now + SOON)] == [["event|waits"]]


def test_age_is_that_of_the_last_write(table: Table) -> None:
    """By the Timestamp of the service: a row just written is not old, whatever stands in it."""
    table.fill()
    assert list(table.rows.older(table.rows.now() - SOON)) in ([], [()])


def test_a_row_is_deleted_as_it_was_read(table: Table) -> None:
    """Written since: it stays. Gone already: that is what was wanted. Values and versions are those of the store."""
    assert isinstance(table.store.insert(row(1)), Written)
    ((read,),) = table.rows.older(table.rows.now() + SOON)
    assert table.store.query(read.partition, [read.key]).rows == (read,)
    assert isinstance(
        table.store.merge(Row(partition="p1", key=read.key, values={"attempts": 1}, etag=read.etag)), Written
    )
    assert not table.rows.delete(read)
    (changed,) = table.store.query(read.partition, [read.key]).rows
    assert table.rows.delete(changed)
    assert table.rows.delete(changed)
    assert table.store.query(read.partition, [read.key]).rows == ()


def test_without_a_table_there_is_an_error(azurite: "Azurite") -> None:
    """Told as storage trouble of a purge, from which the remedy is made."""
    storage = StateStorage(connection_string=azurite.connection_string)
    with build_transport() as transport:
        client = connect(TableClient, storage, "table", "nothere", transport=transport, credential=None)
        for ask in (StateRows(client).now, lambda: list(StateRows(client).older(StateRows(client).now()))):
            with pytest.raises(StorageError) as raised:
                ask()
            assert (raised.value.facts["operation"], raised.value.facts["status"]) == ("purge", 404)


def test_the_command_works_on_an_account(azurite: "Azurite") -> None:
    """From the setting of the app: nothing there is a week old."""
    result = CliRunner().invoke(
        app, ["purge", "--before", "7d", "--yes"], env={"StateStorage": azurite.connection_string}
    )
    assert (result.exit_code, result.stdout.splitlines()[-2]) == (0, "purged        0 events, 0 memories, 0 summaries")
