"""What a reaction remembers about all its subjects: a row in a partition of the reaction's own.

It cannot be written in one transaction with a subject's rows. So a run is reserved here first, under its operation:
killed in between, the redelivery finds its own reservation; and what is not admitted after all gives it back.
"""

from collections.abc import Iterable, Mapping

from shared.memory import Memory
from shared.own_rows import OwnRow
from shared.records import memory_key, read_memory, whole_partition, write_memory
from shared.store import Row, Store

#: The row of a busy reaction is written by many; at each try one of them gets through.
TRIES = 20


class WholeBudgets:
    """The rows of *store*; *prefix* keeps those of a dry run apart. Every method raises StorageError."""

    def __init__(self, store: Store, *, prefix: str) -> None:
        self._store = store
        self._prefix = prefix

    def read(self, reactions: Iterable[str]) -> Mapping[str, Row]:
        """Return the rows by reaction; one that is not there yet is empty, and has no etag."""
        return {name: self._row(name).read() for name in reactions}

    def write(self, memories: Mapping[str, Memory], read: Mapping[str, Row]) -> bool:
        """Write what changed; False when another delivery wrote meanwhile. What was written then is written again."""
        return all(self._row(name).write(read[name], memory) is not None for name, memory in memories.items())

    def give_back(self, reaction: str, operation: str) -> None:
        """Take a reservation back: what never happened suppresses nothing.

        After TRIES lost races it stays until it leaves the window: too few runs, never too many.
        """
        own = self._row(reaction)
        for _ in range(TRIES):
            row = own.read()
            memory = own.facts(row)
            if not memory.admitted(operation) or own.write(row, memory.forget(operation)) is not None:
                return

    def _row(self, reaction: str) -> OwnRow[Memory]:
        return OwnRow(
            store=self._store,
            partition=whole_partition(reaction),
            key=self._prefix + memory_key(reaction),
            facts=read_memory,
            columns=write_memory,
            empty=Memory(),
        )
