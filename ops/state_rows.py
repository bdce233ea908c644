"""The table of the ledger as commands need it: rows page by page, old ones or a partition's; one deleted as read."""

from collections.abc import Iterator
from datetime import datetime
from typing import TYPE_CHECKING, Any, Self

from shared.settings import StateStorage
from shared.state_storage import connect, failing_as_storage
from shared.store import TABLE, Row
from shared.store.entities import Answer, values_of
from shared.transport import Transport, deadline

if TYPE_CHECKING:
    from azure.core.credentials import TokenCredential
    from azure.data.tables import TableClient

OPERATION_SECONDS = 60.0
#: The most that Table storage gives at once.
PAGE_ROWS = 1000
#: Names a purge's requests in a StorageError; ops/problems.py has the role for it.
OPERATION = "purge"


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

    def now(self) -> datetime:
        """Tell the account's own time: no clock of the operator's machine is asked."""
        answer = Answer(OPERATION)
        with deadline(OPERATION_SECONDS), failing_as_storage("table", OPERATION):
            next(self._client.query_entities("PartitionKey eq ''", raw_response_hook=answer), None)
        return answer.at

    def older(self, before: datetime) -> Iterator[tuple[Row, ...]]:
        """Give the rows last written before *before*, a page at a time; by the Timestamp that storage itself sets."""
        yield from self._pages("Timestamp lt @before", {"before": before}, OPERATION)

    def partition(self, name: str) -> tuple[Row, ...]:
        """Give all rows of a partition, by their keys."""
        pages = self._pages("PartitionKey eq @name", {"name": name}, "query")
        return tuple(row for page in pages for row in page)

    def _pages(self, condition: str, parameters: dict[str, Any], operation: str) -> Iterator[tuple[Row, ...]]:
        pages = self._client.query_entities(
            condition, parameters=parameters, results_per_page=self._page_rows
        ).by_page()
        while True:
            with deadline(OPERATION_SECONDS), failing_as_storage("table", operation):
                page = next(pages, None)
                if page is None:
                    return
                rows = tuple(
                    Row(
                        partition=one["PartitionKey"],
                        key=one["RowKey"],
                        values=values_of(one),
                        etag=one.metadata["etag"],
                    )
                    for one in page
                )
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
