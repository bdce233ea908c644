"""`python -m ops purge`: settled rows of the ledger that are old."""

import re
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Annotated, get_args

import typer

from ops.choice import DURATION
from ops.dead_letters import Account, AsJson, ConnectionString, command_session
from ops.problems import DONE, NOT_ALL, OpsError, translated, usage
from ops.settled import Purge, Purged, Spared
from ops.terminal import confirm, console, plain, put_json, say
from shared.errors import ReactorError
from shared.reactions import duration

DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
#: Longer than Event Grid tells an event again (24 h) and than a message of ours is delayed (6 days).
YOUNGEST = timedelta(days=7)


def purge(
    *,
    before: Annotated[
        str,
        typer.Option("--before", metavar="DATE|AGE", help="Last written before: 2026-10-01 (UTC), or 90d ago."),
    ],
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Count what would go; delete nothing.")] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    account: Account = None,
    connection_string: ConnectionString = None,
    as_json: AsJson = False,
) -> None:
    """Delete settled rows of the ledger (table `state`) that are old; what waits for anything stays.

    An event whose row is gone is decided anew if it is told again: no second job, for its name is derived, but a
    second mail, and what a guard refused may act. Dead letters and large events are not touched: lifecycle rules of
    the account do that.
    """
    with command_session(account, connection_string, as_json=as_json) as state:
        now = state.rows.now()
        purging = Purge(rows=state.rows, before=limit(before, now), now=now, dry_run=dry_run)
        if not dry_run and not yes:
            warning = (
                f"This deletes the settled rows last written before {purging.before:%Y-%m-%d %H:%M} UTC, for good."
            )
            remedy = "--dry-run counts, --yes confirms beforehand"
            confirm(warning, otherwise="nothing was deleted", remedy=remedy)
        trouble = _run(purging)
        if as_json:
            put_json(purge_json(purging, trouble))
        else:
            _tell(purging)
        if trouble:
            say(plain(f"error: {trouble.problem}"))
            say(plain(f"remedy: {trouble.remedy}"))
    raise typer.Exit(trouble.code if trouble else DONE)


def limit(text: str, now: datetime) -> datetime:
    """Read --before at the account's time *now*. Raises OpsError."""
    before = _moment(text, now)
    if before is None:
        problem = "--before is a date, or an age: a number and one of s, m, h, d"
        raise usage(problem, "for example --before 2026-10-01 or --before 90d")
    if before > now - YOUNGEST:
        raise usage(
            f"--before is less than {YOUNGEST.days} days ago: Event Grid tells an event again for a day, a message may "
            "be delayed for 6 days, and a replayed dead letter reaches further back. An event whose row is gone is "
            "decided anew; its job's name still protects against a second job, but a mail would go again",
            f"for example --before {YOUNGEST.days}d; 90d leaves time to replay dead letters",
        )
    return before


def _moment(text: str, now: datetime) -> datetime | None:
    with suppress(ValueError, OverflowError):
        if DATE.fullmatch(text):
            return datetime.fromisoformat(text).replace(tzinfo=UTC)
        if DURATION.fullmatch(text):
            return now - duration(text)
    return None


def purge_json(purging: Purge, trouble: OpsError | None) -> dict[str, object]:
    """Return what became of the rows for scripts; the keys are told in docs/ops.md and stay."""
    return {
        "before": purging.before.isoformat(),
        "dry_run": purging.dry_run,
        "purged": {word: purging.counts[word] for word in get_args(Purged.__value__)},
        "spared": {word: purging.counts[word] for word in get_args(Spared.__value__)},
        "problem": trouble.problem if trouble else None,
        "remedy": trouble.remedy or None if trouble else None,
    }


def _run(purging: Purge) -> OpsError | None:
    """Purge with a count as it goes; return what stopped it before the end."""
    read = 0
    try:
        for rows in purging.pages():
            read += rows
            say(f"{read:,} old rows read, {_sum(purging, Purged.__value__):,} {_verb(purging)}")
    except ReactorError as error:
        return translated(error)
    except KeyboardInterrupt:
        return OpsError("stopped", "say it again to go on: what is deleted is deleted, the rest is whole", code=NOT_ALL)
    return None


def _tell(purging: Purge) -> None:
    out = console()
    for label, words in ((_verb(purging), Purged.__value__), ("spared", Spared.__value__)):
        out.print(f"{label:<14}" + ", ".join(f"{purging.counts[word]:,} {word}" for word in get_args(words)))


def _verb(purging: Purge) -> str:
    return "to be purged" if purging.dry_run else "purged"


def _sum(purging: Purge, words: object) -> int:
    return sum(purging.counts[word] for word in get_args(words))
