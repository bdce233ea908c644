"""`python -m ops preview`: what changed reactions would have done with the events that there were."""

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Annotated

import typer

from ops.backtest import Tellings, in_order, play
from ops.choice import since
from ops.comparison import compare
from ops.dead_letters import Account, ConnectionString, session
from ops.options import HERE, AsJson, File, Folder, SettingsFile
from ops.preview_markdown import markdown
from ops.preview_rendering import Preview, preview_json, tell_preview
from ops.problems import DONE, NOT_ALL, OpsError, usage
from ops.settings_at_hand import AtHand, at_hand
from ops.terminal import complain, console, plain, put_json, say
from ops.told import Told, read_events, read_folder
from ops.trial import INSTALLATION
from ops.versions import Version, version_against, version_of

SAMPLES = "samples"


Against = Annotated[
    str, typer.Option("--against", metavar="REF|FILE|DIR", help="The old reactions: a commit, a file, a project.")
]
Events = Annotated[
    Path | None,
    typer.Option("--events", metavar="DIR", help="Events to play: a folder or a file; else samples/ of the project."),
]
Since = Annotated[
    str | None, typer.Option("--since", metavar="TIME", help="Instead: those on record in the ledger, e.g. 30d.")
]
AsMarkdown = Annotated[bool, typer.Option("--markdown", help="Markdown, for a comment on a pull request.")]
FailOnChange = Annotated[bool, typer.Option("--fail-on-change", help="Exit 1 when a job or mail differs.")]


def command(
    *,
    against: Against,
    events: Events = None,
    back: Since = None,
    as_markdown: AsMarkdown = False,
    fail_on_change: FailOnChange = False,
    folder: Folder = HERE,
    file: File = None,
    settings: SettingsFile = None,
    account: Account = None,
    connection_string: ConnectionString = None,
    as_json: AsJson = False,
) -> None:
    """Play events through the old and the new reactions, and show which jobs and mails come, go or change.

    Nothing is started or sent. Guards count, by the times of the events.
    """
    try:
        wrong = {
            "--markdown and --json exclude each other": as_markdown and as_json,
            "--events and --since exclude each other": back is not None and events is not None,
            "--account and --connection-string are for --since": back is None and bool(account or connection_string),
        }
        if found := [problem for problem, holds in wrong.items() if holds]:
            raise usage("; ".join(found))
        known = at_hand(settings)
        name = known.reactions_file(file)
        old, new = _versions(against, folder, name, known)
        told = _recorded(back, account, connection_string) if back is not None else _kept(events or folder / SAMPLES)
        preview = _preview(old, new, in_order(told, known.workspaces), known)
    except OpsError as error:
        raise complain(error, as_json=as_json) from None
    _tell(preview, as_json=as_json, as_markdown=as_markdown)
    raise typer.Exit(NOT_ALL if fail_on_change and preview.comparison.changes else DONE)


def _versions(against: str, folder: Path, file: str, known: AtHand) -> tuple[Version, Version]:
    """Read both versions. Raises OpsError with the problems of both."""
    read: tuple[Callable[[], Version], ...] = (
        lambda: version_against(against, folder, file, addresses=known.addresses),
        lambda: version_of(folder, file, addresses=known.addresses),
    )
    found: list[Version] = []
    errors: list[OpsError] = []
    for one in read:
        try:
            found.append(one())
        except OpsError as error:
            errors.append(error)
    if len(errors) > 1:
        details = [*errors[0].details, *errors[1].details]
        problem = f"{errors[0].problem}; {errors[1].problem}"
        raise OpsError(problem, errors[0].remedy, code=max(error.code for error in errors), details=details)
    if errors:
        raise errors[0]
    return found[0], found[1]


def _recorded(back: str, account: str | None, connection_string: str | None) -> list[Told]:
    """Read the ledger's events. Raises OpsError."""
    span = since(back)
    with session(account, connection_string) as state:
        return list(state.history.back(span, state.large_events)) if span else []


def _kept(events: Path) -> Iterable[Told]:
    """Read the events of a folder or a file. Raises OpsError."""
    return read_events(str(events)) if events.is_file() else read_folder(events)


def _preview(old: Version, new: Version, tellings: Tellings, known: AtHand) -> Preview:
    installation = known.installation or INSTALLATION
    before, after = (play(tellings.all, version.reactions, installation=installation) for version in (old, new))
    return Preview(
        against=old.name,
        events=sum(not one.event.passing for one in after.values()),
        tellings=tellings,
        comparison=compare(before, after, changed_jobs=new.changed_jobs(old)),
    )


def _tell(preview: Preview, *, as_json: bool, as_markdown: bool) -> None:
    out = console()  # also has what the terminal cannot show be told as escapes
    if as_json:
        put_json(preview_json(preview))
    elif as_markdown:
        typer.echo(markdown(preview), nl=False)
    else:
        tell_preview(out, preview)
    for refused in preview.tellings.refused:
        say(f"warning: {plain(refused)}")
