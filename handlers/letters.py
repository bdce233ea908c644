"""A dead letter was kept, of which others are to be told. An event of our own; no rule is on it."""

from dataclasses import dataclass

from shared.actions import Publish, letter_told, reaction_of
from shared.events import Envelope, Event, NotOurs
from shared.notices import Notice
from shared.orchestration import Orchestration, Settlement
from shared.published import DeadLettered, Published
from shared.reactions import Matched, Plan, Reactions
from shared.telling_letters import LETTER_KEPT


@dataclass(frozen=True, slots=True, kw_only=True)
class LetterKept(Event):
    """The failure *failure*, for *reason*, of the event *event* is kept as *letter*."""

    family = "letter-kept"

    failure: str
    reason: str
    letter: str
    event: str

    @property
    def subject(self) -> str:
        """The letter."""
        return self.letter

    @property
    def identity(self) -> str:
        """The letter: its name derives from the failure."""
        return self.letter


def offer(envelope: Envelope, orchestration: Orchestration) -> Settlement | NotOurs:
    """Have others told, where there is a topic. Raises MalformedError."""
    if envelope.type != LETTER_KEPT:
        return NotOurs("no letter")
    text = envelope.text
    event = LetterKept(
        envelope=envelope, failure=text("failure"), reason=text("reason"), letter=text("letter"), event=text("event")
    )
    return orchestration.react(event, plan) if orchestration.closer.publishes else Settlement(reactions={})


def plan(event: LetterKept, reactions: Reactions) -> Plan:
    """Derive the event for others. Pure."""
    reaction = reaction_of(event.failure.partition("#")[0])
    rule = reactions.named(reaction) or next(iter(reactions.rules), None)
    if rule is None:
        return ()
    data = DeadLettered(
        failure=event.failure,
        reason=event.reason,
        letter=event.letter,
        workspace=event.workspace,
        event=event.event,
    )
    published = Published(
        id=event.letter, source=event.workspace, subject=event.letter, time=event.envelope.time, data=data
    )
    key = letter_told(reaction)
    return (
        Matched(
            reaction=rule.only(key),
            actions={key: Publish(event=published)},
            notice=Notice(
                kind=event.family, headline="", workspace="", experiment="", run="", status="", time="", reaction=""
            ),
            stamp={},
            holds="a dead letter was kept",
        ),
    )
