"""What a mail tells in rows and lists: the run, its inputs, what has changed, tags, and what could not be read."""

import heapq
from collections.abc import Iterable, Iterator, Mapping

from shared.mail.limits import Limits
from shared.mail.links import STUDIO_HOST, https_link, studio_link
from shared.mail.wording import counted, line, moment
from shared.notices import Change, Notice
from shared.settings import WORKSPACE_ID

#: Names of tags, inputs and of what has changed.
KEY_LENGTH = 40

type Row = tuple[str, str, str]
"""Name, value, and a link or ""."""


def tables(notice: Notice, limits: Limits) -> Iterator[tuple[str, list[Row]]]:
    """Yield titles and rows of what is told as name and value."""
    if facts := [row for row in _facts(notice, limits) if row[1]]:
        of_no_run = "The event" if notice.reaction else "This mail"
        yield "The digest" if notice.entries else "The run" if notice.run else of_no_run, facts
    if notice.diagnosis and (inputs := notice.diagnosis.inputs):
        rows = [(name, value, "") for name, value in _first(inputs, limits.rows, limits.value)]
        yield "Inputs", rows + [("", left, "") for left in [more(inputs, limits.rows)] if left]


def _facts(notice: Notice, limits: Limits) -> Iterator[Row]:
    yield "Workspace", line(short(notice.workspace), limits.name), ""
    yield "Experiment", line(notice.experiment, limits.name), ""
    yield "Run", line(notice.run, limits.name), ""
    yield "Time", moment(notice.time), ""
    if found := notice.diagnosis:
        yield "Started by", line(found.started_by, limits.value), ""
        # Where there is an error it has the code beside it.
        yield "Error code", "" if found.error.strip() else line(found.code, limits.short), ""
        success = (moment(found.last_success_at), line(found.last_success, limits.name))
        link = https_link(page_of(notice.workspace, found.last_success), host=STUDIO_HOST)
        yield "Last success", ", ".join(part for part in success if part), link
    if incident := notice.incident:
        if incident.failures > 1:
            yield "Failures", str(incident.failures), ""
            yield "First failure", moment(incident.since), ""
        yield ("Resolved" if resolved(notice) else "Next reminder"), moment(incident.until), ""
    yield "Starts job", line(notice.job, limits.name), ""
    yield "Why", line(notice.why, limits.value), ""


def changes(notice: Notice, limits: Limits) -> list[Change]:
    """Shown only while there is something to find."""
    if notice.diagnosis is None or resolved(notice):
        return []
    return [
        Change(
            what=line(one.what, KEY_LENGTH), before=line(one.before, limits.short), after=line(one.after, limits.short)
        )
        for one in notice.diagnosis.changes[: limits.rows]
    ]


def lists(notice: Notice, limits: Limits) -> Iterator[tuple[str, list[str], str]]:
    """Yield titles, entries and how many there are besides."""
    runs = notice.incident.runs if notice.incident else ()
    if len(runs) > 1:
        yield (
            "Failed runs, newest first",
            [line(run, limits.short) for run in runs[: limits.rows]],
            more(runs, limits.rows),
        )
    if notice.tags or notice.more_tags:
        tags = [f"{name}: {value}" if value else name for name, value in _first(notice.tags, limits.rows, limits.short)]
        yield "Tags", tags, _more_tags(notice, limits)
    if notice.diagnosis and (unread := notice.diagnosis.unread):
        yield (
            "Could not be read",
            [line(one, limits.value) for one in unread[: limits.rows]],
            more(unread, limits.rows),
        )


def short(workspace: str) -> str:
    """Return the workspace's own name, where it is given as an ARM id."""
    return workspace.rstrip("/").rpartition("/")[2]


def page_of(workspace: str, run: str) -> str:
    """Return the address of a run or job, where *workspace* is an ARM id."""
    return studio_link(workspace, run) if run and WORKSPACE_ID.fullmatch(workspace) else ""


def resolved(notice: Notice) -> bool:
    """Tell whether the mail closes an incident."""
    return notice.incident is not None and notice.incident.stage == "resolved"


def _first(values: Mapping[str, str], rows: int, length: int) -> list[tuple[str, str]]:
    """Return the first by name, so that the order in which they were told does not matter."""
    return [(line(key, KEY_LENGTH), line(one, length)) for key, one in heapq.nsmallest(rows, values.items())]


def more(every: Iterable[object], shown: int, uncounted: int = 0) -> str:
    """Tell how many there are besides those shown; "" when there are none."""
    left = max(len(tuple(every)) - shown, 0) + uncounted
    return f"and {left} more" if left else ""


def _more_tags(notice: Notice, limits: Limits) -> str:
    left = max(len(notice.tags) - limits.rows, 0) + notice.more_tags
    if not left:
        return ""
    return f"and {counted(left, 'more tag')}" if notice.tags else f"{counted(left, 'tag')}, too large to be shown"
