"""What there is to do, and what became of it: frozen values, and the ids that make repeating harmless."""

import hashlib
import re
import uuid
from collections.abc import Mapping
from datetime import timedelta

import msgspec

#: Namespace of the mail Operation-Ids (RFC 9562, name based). Fixed for ever: another one would mail everything again.
MAIL_NAMESPACE = uuid.UUID("5f3f2d6e-2b0c-5d0e-9d57-9a4f5c1f7a10")

SLUG_LENGTH = 40

#: What a notice may measure in the ledger (characters of its JSON), so that it fits a table property of 32 Ki
#: characters with what stands beside it; and its cause thereof, which is cut. Tags that do not fit then are left out.
NOTICE_CHARACTERS = 28_000
CAUSE_CHARACTERS = 10_000


class SubmitJob(msgspec.Struct, frozen=True, kw_only=True, tag="submit-job"):
    """Start the job of *job* (a job file's path as reactions.yaml names it) in *workspace* (its ARM id)."""

    workspace: str
    job: str
    inputs: Mapping[str, str] = {}


class Notice(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What a mail says, as facts; the templates in shared/mail make text and HTML of it.

    *job* is the one that the same reaction starts, *why* the reason of its decision. Kept in the ledger before the
    first send, so that the body is the same at every attempt; *more_tags* is how many were left out there.
    """

    kind: str
    headline: str
    workspace: str
    experiment: str
    run: str
    status: str
    time: str
    reaction: str
    cause: str = ""
    job: str = ""
    why: str = ""
    tags: Mapping[str, str] = {}
    more_tags: int = 0
    studio: str = ""
    runbook: str = ""

    def bounded(self) -> "Notice":
        """Return what the ledger keeps: the cause up to CAUSE_CHARACTERS, and the tags that fit, by name."""
        cause = self.cause
        while (size := _characters(cause)) > CAUSE_CHARACTERS:
            cause = cause[: len(cause) * CAUSE_CHARACTERS // size - 1] + "\N{HORIZONTAL ELLIPSIS}"
        bare = msgspec.structs.replace(self, cause=cause, tags={}, more_tags=self.more_tags + len(self.tags))
        left = NOTICE_CHARACTERS - _characters(bare)
        kept: dict[str, str] = {}
        for name, value in sorted(self.tags.items()):
            size = _characters({name: value})
            if size <= left:
                kept[name] = value
                left -= size
        return msgspec.structs.replace(bare, tags=kept, more_tags=bare.more_tags - len(kept))


class SendMail(msgspec.Struct, frozen=True, kw_only=True, tag="send-mail"):
    """Mail *notice* to the addresses *to*."""

    to: tuple[str, ...]
    notice: Notice


type Action = SubmitJob | SendMail

#: No name of a reaction has it.
MAIL_BESIDE = ".mail"


def mail_beside(reaction: str) -> str:
    """Return the key of the mail of a reaction that starts a job as well; the job goes by the reaction's own name."""
    return f"{reaction}{MAIL_BESIDE}"


def reaction_of(key: str) -> str:
    """Return the name of the reaction that the action with this key belongs to."""
    return key.removesuffix(MAIL_BESIDE)


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
    24 hours that any trouble may last.
    """

    reason: str
    after: timedelta
    limit: timedelta | None = None


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
        return "-".join(part for part in (self.reaction, slug, self.digest[:12]) if part)

    def mail_id(self) -> str:
        """Operation-Id of the mail: the same UUID at every attempt."""
        return str(uuid.uuid5(MAIL_NAMESPACE, self.digest))


def _characters(value: object) -> int:
    """UTF-16 code units of *value* as JSON: what a table property counts."""
    return len(msgspec.json.encode(value).decode().encode("utf-16-le")) // 2
