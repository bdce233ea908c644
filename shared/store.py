"""Rows in a table, refused to the second writer: the one thing the ledger needs of a store."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

#: A table property holds 64 KiB of UTF-16, i.e. 32 Ki characters (Azure Table storage data model).
PROPERTY_CHARACTERS = 32 * 1024


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
    RowTooLargeError, before anything is sent, for a value over PROPERTY_CHARACTERS.
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
