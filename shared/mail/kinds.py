"""Kinds of mails: how each is told. A mail about an incident is told by the incident's stage as well."""

from collections.abc import Mapping
from dataclasses import dataclass

from shared.mail.measured import found, good
from shared.mail.wording import counted, line, moment
from shared.notices import Notice

ENDED = "It has ended and will not go on by itself; whatever waits for its results is still waiting."
CANCELED = "Somebody stopped it, or its time was up. Whatever waits for its results is still waiting."
STOPPED = "See in the studio who canceled it, or whether a time limit was up."
RESUBMIT = "Resubmit it. It gets a new run id."
NOT_LOOKED = "The model monitor could not look for drift. That is not to say that there is none."
SCHEDULED = "It runs again when its schedule says so. Until then nobody looks for drift."
JUDGED = "The job has measured it; the numbers are below."
UNJUDGED = "Neither passed nor failed: what the verdict would rest on is missing."
GUARDED = "A guard has held a reaction back: nothing was started."
MERGED = "These mails were merged into one. Nothing was left out: what is not listed is counted."
TEST = "Somebody asked for it, to see that mails arrive. Nothing has happened, and nothing is to be done."


@dataclass(frozen=True, slots=True, kw_only=True)
class Colour:
    """The one accent of a mail, and what goes with it: all with enough contrast on white, and in the dark."""

    accent: str
    pill: str
    pill_ink: str
    pill_dark: str


BAD = Colour(accent="#c4320a", pill="#fdebe4", pill_ink="#9a2706", pill_dark="#9a2c0c")
WARNING = Colour(accent="#b86e00", pill="#fdf1dc", pill_ink="#804d00", pill_dark="#7d4b04")
GOOD = Colour(accent="#1f7a47", pill="#e2f4e9", pill_ink="#175c35", pill_dark="#1d6a3f")
PLAIN = Colour(accent="#2563a8", pill="#e4eefa", pill_ink="#1c4b80", pill_dark="#28578c")


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """How one kind of notice is told.

    *title* begins the subject ("" takes the headline). *lead* is the sentence below the headline. *first* and *last*
    are steps of what to do; a kind without the last has none, one without the first begins with the failed step.
    """

    title: str = ""
    colour: Colour = PLAIN
    lead: str = ""
    first: str = ""
    last: str = ""


DRIFT = Kind(colour=WARNING)
#: A kind that is not here is told plainly.
KINDS: Mapping[str, Kind] = {
    "pipeline-failed": Kind(title="Pipeline failed", colour=BAD, lead=ENDED, last=RESUBMIT),
    "job-failed": Kind(title="Job failed", colour=BAD, lead=ENDED, last=RESUBMIT),
    "job-canceled": Kind(title="Canceled", colour=WARNING, lead=CANCELED, first=STOPPED, last=RESUBMIT),
    "monitor-failed": Kind(title="Model monitor failed", colour=BAD, lead=NOT_LOOKED, last=SCHEDULED),
    "data-drift": DRIFT,
    "model-registered": Kind(),
    "verdict-passed": Kind(colour=GOOD, lead=JUDGED),
    "verdict-failed": Kind(colour=BAD, lead=JUDGED),
    "verdict-inconclusive": Kind(colour=WARNING, lead=UNJUDGED),
    "reaction-finished": Kind(),
    "reaction-failed": Kind(colour=BAD, lead=ENDED),
    "held-back": Kind(colour=WARNING, lead=GUARDED),
    "digest": Kind(colour=BAD, lead=MERGED),
    "test": Kind(title="Test mail", lead=TEST),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """What stands at the head of one mail."""

    headline: str
    status: str
    lead: str
    colour: Colour
    last: str


def told(notice: Notice, kind: Kind) -> Told:
    """Say what has happened, in a line and a sentence.

    The subject is the same for a whole incident, so that its mails make one thread; its stage stands here.
    """
    incident = notice.incident
    what = line(notice.experiment, 100) or line(notice.headline, 100)
    head = Told(
        headline=line(notice.headline, 160) or "Notice",
        status=line(notice.status, 40),
        lead=found(notice) if kind is DRIFT else " ".join(part for part in (_first_failed(notice), kind.lead) if part),
        colour=GOOD if kind is DRIFT and good(notice) else kind.colour,
        last=kind.last,
    )
    if incident is None or incident.stage == "opened":
        return head
    times = counted(incident.failures, "time")
    since = f" since {moment(incident.since)}" if incident.since else ""
    if incident.stage == "reminder":
        return Told(
            headline=f"Still failing: {what}",
            status="Still failing",
            lead=f"It has failed {times}{since}. The newest failure is below. {_first_failed(notice)}".strip(),
            colour=kind.colour,
            last=kind.last,
        )
    return Told(
        headline=f"Resolved: {what}",
        status="Resolved",
        lead=f"It has succeeded again. Before that it had failed {times}{since}. Nothing needs to be done.",
        colour=GOOD,
        last="",
    )


def _first_failed(notice: Notice) -> str:
    """Name the step that the diagnosis found; "" where there is none."""
    diagnosis = notice.diagnosis
    step = line(diagnosis.step_name or diagnosis.step, 100) if diagnosis else ""
    if not diagnosis or not step:
        return ""
    return f"The step {step} failed first."
