"""The table of the ledger as commands need it: rows page by page, old ones or a partition's; one deleted as read."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Self

from shared.settings import StateStorage
from shared.state_storage import connect, failing_as_storage
from shared.store import TABLE, Row
from shared.store.entities import Answer, values_of
from shared.transport import Transport, deadline

if TYPE_CHECKING:
    from azure.core.credentials import TokenCredential
    from azure.data.tables import TableClient, TableEntity

OPERATION_SECONDS = 60.0
#: The most that Table storage gives at once.
PAGE_ROWS = 1000
#: Names a purge's requests in a StorageError; ops/problems.py has the role for it.
OPERATION = "purge"
QUERY = "query"
#: Rows of events, those of a dry run too: from the prefix up to the next possible one.
EVENTS = "( RowKey ge 'event|' and RowKey lt 'event}' ) or ( RowKey ge 'dry|event|' and RowKey lt 'dry|event}' )"


@dataclass(frozen=True, slots=True, kw_only=True)
class Stored:
    """A row, and when it was last written: the Timestamp that storage itself sets."""

    row: Row
    at: datetime


class StateRows:
    """The rows of the ledger. Every method raises StorageError. Safe to share between threads."""

    def __init__(self, client: "TableClient", *, page_rows: int = PAGE_ROWS) -> None:
        self._client = client
        self._page_rows = page_rows

    @classmethod
    def connect(
        cls, storage: StateStorage, *, transport: Transport, credential: "TokenCredential | None" = None
    ) -> Self:
        """Build the client; nothing is sent. Raises ConfigurationError for settings that cannot be used."""
        from azure.data.tables import TableClient  # noqa: PLC0415 - `--help` shall not pay for it

        return cls(connect(TableClient, storage, "table", TABLE, transport=transport, credential=credential))

    def now(self, operation: str = OPERATION) -> datetime:
        """Tell the account's own time: no clock of the operator's machine is asked."""
        answer = Answer(operation)
        with deadline(OPERATION_SECONDS), failing_as_storage("table", operation):
            next(self._client.query_entities("PartitionKey eq ''", raw_response_hook=answer), None)
        return answer.at

    def older(self, before: datetime) -> Iterator[tuple[Row, ...]]:
        """Give the rows last written before *before*, a page at a time; by the Timestamp that storage itself sets."""
        for page in self._pages("Timestamp lt @before", {"before": before}, OPERATION):
            yield tuple(stored.row for stored in page)

    def events(self, condition: str = "", **parameters: str | datetime) -> Iterator[tuple[Stored, ...]]:
        """Give the rows of events that meet a condition ($filter with parameters), a page at a time, in no order."""
        every = f"( {EVENTS} ) and ( {condition} )" if condition else EVENTS
        yield from self._pages(every, parameters, QUERY)

    def partition(self, name: str) -> tuple[Row, ...]:
        """Give all rows of a partition, by their keys."""
        pages = self._pages("PartitionKey eq @name", {"name": name}, QUERY)
        return tuple(stored.row for page in pages for stored in page)

    def _pages(self, condition: str, parameters: dict[str, Any], operation: str) -> Iterator[tuple[Stored, ...]]:
        pages = self._client.query_entities(
            condition, parameters=parameters, results_per_page=self._page_rows
        ).by_page()
        while True:
            with deadline(OPERATION_SECONDS), failing_as_storage("table", operation):
                page = next(pages, None)
                if page is None:
                    return
                rows = tuple(map(_stored, page))
            yield rows

    def delete(self, row: Row) -> bool:
        """Delete a row as it was read; False when it was written since. One that is gone already counts as deleted."""
        from azure.core import MatchConditions  # noqa: PLC0415 - as above
        from azure.core.exceptions import ResourceModifiedError  # noqa: PLC0415 - as above

        with deadline(OPERATION_SECONDS), failing_as_storage("table", OPERATION):
            try:
                condition = MatchConditions.IfNotModified
                self._client.delete_entity(row.partition, row.key, etag=row.etag, match_condition=condition)
            except ResourceModifiedError:
                return False
        return True


def _stored(found: "TableEntity") -> Stored:
    stamp = found.metadata["timestamp"]
    row = Row(
        partition=found["PartitionKey"], key=found["RowKey"], values=values_of(found), etag=found.metadata["etag"]
    )
    return Stored(row=row, at=stamp.astimezone(UTC) if stamp else datetime.min.replace(tzinfo=UTC))
