"""`python -m ops silence | unsilence | silences`: no mails about a subject until a time; jobs start all the same."""

import re
from datetime import UTC, datetime, timedelta
from typing import Annotated

import typer
from rich.text import Text

from ops.dead_letters import Account, ConnectionString, command_session
from ops.options import AsJson
from ops.problems import usage
from ops.silencing import begin, end, standing
from ops.terminal import console, plain, put_json, say
from shared.reactions.guard_rules import DURATION, duration
from shared.silences import CHARACTERS, Silence
from shared.switches import SECONDS
from shared.yaml_document import did_you_mean

#: A longer silence is a rule that should not be there.
LONGEST = timedelta(days=366)
#: Names in Azure ML are shorter.
SUBJECT = 255
INDENT = 28
Subject = Annotated[
    str, typer.Argument(metavar="SUBJECT", help="An experiment, a model or a monitor, by its name; in any case.")
]


def silence(
    subject: Subject,
    *,
    until: Annotated[
        str, typer.Option("--until", metavar="DATE|TIME|AGE", help="2026-12-01, 2026-12-01T08:00 (UTC), or 24h on.")
    ],
    note: Annotated[str, typer.Option("--note", metavar="TEXT", help="Why, for those who ask.")] = "",
    account: Account = None,
    connection_string: ConnectionString = None,
    as_json: AsJson = False,
) -> None:
    """Send no mail about a subject until a time: within 30 s its mails are skipped, with this as the reason.

    Your name and the account's time are recorded. A silence that is there already is replaced.
    """
    with command_session(account, connection_string, as_json=as_json) as state:
        if len(note) > CHARACTERS or not 0 < len(subject) <= SUBJECT:
            raise usage(f"--note has at most {CHARACTERS} characters, a subject 1 to {SUBJECT}", "say it shorter")

        def wanted(now: datetime) -> Silence:
            return Silence(subject=subject, until=moment(until, now), by=state.who(), at=now, note=plain(note))

        begun = begin(state.store, wanted)
        if as_json:
            put_json(silence_json(begun))
        else:
            _tell(begun)
        say(f"After {SECONDS:.0f} s at most its mails are skipped, for good. Jobs start all the same.")


def unsilence(
    subject: Subject, *, account: Account = None, connection_string: ConnectionString = None, as_json: AsJson = False
) -> None:
    """End a silence before its time: what fails from then on is mailed again; what was skipped is not."""
    with command_session(account, connection_string, as_json=as_json) as state:
        ended = end(state.store, subject)
        if ended is None:
            known = [one.subject for one in standing(state.store)]
            raise usage(f"{subject!r} is not silenced{did_you_mean(subject, known)}", "`silences` lists what is")
        if as_json:
            put_json(silence_json(ended))
        else:
            console().print(Text(plain(f"{ended.subject}: no longer silenced; {ended.reason}")), soft_wrap=True)


def silences(*, account: Account = None, connection_string: ConnectionString = None, as_json: AsJson = False) -> None:
    """List what is silenced: until when, by whom, since when and why."""
    with command_session(account, connection_string, as_json=as_json) as state:
        found = standing(state.store)
        if as_json:
            put_json({"silences": [silence_json(one) for one in found]})
            return
        for one in found:
            _tell(one)
        if not found:
            say("Nothing is silenced.")


def silence_json(one: Silence) -> dict[str, object]:
    """Return a silence for scripts; the keys are told in docs/ops.md and stay."""
    return {
        "subject": one.subject,
        "until": one.until.isoformat(),
        "by": one.by,
        "at": one.at.isoformat(),
        "note": one.note or None,
    }


def moment(text: str, now: datetime) -> datetime:
    """Read --until at the account's time *now*. Raises OpsError."""
    remedy = "for example --until 2026-12-01, 2026-12-01T08:00 (UTC) or 24h"
    try:
        if re.fullmatch(DURATION, text):
            until = now + duration(text)
        else:
            until = datetime.fromisoformat(text)
            until = until.replace(tzinfo=UTC) if until.tzinfo is None else until.astimezone(UTC)
    except (ValueError, OverflowError):
        raise usage("--until is a date, a time, or a number and one of s, m, h, d", remedy) from None
    if not now < until <= now + LONGEST:
        raise usage(f"--until is not within {LONGEST.days} days from now, {now:%Y-%m-%d %H:%M} UTC", remedy)
    return until


def _tell(one: Silence) -> None:
    out = console()
    head = Text(f"{plain(one.subject):<{INDENT}}", style="bold")
    told = f"until {one.until.astimezone(UTC):%Y-%m-%d %H:%M} UTC, by {one.by} at {one.at:%Y-%m-%d %H:%M} UTC"
    out.print(head.append(plain(told), style=""), soft_wrap=True)
    if one.note:
        out.print(Text(f"{'':<{INDENT}}{plain(one.note)}", style="dim"), soft_wrap=True)
