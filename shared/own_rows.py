"""Rows in partitions of their own: facts that many events share, which no transaction of a subject can write."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from shared.store import Conflict, Row, Store


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnRow[F]:
    """One row of *store*: how its facts are read and written, and *empty*, which stands for a row not there yet."""

    store: Store
    partition: str
    key: str
    facts: Callable[[Row], F]
    columns: Callable[[F], Mapping[str, str | int]]
    empty: F

    def read(self) -> Row:
        """Return the row; one that is not there yet has no etag. Raises StorageError."""
        found = self.store.query(self.partition, [self.key]).rows
        return found[0] if found else Row(partition=self.partition, key=self.key, values=self.columns(self.empty))

    def write(self, row: Row, facts: F) -> Row | None:
        """Write the row as it was read; None when another writer was quicker. Raises StorageError."""
        changed = Row(partition=row.partition, key=row.key, values=self.columns(facts), etag=row.etag)
        answer = self.store.merge(changed) if row.etag else self.store.insert(changed)
        if isinstance(answer, Conflict):
            return None
        return Row(partition=row.partition, key=row.key, values=changed.values, etag=answer.etags[0])
