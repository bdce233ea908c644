"""`reactor.when(…)`: reads an event, and tells it to the reactions."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from shared.errors import MalformedError
from shared.reactions import Reactions
from testkit.history import History
from testkit.scenario import Scenario

type Told = str | Path | Mapping[str, Any]
"""A sample event's file, from the folder of the reactions, or the event itself."""


class UnusableEventError(ValueError):
    """What a test tells is no event; the message says why and what would be one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reactor:
    """The reactions of *folder*. Nothing is started and nothing is mailed: what is tried is the decision."""

    folder: Path
    reactions: Reactions = field(repr=False)

    def when(self, event: Told) -> Scenario:
        """Tell a first event; what follows is said by the methods of Scenario. Raises UnusableEventError."""
        return self.tell(event, History(reactions=self.reactions), number=1)

    def tell(self, event: Told, history: History, *, number: int) -> Scenario:
        """Tell an event to reactions that remember *history*. Raises UnusableEventError."""
        content, label = self._read(event)
        try:
            after, verdicts = history.tell(content)
        except MalformedError as error:
            raise UnusableEventError(f"{label} is no workspace event: {error.reason}") from None
        return Scenario(reactor=self, event=content, label=label, number=number, history=after, verdicts=verdicts)

    def _read(self, event: Told) -> tuple[Mapping[str, Any], str]:
        if isinstance(event, Mapping):
            return event, f"{event.get('eventType', event.get('type'))} {event.get('subject', '')}".rpartition(".")[2]
        path = self.folder / event
        try:
            content = json.loads(path.read_text(encoding="utf-8"))
        except OSError as error:
            reason = f"{event} cannot be read ({type(error).__name__}); the path is from {self.folder}"
            raise UnusableEventError(reason) from None
        except ValueError as error:
            raise UnusableEventError(f"{event} is no JSON: {error}") from None
        events = content if isinstance(content, list) else [content]
        if len(events) != 1 or not isinstance(events[0], dict):
            reason = f"{event} must hold one event, an object, alone or in an array; it holds {len(events)}"
            raise UnusableEventError(f"{reason} entries. Tell several one after the other, with .then(…)")
        return events[0], str(event)
