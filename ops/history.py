"""The events that the ledger has on record, for a while back."""

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Self

from ops.backtest import EPOCH, time_of
from ops.state_rows import EVENTS
from ops.told import Told
from shared.errors import MalformedError
from shared.gateways import Blobs
from shared.gateways.large_events import fetch
from shared.messages import Message
from shared.settings import StateStorage
from shared.state_storage import connect, failing_as_storage
from shared.store import TABLE
from shared.store.entities import Answer
from shared.transport import Transport, deadline

if TYPE_CHECKING:
    from azure.core.credentials import TokenCredential
    from azure.data.tables import TableClient

#: For one page of rows.
PAGE_SECONDS = 60.0
COLUMNS = ["PartitionKey", "RowKey", "event", "blob", "event_time"]


class History:
    """The rows of events."""

    def __init__(self, client: "TableClient") -> None:
        self._client = client

    @classmethod
    def connect(
        cls, storage: StateStorage, *, transport: Transport, credential: "TokenCredential | None" = None
    ) -> Self:
        """Build the client; nothing is sent. Raises ConfigurationError for settings that cannot be used."""
        from azure.data.tables import TableClient  # noqa: PLC0415 - `--help` shall not pay for it

        return cls(connect(TableClient, storage, "table", TABLE, transport=transport, credential=credential))

    def back(self, time: timedelta, large_events: Blobs) -> Iterator[Told]:
        """Yield the events of the *time* before the account's now; a large one is read from its blob.

        One whose blob is gone has no content. Raises StorageError and DeadlineError.
        """
        since = self._now() - time
        for row in self._rows(since):
            if EPOCH != time_of(str(row.get("event_time") or "")) < since:
                continue  # an event of long ago, whose row changed since
            source = f"{row['PartitionKey']}/{row['RowKey']}"
            yield Told(source=source, content=_content(row, large_events))

    def _now(self) -> datetime:
        """Ask for next to nothing, and read the clock off the answer."""
        answer = Answer("query")
        with deadline(PAGE_SECONDS), failing_as_storage("table", "query"):
            found = self._client.query_entities(
                "PartitionKey eq '' and RowKey eq ''", select=["RowKey"], raw_response_hook=answer
            )
            next(iter(found), None)
        return answer.at

    def _rows(self, since: datetime) -> Iterator[dict[str, Any]]:
        """Yield rows written since, page by page: an event is written when it is told, and later."""
        pages = self._client.query_entities(
            f"Timestamp ge @since and ( {EVENTS} )", parameters={"since": since}, select=COLUMNS
        ).by_page()
        while True:
            with deadline(PAGE_SECONDS), failing_as_storage("table", "query"):
                page = next(pages, None)
                rows = list(page) if page is not None else []
            if page is None:
                return
            yield from rows


def _content(row: Mapping[str, object], large_events: Blobs) -> bytes:
    if inline := row.get("event"):
        return str(inline).encode()
    try:
        with deadline(PAGE_SECONDS):
            return fetch(Message(blob=str(row.get("blob") or "")), large_events)
    except MalformedError:
        return b""
