"""Pauses begun and ended in the table, each as it was read: two operators cannot overwrite each other unseen."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime

from shared.errors import ContentionError
from shared.store import Page, Row, Store, Written
from shared.switches import ALL, SWITCHES, Pause, pause_key, read_pause, write_pause, write_resumed
from shared.transport import deadline

OPERATION_SECONDS = 60.0
TRIES = 5

type Columns = dict[str, str | int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Switched:
    """What a switch says now and said *before*, and the pause of all that holds nevertheless."""

    reaction: str
    now: Pause | None
    before: Pause | None
    of_all: Pause | None = None


def begin(store: Store, wanted: Pause, *, who: Callable[[], str]) -> Switched:
    """Pause a reaction, or all, from the account's now on; a pause that is there already is replaced.

    Raises StorageError and ContentionError.
    """

    def paused(at: datetime) -> Columns:
        return write_pause(replace(wanted, by=who(), at=at))

    return _switch(store, wanted.reaction, paused, insert=True)


def end(store: Store, reaction: str, *, who: Callable[[], str]) -> Switched:
    """Resume a reaction, or what was paused as all; one that is not paused stays as it is. Raises as `begin`."""
    return _switch(store, reaction, lambda at: write_resumed(by=who(), at=at), insert=False)


def _switch(store: Store, reaction: str, columns: Callable[[datetime], Columns], *, insert: bool) -> Switched:
    key = pause_key(reaction)
    for _ in range(TRIES):
        with deadline(OPERATION_SECONDS):
            page = store.query(SWITCHES, [key, pause_key(ALL)])
            row = next((row for row in page.rows if row.key == key), None)
            before = read_pause(row) if row else None
            of_all = None if reaction == ALL else _of_all(page)
            if before is None and not insert:
                return Switched(reaction=reaction, now=None, before=None, of_all=of_all)
            etag = row.etag if row else None
            changed = Row(partition=SWITCHES, key=key, values=columns(page.at), etag=etag)
            answer = store.merge(changed) if etag else store.insert(changed)
        if isinstance(answer, Written):
            return Switched(reaction=reaction, now=read_pause(changed), before=before, of_all=of_all)
    raise ContentionError(partition=SWITCHES, key=key)


def _of_all(page: Page) -> Pause | None:
    return next((read_pause(row) for row in page.rows if row.key == pause_key(ALL)), None)
