"""The edges: what the core asks of Azure, as Protocols. One module each carries them out."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Protocol

from shared.actions import Deferred, Outcome, Publish, SendMail, SubmitJob, WriteTags
from shared.lineage import Origin
from shared.messages import Message
from shared.notices import Diagnosis
from shared.verdicts import Measured


class Jobs(Protocol):
    """Azure ML jobs."""

    def submit(self, action: SubmitJob, *, name: str, properties: Mapping[str, str], repeated: bool) -> Outcome:
        """Start the job under *name*: one PUT.

        *properties* are stamped on the job (as properties and as tags). "It exists already" is Done when
        *repeated* (an earlier attempt is on record); on a first attempt the job is read once and its
        ``reactor_operation`` property compared: another one is Failed ("name taken").
        """
        ...


class Lineages(Protocol):
    """What led to an event, as Azure ML keeps it."""

    def read(self, workspace: str, origin: Origin) -> Mapping[str, str] | Deferred:
        """Return the ``reactor_…`` properties of the job that *origin* comes from; empty when no job of ours made it.

        At most three requests, and one more for the first in a workspace. Deferred, with the reason, when Azure ML
        does not tell.
        """
        ...


class Runs(Protocol):
    """Azure ML's run history."""

    def diagnose(self, workspace: str, run: str, *, experiment: str) -> Diagnosis:
        """Return what can be found out about a failed job, in a few seconds at most.

        Raises nothing: what could not be read is told in `unread`. Redacted, and of a size that fits its row.
        """
        ...


class Measurements(Protocol):
    """What jobs have measured."""

    def read(self, workspace: str, job: str, *, step: str = "") -> Measured | Deferred | None:
        """Return metrics and tags of *job*, or of its step of that name; None where there is no such run.

        One request, and one or more for the steps. Deferred, with the reason, when Azure ML does not tell.
        """
        ...


class ModelTags(Protocol):
    """Tags of model versions."""

    def write(self, action: WriteTags, *, repeated: bool) -> Outcome:
        """Have the tags on the model version, and nothing else changed: one read, and one write where they are not.

        Done once they are read back by a later call (*repeated*). A version that is gone is Done too.
        """
        ...


class Outcomes(Protocol):
    """The topic for others."""

    def publish(self, action: Publish) -> Outcome:
        """Publish the event: one request. Told again it has the same id."""
        ...


class MailService(Protocol):
    """Communication Services mail."""

    def send(self, action: SendMail, *, operation: str, first_sent: datetime) -> Outcome:
        """Send once: one POST with *operation* as Operation-Id and *first_sent* for the repeatability window."""
        ...

    def find(self, operation: str) -> bool | Deferred:
        """Ask whether the service knows *operation*; one GET."""
        ...


class Mail(MailService, Protocol):
    """The same, within what the service allows."""

    def divert(self, action: SendMail, *, operation: str, at: datetime) -> Outcome | None:
        """Reserve an attempt; or say what becomes of a mail that may not go *at* this time. Raises StorageError."""
        ...


class Queue(Protocol):
    """The queue of workspace events."""

    def send(self, message: bytes, *, after: timedelta = timedelta()) -> None:
        """Put *message* (JSON) in, visible after *after*; raises StorageError."""
        ...


class Blobs(Protocol):
    """Named bytes in one container: dead letters, and events too large for a message."""

    def put(self, name: str, content: bytes, *, metadata: Mapping[str, str] | None = None) -> None:
        """Write; the same name again is the same content, so an existing blob is left alone. Raises StorageError."""
        ...

    def get(self, name: str) -> bytes | None:
        """Read, or None when there is none of that name. Raises StorageError."""
        ...


class DeadLetters(Protocol):
    """What needs a person, with the reason."""

    def keep_raw(self, raw: bytes, *, reason: str) -> str:
        """Keep what cannot be read, and return its name. Raises StorageError."""
        ...

    def keep_event(self, message: Message, *, row: str, failure: str, reason: str) -> str:
        """Keep an event whose reaction failed, and return its name. Raises StorageError."""
        ...
