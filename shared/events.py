"""Events as they are told, in both schemas and any key case, made into one envelope.

Facts: Azure ML publishes camelCase keys, documents PascalCase ones, and mixes them in captured events; a model
version is an int in the docs and a string on the wire; `runTags`, `runProperties` and `runType` may be null or
absent. So keys are read without regard to case, and a version is text.
"""

from abc import abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, ClassVar

from shared.errors import MalformedError
from shared.lineage import Origin, Started
from shared.reports import Report

EVENT_TYPE_PREFIX = "Microsoft.MachineLearningServices."
#: An Event Grid event is at most 1 MB; ids, types and subjects are far shorter than this.
TEXT_LIMIT = 4096


def moment(text: str) -> datetime | None:
    """Read a time as UTC, None where it is none; Azure's times without an offset are UTC."""
    try:
        time = datetime.fromisoformat(text)
        return time.replace(tzinfo=UTC) if time.tzinfo is None else time.astimezone(UTC)
    except (ValueError, OverflowError):
        return None


@dataclass(frozen=True, slots=True, kw_only=True)
class Envelope:
    """What every event says about itself. *workspace* is the topic (or source) as told; data keys are casefolded."""

    id: str
    type: str
    workspace: str
    subject: str
    time: str
    data: Mapping[str, Any]

    @property
    def at(self) -> datetime | None:
        """*time* as UTC, None where it is none."""
        return moment(self.time)

    def text(self, name: str) -> str:
        """Value of the data field *name*, required; an int is told as text. Raises MalformedError."""
        value = self.optional(name)
        if not value:
            raise MalformedError(f"data.{name} is missing or empty")
        return value

    def optional(self, name: str) -> str:
        """Value of the data field *name*, "" where it is absent or null. Raises MalformedError on another type."""
        value = self.data.get(name.casefold())
        if value is None:
            return ""
        if isinstance(value, bool) or not isinstance(value, (str, int)) or len(str(value)) > TEXT_LIMIT:
            raise MalformedError(f"data.{name} is not a short text")
        return str(value)

    def strings(self, name: str) -> Mapping[str, str]:
        """The string map *name* (tags, properties), empty where it is absent or null; null values are left out.

        Raises MalformedError when it is no object. Values are strings in every capture; others are told as text.
        """
        value = self.data.get(name.casefold())
        if value is None:
            return {}
        if not isinstance(value, dict):
            raise MalformedError(f"data.{name} is not an object")
        return {key: one if isinstance(one, str) else str(one) for key, one in value.items() if one is not None}


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """Something that happened in a workspace. A family subclasses it and says what it happened to.

    A *passing* one leaves a row only where a reaction has something to do about it.
    """

    family: ClassVar[str]
    passing: ClassVar[bool] = False

    envelope: Envelope

    @property
    def workspace(self) -> str:
        """ARM id of the workspace, as told; compare it without regard to case."""
        return self.envelope.workspace

    @property
    def workspace_name(self) -> str:
        """The workspace's own name, in lower case."""
        return self.workspace.rstrip("/").rpartition("/")[2].casefold()

    @property
    @abstractmethod
    def subject(self) -> str:
        """What it happened to: an always-present raw field, never configuration or a tag. Names the partition."""

    @property
    @abstractmethod
    def identity(self) -> str:
        """What happened, within workspace and family; the same however often and in whatever form it is told."""

    @property
    def label(self) -> str:
        """Short readable name, part of job names."""
        return self.subject

    @property
    def lineage(self) -> Mapping[str, str]:
        """The ``reactor_…`` properties that the event itself carries of what it happened to."""
        return {}

    @property
    def origin(self) -> Origin | None:
        """What made the subject: it has the lineage where the event carries none. None: nothing that can be asked."""
        return None

    @property
    def failed_run(self) -> str:
        """The failed job that a mail looks into; "" where the event is about no failure."""
        return ""

    @property
    def installation(self) -> str:
        """Whose doing it is that this happened; "" where it concerns every installation."""
        return ""

    @property
    def stamp(self) -> Mapping[str, str]:
        """What the jobs that follow carry of it, as ``reactor_…`` properties and tags; 1,000 characters each."""
        return {}

    def start(self, installation: str, generation: int) -> Started:
        """Return what a job tells of the event that *installation* starts it for, at that *generation* of it."""
        return Started(
            event=self.envelope.id,
            time=self.envelope.time,
            identity=f"{self.family}|{self.identity}",
            subject=self.subject,
            installation=installation,
            generation=generation,
        )

    @property
    def report(self) -> Report | None:
        """What it says of an incident of its subject; None: nothing."""
        return None

    @property
    def objection(self) -> str:
        """Why no job may follow, whatever the rules say; "" where one may. A mail may always."""
        return ""


@dataclass(frozen=True, slots=True)
class NotOurs:
    """A family's answer to an event it is not for, with the reason."""

    reason: str


def parse(told: object) -> Envelope:
    """Make decoded JSON an envelope. Raises MalformedError with the first thing that is wrong.

    ``specVersion`` (with a capital) stands in Microsoft's own CloudEvents examples; the schema is therefore
    told by the names of type and source, not by that key.
    """
    if not isinstance(told, dict):
        raise MalformedError("the event is not a JSON object")
    cloud = "type" in told and "eventType" not in told
    data = told.get("data")
    if not isinstance(data, dict):
        raise MalformedError("data is missing or not an object")
    return Envelope(
        id=_header(told, "id"),
        type=_header(told, "type" if cloud else "eventType"),
        workspace=_header(told, "source" if cloud else "topic"),
        subject=_header(told, "subject", required=False),
        time=_header(told, "time" if cloud else "eventTime", required=False),
        data={key.casefold(): value for key, value in data.items()},
    )


def _header(told: Mapping[str, object], name: str, *, required: bool = True) -> str:
    value = told.get(name)
    if value is None and not required:
        return ""
    if not isinstance(value, str) or (required and not value) or len(value) > TEXT_LIMIT:
        raise MalformedError(f"{name} is missing or not a short text")
    return value
