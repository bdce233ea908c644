"""Rows in a table, refused to the second writer: the one thing the ledger needs of a store."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import batched
from typing import TYPE_CHECKING, Any, Protocol, Self

from shared.settings import StateStorage
from shared.state_storage import connect, failing_as_storage
from shared.store.entities import Answer, entity, if_not_modified, key_filter, values_of
from shared.store.limits import check_row
from shared.transport import Transport

if TYPE_CHECKING:
    from azure.core.credentials import TokenCredential
    from azure.data.tables import TableClient

TABLE = "state"

#: A $filter takes 15 comparisons (Azure Table storage, "Querying tables and entities"): a partition and 14 keys.
KEYS_PER_REQUEST = 14

#: An inserted row need not be sent back.
NO_ECHO = "return-no-content"

#: A transaction takes 100 rows (Azure Table storage, "Performing entity group transactions").
ROWS_PER_TRANSACTION = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """A row as it is read or to be written. *etag* is the version read; None means "not there yet"."""

    partition: str
    key: str
    values: Mapping[str, str | int]
    etag: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """The rows found, in key order, and the store's own clock (the ``Date`` of its answer, UTC)."""

    rows: tuple[Row, ...]
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Written:
    """All rows were written; *etags* are their new versions in the order given, *at* is the store's clock."""

    etags: tuple[str, ...]
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Conflict:
    """Nothing was written: a row exists already, is gone, or was changed since it was read."""

    at: datetime


class Store(Protocol):
    """What the ledger needs of a table.

    Every method raises StorageError when the store does not answer as it should (outcome unknown), and
    RowTooLargeError, before anything is sent, for what is over the limits of shared.store.limits.
    """

    def query(self, partition: str, keys: Sequence[str]) -> Page:
        """Read the rows of *partition* with one of *keys*, in one request; missing ones are left out."""
        ...

    def insert(self, row: Row) -> Written | Conflict:
        """Write a row that must not exist yet."""
        ...

    def merge(self, row: Row) -> Written | Conflict:
        """Update the named values of a row that must still be as read (*etag*); other values stay."""
        ...

    def transaction(self, rows: Sequence[Row]) -> Written | Conflict:
        """Write rows of one partition, all or none: those with an etag as `merge`, the others as `insert`."""
        ...


def check_rows(rows: Sequence[Row]) -> None:
    """Refuse what no store takes, before anything is sent.

    Raises RowTooLargeError; and ValueError, a mistake of the caller, unless *rows* are 1 to ROWS_PER_TRANSACTION
    different ones of one partition.
    """
    different = {row.key for row in rows}
    if len({row.partition for row in rows}) != 1 or not len(rows) == len(different) <= ROWS_PER_TRANSACTION:
        raise ValueError(f"A transaction takes 1 to {ROWS_PER_TRANSACTION} different rows of one partition.")
    for row in rows:
        check_row(row.partition, row.key, row.values)


class TableStore:
    """The Store on an Azure table.

    One client, no retries of its own: the queue is the retry engine. DeadlineError passes through unchanged.
    """

    def __init__(self, client: "TableClient") -> None:
        self._client = client

    @classmethod
    def connect(
        cls, storage: StateStorage, *, transport: Transport, credential: "TokenCredential | None" = None
    ) -> Self:
        """Build the client; nothing is sent. Raises ConfigurationError for settings that cannot be used."""
        from shared.store.transactions import TransactionClient  # noqa: PLC0415 - not at index

        return cls(connect(TransactionClient, storage, "table", TABLE, transport=transport, credential=credential))

    def query(self, partition: str, keys: Sequence[str]) -> Page:
        """See Store. More than KEYS_PER_REQUEST keys take one request more for each so many."""
        if not keys:
            raise ValueError("A query names at least one key.")
        answer = Answer("query")
        rows: list[Row] = []
        with failing_as_storage("table", "query"):
            for some in batched(sorted(set(keys)), KEYS_PER_REQUEST, strict=False):
                parameters = {"partition": partition, **{f"k{number}": key for number, key in enumerate(some)}}
                found = self._client.query_entities(
                    key_filter(len(some)), parameters=parameters, raw_response_hook=answer
                )
                rows.extend(
                    Row(partition=partition, key=one["RowKey"], values=values_of(one), etag=one.metadata["etag"])
                    for one in found
                )
        return Page(rows=tuple(sorted(rows, key=lambda row: row.key)), at=answer.at)

    def insert(self, row: Row) -> Written | Conflict:
        """See Store."""
        check_rows([row])
        new = entity(row.partition, row.key, row.values)
        return self._write(
            "insert",
            lambda hook: [self._client.create_entity(new, response_preference=NO_ECHO, raw_response_hook=hook)],
        )

    def merge(self, row: Row) -> Written | Conflict:
        """See Store."""
        check_rows([row])
        options = if_not_modified(row.etag)
        changed = entity(row.partition, row.key, row.values)
        return self._write(
            "merge", lambda hook: [self._client.update_entity(changed, raw_response_hook=hook, **options)]
        )

    def transaction(self, rows: Sequence[Row]) -> Written | Conflict:
        """See Store."""
        check_rows(rows)
        operations: list[tuple[str, dict[str, Any], dict[str, Any]]] = []
        for row in rows:
            values = entity(row.partition, row.key, row.values)
            if row.etag is None:
                operations.append(("create", values, {"response_preference": NO_ECHO}))
            else:
                operations.append(("update", values, if_not_modified(row.etag)))
        return self._write(
            "transaction", lambda hook: self._client.submit_transaction(operations, raw_response_hook=hook)
        )

    def _write(self, operation: str, send: Callable[[Answer], Sequence[Mapping[str, Any]]]) -> Written | Conflict:
        from azure.core.exceptions import AzureError  # noqa: PLC0415 - not at index

        answer = Answer(operation)
        try:
            written = send(answer)
        except AzureError as error:
            refusal = answer.refusal(error)
            if refusal is None:
                return Conflict(at=answer.at)
            raise refusal from None
        return Written(etags=tuple(metadata["etag"] for metadata in written), at=answer.at)
