"""What a family of events is: how it is told, recognised and matched."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from shared.events import Envelope, Event, NotOurs
from shared.notices import Notice
from shared.reactions import Plan, Reactions, Vocabulary
from shared.reactions.monitors import Monitors
from shared.reactions.values import Kind, Values

if TYPE_CHECKING:  # who takes an event in needs no more than its family
    from shared.orchestration import Orchestration, Settlement


def _as_told[E: Event](event: E, _monitors: Monitors) -> E:
    """Most events are told by their own names."""
    return event


@dataclass(frozen=True, slots=True, kw_only=True)
class FollowUp[E: Event]:
    """An event that concerns what a family's rules did before; no rule is `on` it."""

    recognise: Callable[[Envelope], E | NotOurs]
    plan: Callable[[E, Reactions], Plan]

    def offer(self, envelope: Envelope, orchestration: "Orchestration") -> "Settlement | NotOurs":
        """Have the plan carried out if the event is one of these. Raises MalformedError."""
        event = self.recognise(envelope)
        return event if isinstance(event, NotOurs) else orchestration.react(event, self.plan)


@dataclass(frozen=True, slots=True, kw_only=True)
class Family[E: Event]:
    """One line of HANDLERS.

    *name* is the word after `on:`, *function* the Event Grid trigger that takes the family in, *event_types* the
    types a subscription has to deliver to it; *values* are what stands behind ``${{ event.… }}``, *notice* is what a
    mail tells. *named* gives the event the names that reactions.yaml has for it; *follow_ups* come in by the same
    function.
    """

    name: str
    function: str
    event_types: tuple[str, ...]
    vocabulary: Vocabulary
    recognise: Callable[[Envelope], E | NotOurs]
    values: Callable[[E], Values]
    notice: Callable[[E], Notice]
    named: Callable[[E, Monitors], E] = _as_told
    follow_ups: tuple[FollowUp[Any], ...] = ()

    @property
    def recognisers(self) -> "tuple[Family[E] | FollowUp[Any], ...]":
        """All that an event may be to the family: one of its own first."""
        return (self, *self.follow_ups)

    def plan(self, event: E, reactions: Reactions) -> Plan:
        """Decide what follows from *event*. Pure: no clock, no network, no log."""
        event = self.named(event, reactions.monitors)
        values, notice = {**common_values(event), **self.values(event)}, self.notice(event)
        return tuple(rule.plan(event, values=values, notice=notice) for rule in reactions.on(self.name))

    def offer(self, envelope: Envelope, orchestration: "Orchestration") -> "Settlement | NotOurs":
        """Have the plan carried out if the event is one of this family. Raises MalformedError."""
        event = self.recognise(envelope)
        if isinstance(event, NotOurs):
            return event
        if event.installation not in {"", orchestration.ledger.installation}:
            return NotOurs(f"the doing of the installation {event.installation}")
        return self.carry_out(event, orchestration)

    def carry_out(self, event: E, orchestration: "Orchestration") -> "Settlement | NotOurs":
        """Have the plan carried out; or say why the event is not what it claims to be."""
        return orchestration.react(event, self.plan)


#: Names that every family has.
COMMON: Mapping[str, Kind] = {"event.id": "text", "event.time": "text", "event.workspace": "text"}


def common_values(event: Event) -> Values:
    """Return what stands behind the names that every family has."""
    return {"event.id": event.envelope.id, "event.time": event.envelope.time, "event.workspace": event.workspace_name}
