"""The mails of an installation, counted in one row: an attempt is reserved before it is made."""

from datetime import datetime

import msgspec

from shared.allowance import Allowance, Spent
from shared.errors import ContentionError
from shared.own_rows import OwnRow
from shared.store import Row, Store

#: The partition of the count. That of a subject has a ``|`` before its hash: no event can be told into this one.
MAILS = "mails"
SPENT = "spent"
#: As in shared.ledger; a burst of mails is many writers of one row.
TRIES = 5


class Ration:
    """Gives out the *allowance*. Safe to share between threads.

    The row as it was last written is kept: the next mail of this process then costs one request, and a writer elsewhere
    only makes it read again. Every method raises StorageError and ContentionError.
    """

    def __init__(self, store: Store, allowance: Allowance) -> None:
        self._own = OwnRow(
            store=store, partition=MAILS, key=SPENT, facts=read_spent, columns=write_spent, empty=Spent()
        )
        self._allowance = allowance
        self._last: Row | None = None

    def reserve(self, operation: str, now: datetime, *, urgent: bool) -> datetime | None:
        """Reserve an attempt; None when it may be made, else when to ask again."""
        for _ in range(TRIES):
            last = self._last
            row = last or self._own.read()
            spent = self._own.facts(row)
            if spent.under_way(operation, now):
                return None
            free = self._allowance.free(spent, now, urgent=urgent)
            if free is not None and last is None:
                return free
            if free is None and self._write(row, spent.reserve(operation, now)):
                return None
            self._last = None  # it was of yesterday: others have written since, or may have
        raise ContentionError(partition=MAILS, key=SPENT)

    def close(self, until: datetime) -> None:
        """Have nothing go before *until*: the service said so."""
        for _ in range(TRIES):
            row = self._own.read()
            if self._write(row, self._own.facts(row).close(until)):
                return
        raise ContentionError(partition=MAILS, key=SPENT)

    def _write(self, row: Row, spent: Spent) -> bool:
        self._last = self._own.write(row, spent)
        return self._last is not None


def read_spent(row: Row) -> Spent:
    """Read the row."""
    return msgspec.json.decode(str(row.values[SPENT]), type=Spent)


def write_spent(spent: Spent) -> dict[str, str | int]:
    """Return the columns of the row."""
    return {SPENT: msgspec.json.encode(spent).decode()}
