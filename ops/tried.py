"""`python -m ops try`: the whole decision about an event, for every reaction, without any effect and without Azure."""

from typing import Annotated

import typer

from ops.judgement import Judged, judge
from ops.options import HERE, AsJson, File, Folder, SettingsFile
from ops.problems import DONE, USAGE, OpsError, usage
from ops.rules import rules_or_complaint
from ops.settings_at_hand import AtHand, at_hand
from ops.terminal import complain, console, plain, put_json, say
from ops.told import read_events
from ops.trial import INSTALLATION
from ops.tried_rendering import by_hand_in, judged_json, tell_judged
from shared.reactions import Reactions
from shared.yaml_document import did_you_mean


def command(
    event: Annotated[str, typer.Argument(metavar="EVENT.json", help="A file of events, or - for standard input.")],
    *,
    reaction: Annotated[str | None, typer.Option("--reaction", metavar="NAME", help="Only what this one does.")] = None,
    folder: Folder = HERE,
    file: File = None,
    settings: SettingsFile = None,
    as_json: AsJson = False,
) -> None:
    """Tell what each reaction would do about an event, and which condition fails first. Nothing is done."""
    try:
        known = at_hand(settings)
        reactions = rules_or_complaint(folder, known.reactions_file(file), addresses=known.addresses)
        _check_name(reaction, reactions)
        judged = [
            judge(told, reactions, installation=known.installation or INSTALLATION, workspaces=known.workspaces)
            for told in read_events(event)
        ]
        hand = by_hand_in(folder)
        if as_json:
            put_json({"events": [judged_json(one, hand, reaction) for one in judged]})
        else:
            for one in judged:
                tell_judged(console(), one, hand, reaction)
            _tell_what_is_assumed(judged, known)
    except OpsError as error:
        raise complain(error, as_json=as_json) from None
    raise typer.Exit(USAGE if any(one.problem for one in judged) else DONE)


def _check_name(name: str | None, reactions: Reactions) -> None:
    names = [rule.name for rule in reactions.rules]
    if name is not None and name not in names:
        hint = did_you_mean(name, names) or f"; there are: {', '.join(names) or 'none'}"
        raise usage(f"there is no reaction {plain(name)!r}{hint}")


def _tell_what_is_assumed(judged: list[Judged], known: AtHand) -> None:
    acting = [verdict for one in judged for verdict in one.verdicts if verdict.acts]
    if acting and not known.installation:
        say("Names of jobs are those of an installation called 'try': INSTALLATION is not at hand.")
    if acting and not known.workspaces:
        say("Any workspace is taken for one of ours: WORKSPACES is not at hand.")
