"""An event that is not on record: what was looked through, and what may have become of it."""

from collections.abc import Collection, Iterator, Sequence

from rich.console import Console
from rich.text import Text

from ops.choice import read_all
from ops.connection import State
from ops.finding import Found
from ops.letters import Letter
from ops.terminal import plain
from shared.errors import StorageError

#: So many dead letters, the newest, are looked through.
LETTERS = 200
FAMILY = (
    "does a family recognise the event? A step of a pipeline, a run that did not fail, a breach that is not completed "
    "are passed by: python -m ops try EVENT.json"
)
OTHER_ID = (
    "was it told before under another id? A row has the id of the first telling: ask by model:version, run, monitor"
)
DELIVERED = (
    "did Event Grid deliver it? python -m ops doctor looks at topics, subscriptions and deliveries, "
    "python -m ops dead-letters list at what it gave up"
)
TAKEN = (
    "did the app take it? Look for its id in the log (event.skipped, event.passed, configuration.error), and for a "
    "message in the queue workspace-events or in its poison queue"
)


def ours(known: frozenset[str], workspace: str) -> Collection[str]:
    """Return the workspaces of ours that are meant, all where none is named."""
    wanted = workspace.casefold()
    return {one for one in known if wanted in {"", one, one.rpartition("/")[2]}}


def tell_unknown(out: Console, word: str, found: Found, checks: Sequence[str]) -> None:
    """Print that nothing is on record, what was looked through, and what to check."""
    out.print(Text(plain(f"Nothing is on record about {word!r}."), style="bold"), soft_wrap=True)
    out.print(Text(f"Looked through: {'; '.join(found.looked)}."), soft_wrap=True)
    out.print(Text("What to check:"))
    for number, text in enumerate(checks, start=1):
        out.print(Text(f"  {number}. {plain(text)}"), soft_wrap=True)


def letters_about(state: State, word: str) -> list[Letter] | None:
    """Return the newest dead letters that mention it; None where they cannot be read, which keeps nothing else back."""
    try:
        entries = state.box.entries().entries[:LETTERS]
        return [letter for letter in read_all(state.box, entries) if _mentions(letter, word.encode())]
    except StorageError:
        return None


def _mentions(letter: Letter, word: bytes) -> bool:
    return any(word in content for content in (*letter.events, letter.raw))


def to_check(known: frozenset[str], workspace: str, letters: list[Letter] | None) -> Iterator[str]:
    """Yield what may have become of an event that is not on record, the likeliest first."""
    for letter in letters or []:
        back = ", put back already" if letter.replayed else ""
        yield f"a dead letter mentions it ({letter.kind}{back}): python -m ops dead-letters show {letter.name}"
    names = ", ".join(sorted(one.rpartition("/")[2] for one in known))
    if known and workspace and not ours(known, workspace):
        yield f"{workspace} is none of WORKSPACES ({names}): its events are skipped"
    else:
        yield f"is its workspace one of WORKSPACES ({names or 'not at hand; --settings FILE names them'})?"
    yield from (FAMILY, OTHER_ID, DELIVERED, TAKEN)
    if letters is None:
        yield "the dead letters could not be looked through: that takes Storage Blob Data Reader on dead-letters"
    elif not letters:
        yield f"none of the newest {LETTERS} dead letters mentions it"
