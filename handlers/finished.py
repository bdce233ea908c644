"""The event that a job which a reaction started is over: what it is known by, and what goes on with what follows."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta

from shared.events import Event, moment
from shared.lineage import EVENT_TIME, MODEL, RootRun, ours

#: How an end is called in a mail.
ENDS = {"completed": "completed", "failed": "failed", "canceled": "was canceled"}


@dataclass(frozen=True, slots=True, kw_only=True)
class ReactionFinished(Event):
    """The job *job*, which *reaction* started, is over; *cause* is the event it was started for, `family|identity`.

    *generation* is which repetition of that by hand; *about* is its subject; *model* and *version* are those it began
    with, where it was a model; *verdict* is the one on the job, where its rule asks for one, and *judged* why.
    """

    family = "reaction-finished"

    job: str
    reaction: str
    outcome: str
    cause: str
    generation: int
    about: str
    model: str | None
    version: str
    started_by: str
    experiment: str
    tags: Mapping[str, str]
    properties: Mapping[str, str]
    verdict: str | None = None
    judged: str = ""

    @property
    def subject(self) -> str:
        """That of the event which started the job: what follows from a model stays with it, and counts for it."""
        return self.about

    @property
    def identity(self) -> str:
        """The job: it ends once."""
        return self.job

    @property
    def label(self) -> str:
        """The model version where there is one, so that jobs that follow are named after it too."""
        return f"{self.model}:{self.version}" if self.model else self.about

    @property
    def lineage(self) -> Mapping[str, str]:
        """The job carries the chain that led to it."""
        return ours(self.properties)

    @property
    def origin(self) -> RootRun:
        """The job itself."""
        return RootRun(id=self.job)

    @property
    def installation(self) -> str:
        """The one that started it."""
        return self.started_by

    @property
    def stamp(self) -> Mapping[str, str]:
        """The model version goes on with what follows."""
        return {MODEL: self.label} if self.model else {}

    @property
    def ended(self) -> str:
        """When, in UTC as `2026-11-24T09:12:00Z`; "" where nobody tells."""
        at = self.envelope.at
        return at.isoformat().replace("+00:00", "Z") if at else ""

    @property
    def elapsed(self) -> timedelta | None:
        """From the event that started the job to its end; None where the times do not tell."""
        began, ended = moment(self.properties.get(EVENT_TIME, "")), self.envelope.at
        return ended - began if began and ended and ended >= began else None
