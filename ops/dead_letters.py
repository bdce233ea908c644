"""`python -m ops dead-letters list | show | replay`."""

from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from itertools import islice
from typing import Annotated

import typer

from ops.choice import named, read_all, since, waiting
from ops.connection import State, connected, storage_of
from ops.documents import letter_json, report_json, summary_json
from ops.letter_box import REPLAYED, Entry
from ops.problems import OpsError, translated, usage
from ops.rendering import tell_letter, tell_report, tell_summary
from ops.replay import Replay, Report
from ops.terminal import complain, confirm, console, put_json, say
from shared.errors import ReactorError

CODES = (
    "Exit codes: 0 done, 1 something could not be done, 2 usage (a wrong option, nothing matches), "
    "3 cannot reach the account or not allowed."
)
app = typer.Typer(help=f"Events that need a person: list them, show one, put them back. {CODES}", no_args_is_help=True)

Account = Annotated[
    str | None,
    typer.Option("--account", metavar="NAME", help="Storage account of the state; asks with your own login."),
]
ConnectionString = Annotated[
    str | None,
    typer.Option(
        "--connection-string",
        metavar="TEXT",
        help="Instead: a connection string. Better as environment variable StateStorage: others see your command line.",
    ),
]
AsJson = Annotated[bool, typer.Option("--json", help="One JSON document on stdout; messages go to stderr.")]
Reaction = Annotated[
    str | None, typer.Option("--reaction", metavar="NAME", help="Only letters of a reaction that failed.")
]
Since = Annotated[str | None, typer.Option("--since", metavar="TIME", help="Only letters so young, e.g. 12h or 7d.")]
Names = Annotated[list[str] | None, typer.Argument(metavar="NAME", help="A name, or a part of it that no other has.")]


@app.command("list", epilog=CODES)
def list_letters(
    *,
    reaction: Reaction = None,
    back: Since = None,
    replayed: Annotated[bool, typer.Option("--replayed", help="Those that were put back already.")] = False,
    limit: Annotated[int, typer.Option("--limit", min=1, help="At most so many.")] = 50,
    account: Account = None,
    connection_string: ConnectionString = None,
    as_json: AsJson = False,
) -> None:
    """List dead letters, newest first: what could not be handled, by us or by Event Grid."""
    with command_session(account, connection_string, as_json=as_json) as state:
        span = since(back)
        entries = waiting(state.box.entries(), span, replayed=replayed)
        letters = (letter for letter in read_all(state.box, entries) if reaction in {None, letter.reaction})
        found = list(islice(letters, limit + 1))
        more, found = len(found) > limit, found[:limit]
        if as_json:
            put_json({"letters": [summary_json(letter) for letter in found], "more": more})
            return
        out = console()
        for letter in found:
            tell_summary(out, letter)
        if not found:
            say("There are no dead letters." if (reaction, back, replayed) == (None, None, False) else "None.")
        elif more:
            say(f"There are more than {limit}; see --limit.")


@app.command(epilog=CODES)
def show(
    name: Annotated[str, typer.Argument(metavar="NAME", help="A name, or a part of it that no other has.")],
    *,
    account: Account = None,
    connection_string: ConnectionString = None,
    as_json: AsJson = False,
) -> None:
    """Show everything in a dead letter; what would not print is shown as an escape."""
    with command_session(account, connection_string, as_json=as_json) as state:
        entry = named(state.box.entries(), name)
        letter = next(read_all(state.box, [entry]), None)
        if letter is None:
            raise usage("the letter is gone: somebody moved or deleted it")
        large = state.large_events.get(letter.blob) if letter.blob else None
        events = letter.events if large is None else (large,)
        if as_json:
            put_json(letter_json(letter, events))
            return
        tell_letter(console(), letter, events)
        if letter.blob and large is None:
            say("The blob that holds the event is gone.")


@app.command(epilog=CODES)
def replay(
    names: Names = None,
    *,
    everything: Annotated[bool, typer.Option("--all", help="All that were not put back yet.")] = False,
    reaction: Reaction = None,
    back: Since = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would be sent; send and move nothing.")] = False,
    again: Annotated[bool, typer.Option("--again", help="Repeat the whole event on purpose, effects and all.")] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask before --again.")] = False,
    keep: Annotated[bool, typer.Option("--keep", help=f"Leave the letters; else they move to {REPLAYED}.")] = False,
    account: Account = None,
    connection_string: ConnectionString = None,
    as_json: AsJson = False,
) -> None:
    """Put dead letters back, oldest first, through the queue and the ledger: what is done stays done.

    A failed reaction is decided again, an event that was never handled is handled; twice is as once.
    """
    with command_session(account, connection_string, as_json=as_json) as state:
        if bool(names) == everything:
            raise usage("name the letters, or say --all", "`list` shows what there is")
        if names and (reaction or back):
            raise usage("--reaction and --since choose among --all; they do not go with names")
        entries = _chosen(state, names or [], reaction, since(back))
        if again and not dry_run and not yes:
            confirm(
                f"This repeats {len(entries)} event(s) on purpose: unless a guard holds, jobs are started and mails "
                "sent once more.",
                otherwise="nothing was sent",
                remedy="--yes confirms beforehand",
            )
        replaying = Replay(state=state, again=again, keep=keep, dry_run=dry_run)
        reports = _told_one_by_one(replaying.each(entries), as_json=as_json)
    raise typer.Exit(max((report.code for report in reports), default=0))


def _chosen(state: State, names: list[str], reaction: str | None, back: timedelta | None) -> list[Entry]:
    """Return the letters that are meant, oldest first, each once."""
    listing = state.box.entries()
    if names:
        return sorted({named(listing, name) for name in names}, key=lambda entry: (entry.when, entry.name))
    entries = list(reversed(waiting(listing, back)))
    if reaction is None:
        return entries
    wanted = {letter.name for letter in read_all(state.box, entries) if letter.reaction == reaction}
    return [entry for entry in entries if entry.name in wanted]


def _told_one_by_one(reports: Iterable[Report], *, as_json: bool) -> list[Report]:
    out, found = console(), []
    for report in reports:
        found.append(report)
        if not as_json:
            tell_report(out, report)
    if as_json:
        counts = Counter(str(report.status) for report in found)
        put_json({"letters": [report_json(report) for report in found], "counts": dict(counts)})
    elif not found:
        say("There is nothing to put back.")
    return found


@contextmanager
def session(account: str | None, connection_string: str | None) -> Iterator[State]:
    """Give the clients. Raises OpsError for whatever goes wrong between us and the account."""
    try:
        with connected(storage_of(account, connection_string)) as state:
            yield state
    except ReactorError as error:
        raise translated(error) from None


@contextmanager
def command_session(account: str | None, connection_string: str | None, *, as_json: bool) -> Iterator[State]:
    """As session; tell what goes wrong, with the remedy and the exit code."""
    try:
        with session(account, connection_string) as state:
            yield state
    except OpsError as error:
        raise complain(error, as_json=as_json) from None
