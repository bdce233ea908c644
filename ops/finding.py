"""Events on record by whatever a person has in hand: an event's id, a model version, a run, a monitor, a job, a mail.

Only what is quick is looked through as a whole; the rest as far back as is said, and what was looked through is told.
"""

from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime

from ops.backtest import EPOCH, time_of
from ops.standing import Standing, effects_of, label_of, standing_of
from ops.state_rows import StateRows, Stored
from shared.records import partition_key
from shared.settings import WORKSPACE_ID
from shared.store import Row

#: What an event says of itself in columns; an identity of several parts has the run second (handlers.data_drift).
COLUMNS = (
    "event_id eq @word or identity eq @word or subject eq @word "
    "or ( identity ge @breach and identity lt @breaches ) or ( identity ge @first and identity lt @firsts )"
)
BREACH = "breach"
SINCE = "Timestamp ge @since"


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """Events, newest first, and in words what was looked through."""

    standings: tuple[Standing, ...]
    looked: tuple[str, ...]


def find(rows: StateRows, word: str, *, workspaces: Collection[str], workspace: str, since: datetime) -> Found:
    """Find the events that *word* names; in *workspace* only (a name or an ARM id), where one is given.

    *workspaces* are ARM ids of ours: with one, all about a subject is one partition. Raises StorageError.
    """
    looked: list[str] = []
    ids = {*workspaces, workspace.casefold()} if WORKSPACE_ID.fullmatch(workspace) else {*workspaces}

    ways: list[tuple[str, Iterator[tuple[Stored, ...]], Callable[[Row, str], bool]]] = [
        ("the subject of that name", _subjects(rows, word, ids), _told),
        ("the ids, subjects and runs of all events", _columns(rows, word), _told),
        (f"all that was written since {since:%Y-%m-%d %H:%M} UTC", rows.events(SINCE, since=since), _meant),
    ]
    for words, pages, fits in ways if ids else ways[1:]:
        looked.append(words)
        every = (stored for page in pages for stored in page if within(stored.row, workspace))
        if found := [stored for stored in every if fits(stored.row, word)]:
            return Found(standings=newest_first(found), looked=tuple(looked))
    return Found(standings=(), looked=tuple(looked))


def newest_first(found: Iterable[Stored]) -> tuple[Standing, ...]:
    """Return how events stand, each once, by when they happened."""
    once = {standing.row: standing for standing in map(standing_of, found)}
    return tuple(sorted(once.values(), key=happened, reverse=True))


def happened(standing: Standing) -> datetime:
    """Return when an event happened, as it says; when its row was written where it does not."""
    told = time_of(standing.event_time)
    return standing.at if told == EPOCH else told


def within(row: Row, workspace: str) -> bool:
    """Tell whether an event is of a workspace, named by its ARM id or its own name; "" is any."""
    told, wanted = str(row.values.get("workspace", "")).casefold().rstrip("/"), workspace.casefold().rstrip("/")
    return wanted in {"", told, told.rpartition("/")[2]}


def _told(row: Row, word: str) -> bool:
    columns = [str(row.values.get(name, "")) for name in ("event_id", "identity", "subject")]
    return word in {*columns, *columns[1].split("|")}


def _meant(row: Row, word: str) -> bool:
    return _told(row, word) or word == label_of(row) or word in effects_of(row)


def _subjects(rows: StateRows, word: str, ids: Collection[str]) -> Iterator[tuple[Stored, ...]]:
    """Yield what there is about a model, a monitor or an experiment of that name, in each workspace."""
    subjects = {word, word.rpartition(":")[0]} - {""}
    for partition in sorted(partition_key(one, subject) for one in ids for subject in subjects):
        yield from rows.events("PartitionKey eq @partition", partition=partition)


def _columns(rows: StateRows, word: str) -> Iterator[tuple[Stored, ...]]:
    breach = f"{BREACH}|{word}"
    yield from rows.events(
        COLUMNS, word=word, breach=f"{breach}|", breaches=f"{breach}}}", first=f"{word}|", firsts=f"{word}}}"
    )
