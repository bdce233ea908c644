"""What there is to do, and what became of it: frozen values, and the ids that make repeating harmless."""

import hashlib
import re
import uuid
from collections.abc import Mapping
from datetime import timedelta
from typing import Literal

import msgspec

from shared.notices import Notice
from shared.published import Published
from shared.verdicts import Yardstick

#: Namespace of the mail Operation-Ids (RFC 9562, name based). Fixed for ever: another one would mail everything again.
MAIL_NAMESPACE = uuid.UUID("5f3f2d6e-2b0c-5d0e-9d57-9a4f5c1f7a10")

SLUG_LENGTH = 40
#: How many digits of the digest the name of a job ends in.
NAMED_DIGITS = 12


class SubmitJob(msgspec.Struct, frozen=True, kw_only=True, tag="submit-job"):
    """Start the job of *job* (a job file's path as reactions.yaml names it) in *workspace* (its ARM id)."""

    workspace: str
    job: str
    inputs: Mapping[str, str] = {}


#: How urgent a mail is: at once before all others, at once, or once a day.
type Priority = Literal["critical", "normal", "digest"]


class SendMail(msgspec.Struct, frozen=True, kw_only=True, tag="send-mail"):
    """Mail *notice* to the addresses *to*; *failed_run* is looked into before, and told of ("": nothing is)."""

    to: tuple[str, ...]
    notice: Notice
    priority: Priority = "normal"
    failed_run: str = ""


class GiveVerdict(msgspec.Struct, frozen=True, kw_only=True, tag="give-verdict"):
    """Judge by *yardstick* what *job*, which ended with *outcome*, has measured."""

    workspace: str
    job: str
    outcome: str
    yardstick: Yardstick


class WriteTags(msgspec.Struct, frozen=True, kw_only=True, tag="write-tags"):
    """Have *tags* on version *version* of *model*; the tag *at* says when: a later one that stands there is left."""

    workspace: str
    model: str
    version: str
    tags: Mapping[str, str]
    at: str


class Publish(msgspec.Struct, frozen=True, kw_only=True, tag="publish"):
    """Tell *event* to others."""

    event: Published


#: What is done about the end of a job besides what rules ask for.
type Closing = GiveVerdict | WriteTags | Publish
type Action = SubmitJob | SendMail | Closing

#: No name of a reaction has a dot.
MAIL_BESIDE, ALERT_BESIDE, VERDICT_ON, TAGS_OF = ".mail", ".alert", ".verdict", ".tags"
FINISHED_TOLD, VERDICT_TOLD, LETTER_TOLD = ".finished-event", ".verdict-event", ".letter-event"


def mail_beside(reaction: str) -> str:
    """Return the key of the mail of a reaction that starts a job as well; the job goes by the reaction's own name."""
    return f"{reaction}{MAIL_BESIDE}"


def alert_beside(reaction: str) -> str:
    """Return the key of the mail that tells Ops that a guard held the reaction back."""
    return f"{reaction}{ALERT_BESIDE}"


def verdict_on(reaction: str) -> str:
    """Return the key of the verdict on a job of the reaction."""
    return f"{reaction}{VERDICT_ON}"


def tags_of(reaction: str) -> str:
    """Return the key of the tags that tell the verdict on a job of the reaction."""
    return f"{reaction}{TAGS_OF}"


def finished_told(reaction: str) -> str:
    """Return the key of the event that tells others of the end of a job of the reaction."""
    return f"{reaction}{FINISHED_TOLD}"


def verdict_told(reaction: str) -> str:
    """Return the key of the event that tells others of the verdict on a job of the reaction."""
    return f"{reaction}{VERDICT_TOLD}"


def letter_told(reaction: str) -> str:
    """Return the key of the event that tells others of a dead letter of the reaction."""
    return f"{reaction}{LETTER_TOLD}"


def reaction_of(key: str) -> str:
    """Return the name of the reaction that the action with this key belongs to."""
    return key.partition(".")[0]


class Done(msgspec.Struct, frozen=True, tag="done"):
    """The effect exists. *receipt* is the job's name or the mail's Operation-Id; *note* how we know."""

    receipt: str
    note: str = ""


class Failed(msgspec.Struct, frozen=True, tag="failed"):
    """Refused for good; repeating will not help. *reason* starts with a code, then says what to do."""

    reason: str


class Deferred(msgspec.Struct, frozen=True, tag="deferred"):
    """Later: the message goes back into the queue for at least *after*.

    *limit* is how long this reason may last without a break before it counts as a refusal; None leaves it to the
    24 hours that any trouble may last. What waits on purpose is no *trouble*, and may last. *quota*: the provider takes
    nothing more of anybody before that.
    """

    reason: str
    after: timedelta
    limit: timedelta | None = None
    trouble: bool = True
    quota: bool = False


type Outcome = Done | Failed | Deferred


class Operation(msgspec.Struct, frozen=True, kw_only=True):
    """Whose effect this is: the parts every derived id is made of.

    *identity* is what happened (not how often it was told), within *workspace*; *generation* is 0 but for an
    event that an operator repeats on purpose.
    """

    installation: str
    workspace: str
    identity: str
    reaction: str
    generation: int = 0

    @property
    def digest(self) -> str:
        """64 hex characters; equal exactly when all parts are equal (the workspace without regard to case)."""
        parts = (
            self.installation,
            self.workspace.casefold(),
            self.identity,
            str(self.generation),
            self.reaction,
        )
        return hashlib.sha256("\0".join(parts).encode()).hexdigest()

    def job_name(self, subject: str) -> str:
        """Name of the job: readable, ends in 12 hex of the digest; Azure ML refuses a second one of that name.

        Matches ``^[a-zA-Z0-9][a-zA-Z0-9-_]{0,254}$``, the rule for job names.
        """
        slug = re.sub(r"[^a-z0-9]+", "-", subject.casefold())[:SLUG_LENGTH].strip("-")
        return "-".join(part for part in (self.reaction, slug, self.digest[:NAMED_DIGITS]) if part)

    def mail_id(self) -> str:
        """Operation-Id of the mail: the same UUID at every attempt."""
        return str(uuid.uuid5(MAIL_NAMESPACE, self.digest))

    def effect(self, action: Action, subject: str) -> str:
        """Return the id of what *action* brings about."""
        match action:
            case SubmitJob():
                return self.job_name(subject)
            case SendMail():
                return self.mail_id()
            case _:
                return self.digest[:32]
