"""`python -m ops validate`: reactions, job files, compiled templates and settings together, every problem at once."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import typer
from rich.text import Text

from handlers import reaction_finished
from handlers.model_registered import ModelRegistered
from ops.compile import job_files, outdated
from ops.options import HERE, AsJson, File, Folder, SettingsFile
from ops.problems import DONE, NOT_ALL, OpsError
from ops.rules import read_rules
from ops.settings_at_hand import AtHand, at_hand
from ops.terminal import complain, console, plain, put_json, say
from ops.trial import guards_in_words
from ops.wording import by_hand_any, sentence
from shared.errors import ConfigurationError
from shared.events import Envelope
from shared.job_templates import load_template
from shared.mail.overrides import FOLDER, checked
from shared.reactions import Reaction
from shared.reactions.conditions import Place, first_failing, holds, words
from shared.settings import load
from shared.yaml_document import did_you_mean


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """What is wrong, what may be, and the reactions where they can be read; *settings* says which were checked."""

    problems: tuple[str, ...]
    warnings: tuple[str, ...]
    settings: str
    reactions: tuple[Reaction, ...]


def command(
    *, folder: Folder = HERE, file: File = None, settings: SettingsFile = None, as_json: AsJson = False
) -> None:
    """Check reactions, job files, compiled files and settings together, and say in words what each reaction does."""
    try:
        found = examine(folder, file, at_hand(settings))
    except OpsError as error:
        raise complain(error, as_json=as_json) from None
    if as_json:
        put_json(_document(found, folder))
    else:
        _tell(found, folder)
    raise typer.Exit(NOT_ALL if found.problems else DONE)


def examine(folder: Path, file: str | None, settings: AtHand) -> Found:
    """Look at everything, and go on after each problem."""
    problems: list[str] = []
    name = settings.reactions_file(file)
    reactions: tuple[Reaction, ...] = ()
    try:
        reactions = read_rules(folder, file=name, addresses=settings.addresses).rules
    except ConfigurationError as error:
        problems += error.problems
    problems += outdated(job_files(folder, name))
    try:
        checked((folder / name).parent / FOLDER)
    except ConfigurationError as error:
        problems += error.problems
    if settings.source:
        try:
            load(settings.values, folder=folder)
        except ConfigurationError as error:
            problems += error.problems
    return Found(
        problems=tuple(dict.fromkeys(problems)),
        warnings=tuple(_warnings(reactions, settings, empty=not problems and not reactions)),
        settings=settings.source,
        reactions=() if problems else reactions,
    )


def _warnings(reactions: tuple[Reaction, ...], settings: AtHand, *, empty: bool) -> Iterator[str]:
    if not settings.source:
        yield "settings were not checked: there are none of the service's in the environment; see --settings"
    if empty:
        yield "there is no reaction: nothing will ever happen"
    for reaction in reactions:
        if reason := _never_follows(reaction, reactions):
            yield f"{reaction.name}: never acts: {reason}"
        wanted = getattr(reaction.when, "workspace", None)
        if wanted is not None and settings.workspaces and not any(_fits(reaction, one) for one in settings.workspaces):
            names = ", ".join(sorted(workspace.rpartition("/")[2] for workspace in settings.workspaces))
            yield f"{reaction.name}: never acts: it wants the workspace {words(wanted)}, and WORKSPACES has {names}"


def _never_follows(reaction: Reaction, reactions: tuple[Reaction, ...]) -> str:
    """Say why no job of *reactions* brings *reaction* about, "" where one does, or where it is about other events."""
    if not isinstance(reaction.when, reaction_finished.When):
        return ""
    wanted, starting = reaction.when.reaction, {one.name: one for one in reactions if one.run}
    before = [one for name, one in starting.items() if wanted is None or holds(wanted, name)]
    if not before:
        hint = did_you_mean(wanted, starting) if isinstance(wanted, str) else ""
        return f"no reaction that starts jobs is called {words(wanted)}{hint}"
    if reaction.when.verdict is not None and not any(one.run and one.run.verdict for one in before):
        names = " and ".join(one.name for one in before)
        return f"it wants a verdict, and {names} asks for none: give it `run: {{ verdict: … }}`"
    return ""


def _fits(reaction: Reaction, workspace: str) -> bool:
    """Ask the condition itself, with an event of that workspace."""
    envelope = Envelope(id="", type="", workspace=workspace, subject="", time="", data={})
    event = ModelRegistered(envelope=envelope, model="", version="", tags={}, properties={})
    return not first_failing(Place(workspace=reaction.when.workspace), event)


def _by_hand(reaction: Reaction, folder: Path) -> str:
    declared = load_template(folder / reaction.run.job).inputs if reaction.run else ()
    return by_hand_any(reaction, {one.name: one for one in declared})


def _document(found: Found, folder: Path) -> Mapping[str, object]:
    return {
        "ok": not found.problems,
        "problems": list(found.problems),
        "warnings": list(found.warnings),
        "settings": found.settings or None,
        "reactions": [_reaction_json(reaction, _by_hand(reaction, folder)) for reaction in found.reactions],
    }


def _reaction_json(reaction: Reaction, by_hand: str) -> Mapping[str, object]:
    return {
        "name": reaction.name,
        "on": reaction.on,
        "does": sentence(reaction),
        "job": reaction.run.job if reaction.run else None,
        "recipients": list(reaction.to),
        "guards": list(guards_in_words(reaction.guards)),
        "by_hand": by_hand or None,
    }


def _tell(found: Found, folder: Path) -> None:
    out = console()
    for reaction in found.reactions:
        out.print(Text(plain(reaction.name), style="bold"), soft_wrap=True)
        out.print(Text(f"  {plain(sentence(reaction))}"), soft_wrap=True)
        if by_hand := _by_hand(reaction, folder):
            out.print(Text(f"  by hand: {plain(by_hand)}", style="dim"), soft_wrap=True)
    for problem in found.problems:
        say(plain(f"problem: {problem}"))
    for warning in found.warnings:
        say(plain(f"warning: {warning}"))
    if found.settings and not found.problems:
        say(f"The settings of {plain(found.settings)} are good.")
