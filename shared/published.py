"""What is told to others: CloudEvents of our own, with ids that derive from what happened. docs/outcome-events.md.

They go to a custom topic. No family recognises them, so a topic that is wired back to the app starts nothing.
"""

from collections.abc import Mapping
from typing import Annotated, Literal

import msgspec

PREFIX = "WorkspaceReactor."


def says(text: str) -> msgspec.Meta:
    """Document a field, in the schema and in docs/outcome-events.md."""
    return msgspec.Meta(description=text)


class Model(msgspec.Struct, frozen=True, kw_only=True):
    """A model version."""

    name: Annotated[str, says("the model's name")]
    version: Annotated[str, says("its version, any text")]


class Finished(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Data of `WorkspaceReactor.ReactionFinished`: a job that a reaction started is over."""

    reaction: Annotated[str, says("the reaction that started the job")]
    job: Annotated[str, says("the job's name")]
    outcome: Annotated[Literal["completed", "failed", "canceled"], says("how it ended")]
    workspace: Annotated[str, says("ARM id of the workspace")]
    experiment: Annotated[str, says("the job's experiment")]
    cause: Annotated[str, says("the event that the job was started for: family and identity, with a bar between them")]
    chain: Annotated[tuple[str, ...], says("the reactions that led to the job, its own last")]
    model: Annotated[Model | None, says("the model version that it began with; absent where it was none")] = None
    seconds: Annotated[int | None, says("from that event to the end; absent where the times do not tell")] = None


class VerdictGiven(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Data of `WorkspaceReactor.VerdictGiven`: the job of a reaction was judged."""

    reaction: Annotated[str, says("the reaction that started the job")]
    job: Annotated[str, says("the job's name")]
    verdict: Annotated[Literal["passed", "failed", "inconclusive"], says("the verdict")]
    why: Annotated[str, says("why, with the numbers")]
    workspace: Annotated[str, says("ARM id of the workspace")]
    rule: Annotated[str, says("digest of the rule that asked for it")]
    model: Annotated[Model | None, says("the model version that it began with; absent where it was none")] = None


class DeadLettered(msgspec.Struct, frozen=True, kw_only=True):
    """Data of `WorkspaceReactor.DeadLettered`: an action failed for good, and its event waits for a person."""

    failure: Annotated[str, says("the action that failed, and the number of the failure: `offline-test#1`")]
    reason: Annotated[str, says("why: a code, then what to do")]
    letter: Annotated[str, says("the blob in the container `dead-letters`")]
    workspace: Annotated[str, says("ARM id of the workspace")]
    event: Annotated[str, says("id of the event as it was told")]


#: Data by the type of the event.
TYPES: Mapping[str, type[msgspec.Struct]] = {
    f"{PREFIX}ReactionFinished": Finished,
    f"{PREFIX}VerdictGiven": VerdictGiven,
    f"{PREFIX}DeadLettered": DeadLettered,
}


class Published(msgspec.Struct, frozen=True, kw_only=True):
    """One event: told again it has the same *id*, by which a receiver knows it. *time* is "" where nobody told it."""

    id: str
    source: str
    subject: str
    time: str
    data: Finished | VerdictGiven | DeadLettered

    @property
    def type(self) -> str:
        """The type, which says what *data* is."""
        return next(name for name, kind in TYPES.items() if isinstance(self.data, kind))

    def cloud_event(self) -> dict[str, object]:
        """Return it as CloudEvents 1.0 in JSON."""
        told: dict[str, object] = {
            "specversion": "1.0",
            "id": self.id,
            "source": self.source,
            "type": self.type,
            "subject": self.subject,
            "datacontenttype": "application/json",
            "data": msgspec.json.decode(msgspec.json.encode(self.data)),
        }
        return {**told, "time": self.time} if self.time else told
