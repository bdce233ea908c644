"""A Notice as a mail: subject, text and HTML. The only HTML of the project is in the templates beside this file."""

import heapq
import textwrap
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from shared.actions import Notice
from shared.mail.links import STUDIO_HOST, https_link, studio_link
from shared.mail.wording import line, lines, moment
from shared.settings import WORKSPACE_ID

if TYPE_CHECKING:
    from jinja2 import Environment

__all__ = ["Content", "render", "studio_link"]

#: A subject of RFC 5322 may have 998 characters; past 200 no mail client shows any.
SUBJECT_LENGTH = 200

#: What fits a text mail in a terminal of 80 columns with the margin mail programs leave.
TEXT_WIDTH = 78

#: Limits of what is shown, in characters, lines and tags. Azure ML allows
#: run ids of 255 characters and workspace names of 33.
NAME_LENGTH = 255
WORKSPACE_LENGTH = 33
HEADLINE_LENGTH = 160
WHY_LENGTH = 200
CAUSE_LINES = 30
CAUSE_WIDTH = 300
TAGS = 12
TAG_NAME_LENGTH = 40
TAG_VALUE_LENGTH = 80


@dataclass(frozen=True, slots=True, kw_only=True)
class Content:
    """A rendered mail. *subject* is one line of at most 200 characters; *text* has lines of at most 78, links apart."""

    subject: str
    text: str
    html: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """How one kind of notice is told. *title* begins the subject ("" takes the headline), *template* is a file name."""

    title: str
    template: str


#: A kind that is not here is told with the plain layout.
KINDS: Mapping[str, Kind] = {
    "pipeline-failed": Kind(title="Pipeline failed", template="pipeline-failed"),
    "job-failed": Kind(title="Job failed", template="pipeline-failed"),
}
PLAIN = Kind(title="", template="layout")


def render(notice: Notice) -> Content:
    """Make a mail of *notice*: same notice, same bytes.

    No field can break out of its place: control and bidirectional characters are replaced, lengths are bounded, a
    link that is not https (for the studio: on ml.azure.com) is left out. A notice without *studio* gets the link to its
    run where its workspace is given as an ARM id.
    """
    kind = KINDS.get(notice.kind, PLAIN)
    view = _view(notice)
    environment = _environment()
    return Content(
        subject=_subject(notice, kind),
        text=environment.get_template(f"{kind.template}.txt.j2").render(view).strip() + "\n",
        html=environment.get_template(f"{kind.template}.html.j2").render(view).strip() + "\n",
    )


def _subject(notice: Notice, kind: Kind) -> str:
    title = kind.title or line(notice.headline, 80) or "Notice"
    experiment, run = line(notice.experiment, 60), line(notice.run, 80)
    subject = f"[{line(_short(notice.workspace), WORKSPACE_LENGTH)}] {title}"
    subject += f": {experiment}" if experiment else ""
    subject += f" (run {run})" if run else ""
    return line(subject, SUBJECT_LENGTH)


def _view(notice: Notice) -> dict[str, object]:
    """What the templates may use: nothing of the notice reaches them but through here."""
    workspace = line(_short(notice.workspace), NAME_LENGTH)
    status, time = line(notice.status, 40), moment(notice.time)
    experiment, run = line(notice.experiment, NAME_LENGTH), line(notice.run, NAME_LENGTH)
    facts = (
        ("Workspace", workspace),
        ("Experiment", experiment),
        ("Run", run),
        ("Status", status),
        ("Time", time),
        ("Starts job", line(notice.job, NAME_LENGTH)),
        ("Why", line(notice.why, WHY_LENGTH)),
    )
    return {
        "headline": line(notice.headline, HEADLINE_LENGTH) or "Notice",
        "preview": " · ".join(part for part in (experiment, run, status, time) if part),
        "place": line(workspace, WORKSPACE_LENGTH),
        "status": status,
        "facts": [(name, value) for name, value in facts if value],
        "tags": _tags(notice.tags),
        "more_tags": _more_tags(notice),
        "cause": lines(notice.cause, limit=CAUSE_LINES, width=CAUSE_WIDTH),
        "reaction": line(notice.reaction, NAME_LENGTH),
        "studio": https_link(notice.studio or _page_of(notice, notice.run), host=STUDIO_HOST),
        "job": https_link(_page_of(notice, notice.job), host=STUDIO_HOST),
        "runbook": https_link(notice.runbook),
    }


def _page_of(notice: Notice, run: str) -> str:
    """Address of a run or job, where the notice names its workspace by its ARM id."""
    known = run and WORKSPACE_ID.fullmatch(notice.workspace)
    return studio_link(notice.workspace, run) if known else ""


def _short(workspace: str) -> str:
    """The workspace's own name, where it is given as an ARM id."""
    return workspace.rstrip("/").rpartition("/")[2]


def _tags(tags: Mapping[str, str]) -> list[tuple[str, str]]:
    """The first tags by name, so that the order in which they were told does not matter."""
    first = heapq.nsmallest(TAGS, tags.items())
    return [(line(name, TAG_NAME_LENGTH), line(value, TAG_VALUE_LENGTH)) for name, value in first]


def _more_tags(notice: Notice) -> str:
    """Tell how many tags there are besides those shown; "" when there are none."""
    more = max(len(notice.tags) - TAGS, 0) + notice.more_tags
    if not more:
        return ""
    tags = "tag" if more == 1 else "tags"
    return f"and {more} more {tags}" if notice.tags else f"{more} {tags}, too large to be shown"


@cache
def _environment() -> "Environment":
    """Jinja2, imported and set up at the first mail: most events send none."""
    from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape  # noqa: PLC0415 - see above

    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent),
        autoescape=select_autoescape(enabled_extensions=("html.j2",), default=False),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
    )
    environment.filters["wrap"] = _wrap
    environment.filters["pairs"] = _pairs
    return environment


def _wrap(text: str, first: str = "", rest: str = "") -> str:
    """*text* in lines of TEXT_WIDTH, the first one after *first*, the others after *rest*."""
    return (
        textwrap.fill(text, TEXT_WIDTH, initial_indent=first, subsequent_indent=rest, break_on_hyphens=False) or first
    )


def _pairs(pairs: Iterable[tuple[str, str]]) -> str:
    """Tags in one line of text."""
    return ", ".join(f"{name}: {value}" if value else name for name, value in pairs)
