"""`python -m ops pause | resume | pauses`: work stopped and begun again, without redeploying."""

from collections.abc import Collection, Mapping
from datetime import UTC
from typing import Annotated

import typer
from rich.text import Text

from ops.connection import State
from ops.dead_letters import Account, ConnectionString, command_session
from ops.options import HERE, AsJson, File, Folder, SettingsFile
from ops.problems import usage
from ops.rules import names_in
from ops.settings_at_hand import at_hand
from ops.switching import Switched, begin, end
from ops.terminal import confirm, console, plain, put_json, say
from shared.silences import SILENCES
from shared.switches import ALL, CHARACTERS, SECONDS, SWITCHES, Pause, read_pause
from shared.yaml_document import did_you_mean

Name = Annotated[str | None, typer.Argument(metavar="REACTION", help="A reaction, by its name in reactions.yaml.")]
Everything = Annotated[bool, typer.Option("--all", help="All reactions, those of later versions too.")]
INDENT = 20


def pause(
    reaction: Name = None,
    *,
    everything: Everything = False,
    drop: Annotated[
        bool, typer.Option("--drop", help="Drop the events of that time for good; else they wait.")
    ] = False,
    note: Annotated[str, typer.Option("--note", metavar="TEXT", help="Why, for those who ask.")] = "",
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask before --drop.")] = False,
    folder: Folder = HERE,
    file: File = None,
    settings: SettingsFile = None,
    account: Account = None,
    connection_string: ConnectionString = None,
    as_json: AsJson = False,
) -> None:
    """Pause a reaction, or all: within 30 s nothing of it starts, and its events wait until `resume`.

    Your name and the account's time are recorded. A pause that is there already is replaced.
    """
    with command_session(account, connection_string, as_json=as_json) as state:
        name = _target(reaction, everything=everything)
        if len(note) > CHARACTERS:
            raise usage(f"--note is longer than {CHARACTERS} characters", "say it shorter, or link to it")
        if name != ALL:
            project_file = folder / at_hand(settings).reactions_file(file)
            _check(name, names_in(project_file), f"reaction of {project_file.name}")
        if drop and not yes:
            whose = "all reactions" if name == ALL else name
            confirm(
                f"This drops the events that {whose} would act on until `resume`, for good.",
                otherwise="nothing was paused",
                remedy="without --drop they wait; --yes confirms beforehand",
            )
        switched = begin(state.store, Pause(reaction=name, drop=drop, note=plain(note)), who=state.who)
        _tell_switched(switched, as_json=as_json)
        if switched.before:
            say(plain(f"It replaces what was there: {switched.before.reason}."))
        say(f"After {SECONDS:.0f} s at most nothing of it starts. {_meanwhile(drop=drop)}")
        if switched.of_all:
            say(plain(f"Its own switch counts, but there is another: {switched.of_all.reason}."))


def resume(
    reaction: Name = None,
    *,
    everything: Everything = False,
    folder: Folder = HERE,
    file: File = None,
    settings: SettingsFile = None,
    account: Account = None,
    connection_string: ConnectionString = None,
    as_json: AsJson = False,
) -> None:
    """End a pause: what waited goes on by itself. `--all` ends the pause of all, not those of single reactions."""
    with command_session(account, connection_string, as_json=as_json) as state:
        name = _target(reaction, everything=everything)
        standing = in_force(state)
        if name != ALL and name not in standing:
            known = names_in(folder / at_hand(settings).reactions_file(file)) | (standing.keys() - {ALL})
            _check(name, known, "reaction that is paused or known")
        switched = end(state.store, name, who=state.who)
        _tell_switched(switched, as_json=as_json)
        if switched.before:
            say(f"After {SECONDS:.0f} s it works again; what waited goes on by itself, what was dropped does not.")
        for other in [switched.of_all] if switched.of_all else _singles(state) if name == ALL else []:
            words = "--all" if other.reaction == ALL else other.reaction
            say(plain(f"Still in force: {_name(other.reaction)}: {other.reason}; `resume {words}` ends it."))


def pauses(*, account: Account = None, connection_string: ConnectionString = None, as_json: AsJson = False) -> None:
    """List what is paused: by whom, since when, why, and whether events wait or are dropped."""
    with command_session(account, connection_string, as_json=as_json) as state:
        found = in_force(state)
        if as_json:
            put_json({"pauses": [pause_json(one) for one in found.values()]})
            return
        for one in found.values():
            _tell(one)
        if not found:
            say("Nothing is paused.")


def in_force(state: State) -> Mapping[str, Pause]:
    """Return the pauses in force by the reactions they are of, that of all first."""
    switches = (row for row in state.rows.partition(SWITCHES) if row.key != SILENCES)
    found = filter(None, map(read_pause, switches))
    return {pause.reaction: pause for pause in sorted(found, key=lambda pause: pause.reaction)}


def pause_json(pause: Pause) -> dict[str, object]:
    """Return a pause for scripts; the keys are told in docs/ops.md and stay."""
    return {
        "reaction": pause.reaction,
        "by": pause.by or None,
        "at": pause.at.isoformat() if pause.at else None,
        "events": "drop" if pause.drop else "wait",
        "note": pause.note or None,
        "problem": pause.problem or None,
    }


def switched_json(switched: Switched) -> dict[str, object]:
    """Return what a switch says now and said before, as above."""
    told = {"paused": switched.now, "before": switched.before, "all": switched.of_all}
    return {
        "reaction": switched.reaction,
        **{key: pause_json(pause) if pause else None for key, pause in told.items()},
    }


def _target(reaction: str | None, *, everything: bool) -> str:
    """Return the name that is meant, ALL for all. Raises OpsError."""
    if everything == (reaction is not None):
        raise usage("name one reaction, or say --all", "`pauses` lists what is paused")
    return ALL if reaction is None else reaction


def _check(name: str, known: Collection[str], what: str) -> None:
    """Raise OpsError for a name that is not known: a pause of nothing would look like one of something."""
    if name not in known:
        names = f"there are {', '.join(sorted(known))}" if known else "there is none in the file that could be read"
        remedy = f"{names}; --folder and --file name another project, --all means every reaction"
        raise usage(f"{name!r} is no {what}{did_you_mean(name, known)}", remedy)


def _singles(state: State) -> list[Pause]:
    return [pause for pause in in_force(state).values() if pause.reaction != ALL]


def _meanwhile(*, drop: bool) -> str:
    if drop:
        return "Its events are dropped: decided as skipped, for good; `resume` does not bring them back."
    return "Its events wait, however long, and go on after `resume`."


def _name(reaction: str) -> str:
    return "all reactions" if reaction == ALL else reaction


def _tell_switched(switched: Switched, *, as_json: bool) -> None:
    if as_json:
        put_json(switched_json(switched))
    elif switched.now:
        _tell(switched.now)
    elif switched.before:
        console().print(Text(plain(f"{_name(switched.reaction)}: resumed; {switched.before.reason}")), soft_wrap=True)
    else:
        say(plain(f"{_name(switched.reaction)}: there is no pause of it."))


def _tell(pause: Pause) -> None:
    out = console()
    head = Text(f"{plain(_name(pause.reaction)):<{INDENT}}", style="bold")
    since = f"{pause.at.astimezone(UTC):%Y-%m-%d %H:%M} UTC" if pause.at else ""
    told = pause.problem or f"since {since}, by {pause.by}; events {'are dropped' if pause.drop else 'wait'}"
    out.print(head.append(plain(told), style=""), soft_wrap=True)
    if pause.note:
        out.print(Text(f"{'':<{INDENT}}{plain(pause.note)}", style="dim"), soft_wrap=True)
