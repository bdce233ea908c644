"""What the templates of mails may use: nothing of a notice reaches them but through here, and all of it harmless."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from shared.mail.facts import changes, lists, more, page_of, resolved, short, tables
from shared.mail.kinds import Kind, told
from shared.mail.limits import USUAL, Limits
from shared.mail.links import STUDIO_HOST, https_link
from shared.mail.measured import measured
from shared.mail.wording import counted, line, lines, moment
from shared.notices import DigestEntry, Notice

#: Azure ML allows names of workspaces of 33 characters.
WORKSPACE_LENGTH = 33
#: What may stand in a command that a person copies into a shell; anything else gets a place to fill in.
WORD = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,254}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """A line of a digest as it is shown."""

    subject: str
    headline: str
    told: str
    link: str


def view(notice: Notice, kind: Kind, limits: Limits = USUAL) -> Mapping[str, object]:
    """Return what the templates may use, by name."""
    head = told(notice, kind)
    place = line(short(notice.workspace), WORKSPACE_LENGTH)
    buttons = list(_buttons(notice))
    return {
        "colour": head.colour,
        "headline": head.headline,
        "preview": _preview(notice, head.status),
        "place": place,
        "status": head.status,
        "lead": head.lead,
        "blocks": list(_blocks(notice, limits)),
        **measured(notice, limits),
        "entries": [_entry(one, limits) for one in notice.entries[: limits.entries]],
        "more_entries": more(notice.entries, limits.entries, notice.more_entries),
        "buttons": buttons,
        "tables": list(tables(notice, limits)),
        "changes": changes(notice, limits),
        "more_changes": more(notice.diagnosis.changes if notice.diagnosis else (), limits.rows),
        "lists": list(lists(notice, limits)),
        "steps": list(_steps(notice, kind.first, head.last)),
        "commands": list(_commands(notice, kind)),
        "why_told": _why_told(notice, limits),
    }


def _preview(notice: Notice, status: str) -> str:
    """What a mailbox shows beside the subject: the error where there is one, else what and when."""
    parts = (line(notice.experiment, 60), line(notice.run, 80), status, moment(notice.time))
    return _telling(notice) or " · ".join(part for part in parts if part)


def _telling(notice: Notice) -> str:
    """The line of the error that tells most: the first, of a Python traceback the last."""
    if notice.diagnosis is None or resolved(notice):
        return ""
    error = notice.diagnosis.error.strip()
    return line(error.rpartition("\n")[2] if error.startswith("Traceback") else error.partition("\n")[0], 140)


def _blocks(notice: Notice, limits: Limits) -> Iterator[tuple[str, str, tuple[str, ...]]]:
    """Yield title, subtitle and lines of the error, and of what the event tells. They share the lines a mail has."""
    left = limits.lines - min(len(notice.measurements), limits.rows)
    found = notice.diagnosis
    if found and found.error.strip() and not resolved(notice):
        shown = lines(found.error, limit=left, width=limits.width)
        under = " · ".join(
            part for part in (line(found.step_name or found.step, limits.name), line(found.code, 80)) if part
        )
        left -= len(shown)
        yield "Error", under, shown
    if notice.cause.strip() and left > 0 and not (found and found.error.strip() == notice.cause.strip()):
        yield "Cause", "", lines(notice.cause, limit=left, width=limits.width)


def _buttons(notice: Notice) -> Iterator[tuple[str, str]]:
    """Yield what can be opened, the most useful first."""
    found = notice.diagnosis
    if found and not resolved(notice):
        yield from _button("Open failed step", page_of(notice.workspace, found.step), host=STUDIO_HOST)
    yield from _button("Open run in studio", notice.studio or page_of(notice.workspace, notice.run), host=STUDIO_HOST)
    yield from _button("Open the job it starts", page_of(notice.workspace, notice.job), host=STUDIO_HOST)
    yield from _button("Open runbook", notice.runbook)


def _button(label: str, link: str, *, host: str | None = None) -> Iterator[tuple[str, str]]:
    if good := https_link(link, host=host):
        yield label, good


def _steps(notice: Notice, first: str, last: str) -> Iterator[str]:
    """Yield what to do next, where a person has to do something."""
    if last:
        found = notice.diagnosis
        step = "the failed step" if found and found.step else "the run, find the first failed step"
        yield first or f"Open {step} and read its log (std_log.txt)."
        runbook = "; the runbook says how" if https_link(notice.runbook) else ""
        yield f"Fix the cause{runbook}. If it was only temporary, go on to 3."
        yield last


def _commands(notice: Notice, kind: Kind) -> Iterator[tuple[str, str]]:
    """Yield what an operator can say on the command line; an event's word stands in it only where no shell minds."""
    if not notice.reaction.strip():
        return
    if kind.last and not resolved(notice):
        experiment = _word(notice.experiment, "<experiment>")
        yield "No mails about this for a while", f"python -m ops silence {experiment} --until <date>"
        yield "Hold up everything this reaction does", f"python -m ops pause {_word(notice.reaction, '<reaction>')}"
    if notice.run.strip():
        yield "Ask what was decided, and why", f"python -m ops why {_word(notice.run, '<run>')}"


def _word(text: str, otherwise: str) -> str:
    return text if WORD.fullmatch(text) else otherwise


def _why_told(notice: Notice, limits: Limits) -> str:
    reaction = line(notice.reaction, limits.name)
    if not reaction:
        return "Workspace Reactor sent this mail by itself, to those whom reactions.yaml and the app settings name."
    return (
        f"You get this mail because the reaction {reaction} in reactions.yaml matched and names you as a recipient. "
        "To change who is told, or when, edit that reaction."
    )


def _entry(one: DigestEntry, limits: Limits) -> Entry:
    """A line of a digest; its place is told, as a digest may be about several workspaces."""
    since = f" since {moment(one.since)}" if one.since else ""
    parts = (
        f"{counted(one.failures, 'failure')}{since}",
        line(short(one.workspace), WORKSPACE_LENGTH),
        line(one.run, limits.short),
    )
    return Entry(
        subject=line(one.subject, limits.short) or "Unnamed",
        headline=line(one.headline, limits.value),
        told=" · ".join(part for part in parts if part),
        link=https_link(page_of(one.workspace, one.run), host=STUDIO_HOST),
    )
