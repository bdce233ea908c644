"""A Notice as a mail: subject, text and HTML. The only HTML of the project is in the templates beside this file."""

from dataclasses import dataclass
from pathlib import Path

from shared.mail.facts import short
from shared.mail.kinds import KINDS, Kind
from shared.mail.limits import LARGEST, TIGHT, USUAL, Limits
from shared.mail.links import studio_link
from shared.mail.templates import TEXT_WIDTH, find
from shared.mail.view import WORKSPACE_LENGTH, view
from shared.mail.wording import line
from shared.notices import Notice

__all__ = ["TEXT_WIDTH", "Content", "render", "studio_link"]

#: A subject of RFC 5322 may have 998 characters; past 200 no mail client shows any.
SUBJECT_LENGTH = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Content:
    """A rendered mail. *subject* is one line of at most 200 characters; *text* has lines of at most 78, links apart."""

    subject: str
    text: str
    html: str


def render(notice: Notice, *, folder: Path | None = None) -> Content:
    """Make a mail of *notice*: same notice, same bytes. *folder* has the team's own templates.

    No field can break out of its place: control and bidirectional characters are replaced, lengths are bounded, a
    link that is not https (for the studio: on ml.azure.com) is left out. A notice without *studio* gets the link to its
    run where its workspace is given as an ARM id.
    """
    kind = KINDS.get(notice.kind, Kind())
    content = _rendered(notice, kind, folder, USUAL)
    return content if len(content.html.encode()) <= LARGEST else _rendered(notice, kind, folder, TIGHT)


def _rendered(notice: Notice, kind: Kind, folder: Path | None, limits: Limits) -> Content:
    shown = view(notice, kind, limits)
    return Content(
        subject=subject(notice, kind),
        text=find(notice.kind, "txt", folder).render(shown).strip() + "\n",
        html=find(notice.kind, "html", folder).render(shown).strip() + "\n",
    )


def subject(notice: Notice, kind: Kind) -> str:
    """Return where, what and which.

    All mails of an incident have the same, without a run: mail programs make a thread of equal subjects only.
    """
    title = kind.title or line(notice.headline, 80) or "Notice"
    experiment, run = line(notice.experiment, 60), line(notice.run, 80)
    text = f"[{line(short(notice.workspace), WORKSPACE_LENGTH)}] {title}"
    text += f": {experiment}" if experiment else ""
    text += f" (run {run})" if run and notice.incident is None else ""
    return line(text, SUBJECT_LENGTH)
