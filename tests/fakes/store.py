"""A Store in memory, with the semantics of the real one: tests/contract/test_store.py holds both to them."""

import threading
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from itertools import batched

from ops.state_rows import StateRows, Stored
from shared.errors import StorageError
from shared.store import Conflict, Page, Row, Written, check_rows
from shared.store.limits import check_row


class MemoryStore:
    """A Store whose clock is *clock* (aware, UTC), to the second as a ``Date`` header has it.

    *down* makes every call fail as an unreachable store does; *calls* lists the requests that were answered.
    """

    def __init__(self, clock: Callable[[], datetime]) -> None:
        self.down = False
        self.calls: list[str] = []
        self._clock = clock
        self._lock = threading.Lock()
        self._rows: dict[tuple[str, str], Row] = {}
        self._version = 0
        self._stamps: dict[tuple[str, str], datetime] = {}

    @property
    def rows(self) -> tuple[Row, ...]:
        """All rows, by partition and key."""
        with self._lock:
            return tuple(self._rows[name] for name in sorted(self._rows))

    def written(self, row: Row) -> datetime:
        """Tell when *row* was last written: the Timestamp that a table sets."""
        return self._stamps[row.partition, row.key]

    def delete(self, row: Row) -> bool:
        """Delete a row as it was read; False when it was written since."""
        name = row.partition, row.key
        with self._lock:
            self._answer("delete")
            present = self._rows.get(name)
            if present and present.etag != row.etag:
                return False
            self._rows.pop(name, None)
            return True

    def query(self, partition: str, keys: Sequence[str]) -> Page:
        """See Store."""
        if not keys:
            raise ValueError("A query names at least one key.")
        with self._lock:
            at = self._answer("query")
            names = [(partition, key) for key in sorted(set(keys))]
            return Page(rows=tuple(self._rows[name] for name in names if name in self._rows), at=at)

    def insert(self, row: Row) -> Written | Conflict:
        """See Store."""
        return self._write("insert", [Row(partition=row.partition, key=row.key, values=row.values)])

    def merge(self, row: Row) -> Written | Conflict:
        """See Store."""
        if row.etag is None:
            raise ValueError("A merge names the version that was read (etag).")
        return self._write("merge", [row])

    def transaction(self, rows: Sequence[Row]) -> Written | Conflict:
        """See Store."""
        return self._write("transaction", rows)

    def _write(self, operation: str, rows: Sequence[Row]) -> Written | Conflict:
        check_rows(rows)
        with self._lock:
            at = self._answer(operation)
            present = [self._rows.get((row.partition, row.key)) for row in rows]
            if any(row.etag != (old.etag if old else None) for row, old in zip(rows, present, strict=True)):
                return Conflict(at=at)
            for row, old in zip(rows, present, strict=True):  # the service refuses what a merge would make too large
                check_row(row.partition, row.key, {**(old.values if old else {}), **row.values})
            etags = tuple(self._put(row, old) for row, old in zip(rows, present, strict=True))
            return Written(etags=etags, at=at)

    def _put(self, row: Row, old: Row | None) -> str:
        self._version += 1
        etag = f'W/"{self._version}"'
        values = {**(old.values if old else {}), **row.values}
        self._rows[row.partition, row.key] = Row(partition=row.partition, key=row.key, values=values, etag=etag)
        self._stamps[row.partition, row.key] = self._clock()
        return etag

    def _answer(self, operation: str) -> datetime:
        if self.down:
            raise StorageError(service="memory", operation=operation)
        self.calls.append(operation)
        return self._clock().replace(microsecond=0)


class MemoryRows(StateRows):
    """The same store as a purge sees it; two rows are a page."""

    def __init__(self, store: MemoryStore) -> None:
        self.store = store

    def now(self, operation: str = "purge") -> datetime:
        """See StateRows."""
        assert operation
        return self.store.query("", [""]).at

    def events(self, condition: str = "", **parameters: str | datetime) -> Iterator[tuple[Stored, ...]]:
        """See StateRows; more than the condition asks for, by Timestamp apart: whoever asks has to look again."""
        assert all(f"@{name}" in condition for name in parameters)
        since = parameters.get("since")
        for row in self.store.rows:
            at = self.store.written(row)
            if row.key.removeprefix("dry|").startswith("event|") and not (isinstance(since, datetime) and at < since):
                yield (Stored(row=row, at=at),)

    def older(self, before: datetime) -> Iterator[tuple[Row, ...]]:
        """See StateRows."""
        yield from batched([row for row in self.store.rows if self.store.written(row) < before], 2, strict=False)

    def partition(self, name: str) -> tuple[Row, ...]:
        """See StateRows."""
        return tuple(row for row in self.store.rows if row.partition == name)

    def delete(self, row: Row) -> bool:
        """See StateRows."""
        return self.store.delete(row)


def row_bytes(row: Row) -> int:
    """Return what Azure counts for a row: 4, two for each character, and 8 or 12 for what stands around a value."""
    size = 4 + 2 * (len(row.partition) + len(row.key))
    for name, value in row.values.items():
        size += 8 + 2 * len(name) + (8 if isinstance(value, int) else 4 + 2 * len(value))
    return size
