"""What a family of events is: how it is told, recognised, matched and handled."""

from collections.abc import Callable
from dataclasses import dataclass

from shared.events import Envelope, Event, NotOurs
from shared.orchestration import Orchestration, Settlement
from shared.reactions import Vocabulary


@dataclass(frozen=True, slots=True, kw_only=True)
class Family[E: Event]:
    """One line of HANDLERS.

    *name* is the word after `on:`, *function* the Event Grid trigger that takes the family in, *event_types* the
    types a subscription has to deliver to it.
    """

    name: str
    function: str
    event_types: tuple[str, ...]
    vocabulary: Vocabulary
    recognise: Callable[[Envelope], E | NotOurs]
    handle: Callable[[E, Orchestration], Settlement]

    def offer(self, envelope: Envelope, orchestration: Orchestration) -> Settlement | NotOurs:
        """Handle the event if it is one of this family. Raises MalformedError."""
        event = self.recognise(envelope)
        return event if isinstance(event, NotOurs) else self.handle(event, orchestration)
