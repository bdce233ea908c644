"""`python -m ops why` and `history`: what was decided about events and why, or what to check where one never came."""

from typing import Annotated

import typer

from ops.chains import among, asked, with_causes
from ops.choice import span
from ops.dead_letters import Account, ConnectionString, command_session
from ops.finding import Found, find, newest_first, within
from ops.options import AsJson, SettingsFile
from ops.pauses import in_force
from ops.problems import NOT_ALL, usage
from ops.settings_at_hand import at_hand
from ops.standing import Standing
from ops.standing_rendering import standing_json, tell_briefly, tell_standing
from ops.state_rows import QUERY
from ops.terminal import console, put_json, say
from ops.unknown import letters_about, ours, tell_unknown, to_check

SINCE = "30d"
Workspace = Annotated[
    str, typer.Option("--workspace", metavar="NAME", help="Only events of this one: its name, or its ARM id.")
]
Limit = Annotated[int, typer.Option("--limit", min=1, help="At most so many events.")]


def why(
    what: Annotated[
        str,
        typer.Argument(
            metavar="WHAT", help="An event's id, model:version, model, run, monitor, experiment, job, mail."
        ),
    ],
    *,
    workspace: Workspace = "",
    back: Annotated[
        str, typer.Option("--since", metavar="TIME", help="How far back to look for a job, a mail or a monitor.")
    ] = SINCE,
    limit: Limit = 10,
    settings: SettingsFile = None,
    account: Account = None,
    connection_string: ConnectionString = None,
    as_json: AsJson = False,
) -> None:
    """Tell why each reaction acted on an event or did not, what became of it, and what it waits for.

    Where nothing is on record: what was looked through, and what to check. Exit code 1 then.
    """
    with command_session(account, connection_string, as_json=as_json) as state:
        word, known = what.strip(), at_hand(settings).workspaces
        if not word:
            raise usage("name an event", "by its id, model:version, run, monitor, job or mail")
        now = state.rows.now(QUERY)
        found = find(state.rows, word, workspaces=ours(known, workspace), workspace=workspace, since=now - span(back))
        pauses = in_force(state)
        if found.standings:
            shown = found.standings[:limit]
            more = len(found.standings) - len(shown)
            chains = asked(state.rows, shown)
            shown = with_causes(shown, chains)
            if as_json:
                events = [standing_json(one, pauses, chains) for one in shown]
                put_json(_document(word, found, events=events, more=more))
                return
            for number, one in enumerate(shown):
                if number:
                    console().print()
                tell_standing(console(), one, pauses, now, chains=chains)
            if more:
                say(f"There are {more} more, older ones; see --limit, --workspace.")
            return
        checks = list(to_check(known, workspace, letters_about(state, word)))
        if as_json:
            put_json(_document(word, found, to_check=checks))
        else:
            tell_unknown(console(), word, found, checks)
    raise typer.Exit(NOT_ALL)


def history(
    *,
    reaction: Annotated[
        str | None, typer.Option("--reaction", metavar="NAME", help="Only events that this one acted on, or was to.")
    ] = None,
    workspace: Workspace = "",
    back: Annotated[str, typer.Option("--since", metavar="TIME", help="How far back, e.g. 12h or 7d.")] = "7d",
    limit: Limit = 20,
    account: Account = None,
    connection_string: ConnectionString = None,
    as_json: AsJson = False,
) -> None:
    """List the events on record, newest first, with what each reaction made of them; `why` tells more of one."""
    with command_session(account, connection_string, as_json=as_json) as state:
        now = state.rows.now(QUERY)
        pages = state.rows.events("Timestamp ge @since", since=now - span(back))
        found = newest_first(one for page in pages for one in page if within(one.row, workspace))
        chains = among(found)
        wanted = [one for one in found if reaction is None or _acted(one, reaction)]
        if as_json:
            pauses = in_force(state)
            events = [standing_json(one, pauses, chains) for one in wanted[:limit]]
            put_json({"events": events, "more": max(len(wanted) - limit, 0)})
            return
        for one in wanted[:limit]:
            tell_briefly(console(), one, chains)
        if not wanted:
            say(f"No event was written in the last {back}.")
        elif len(wanted) > limit:
            say(f"There are {len(wanted) - limit} more; see --limit.")


def _acted(standing: Standing, reaction: str) -> bool:
    ended = standing.ended is not None and standing.ended.reaction == reaction
    return ended or any(one.reaction == reaction and one.decision != "unmatched" for one in standing.actions)


def _document(word: str, found: Found, **rest: object) -> dict[str, object]:
    """Return the answer for scripts; the keys are told in docs/ops.md and stay."""
    return {"asked": word, "looked": list(found.looked), "events": [], "more": 0, "to_check": [], **rest}
