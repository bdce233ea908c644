"""Silences begun and ended in the table, as it was read: two operators cannot overwrite each other unseen."""

from collections.abc import Callable
from datetime import datetime

from ops.problems import usage
from shared.errors import ContentionError
from shared.silences import MOST, SILENCES, Silence, in_force, read_silences, write_silences
from shared.store import Row, Store, Written
from shared.switches import SWITCHES
from shared.transport import deadline

OPERATION_SECONDS = 60.0
TRIES = 5

type Silences = tuple[Silence, ...]


def begin(store: Store, wanted: Callable[[datetime], Silence]) -> Silence:
    """Silence a subject from the account's now on; a silence that is there already is replaced.

    Raises OpsError, StorageError and ContentionError.
    """
    begun: list[Silence] = []

    def with_it(standing: Silences, now: datetime) -> Silences:
        new = wanted(now)
        begun.append(new)
        others = tuple(one for one in standing if not one.about(new.subject))
        if len(others) >= MOST:
            raise usage(f"there are {MOST} silences, and no more fit", "`silences` lists them, `unsilence` ends one")
        return (*others, new)

    _change(store, with_it)
    return begun[-1]


def end(store: Store, subject: str) -> Silence | None:
    """End a silence; None where there is none. Raises StorageError and ContentionError."""
    ended: list[Silence] = []

    def without_it(standing: Silences, _now: datetime) -> Silences:
        ended[:] = [one for one in standing if one.about(subject)]
        return tuple(one for one in standing if not one.about(subject))

    _change(store, without_it)
    return ended[0] if ended else None


def standing(store: Store) -> Silences:
    """Return the silences in force. Raises StorageError."""
    with deadline(OPERATION_SECONDS):
        page = store.query(SWITCHES, [SILENCES])
    return in_force(read_silences(page.rows), page.at)


def _change(store: Store, change: Callable[[Silences, datetime], Silences]) -> None:
    """Write what *change* makes of the silences in force; those that are over go."""
    for _ in range(TRIES):
        with deadline(OPERATION_SECONDS):
            page = store.query(SWITCHES, [SILENCES])
            etag = next((row.etag for row in page.rows), None)
            found = in_force(read_silences(page.rows), page.at)
            row = Row(partition=SWITCHES, key=SILENCES, values=write_silences(change(found, page.at)), etag=etag)
            answer = store.merge(row) if etag else store.insert(row)
        if isinstance(answer, Written):
            return
    raise ContentionError(partition=SWITCHES, key=SILENCES)
