"""What has to be asked before a decision: the pause switches, and the chain of reactions behind an event."""

from collections.abc import Mapping
from dataclasses import dataclass

from shared.actions import Deferred, alert_beside, reaction_of
from shared.events import Event
from shared.gateways import Lineages
from shared.lineage import Chain
from shared.reactions import Matched, Plan
from shared.silences import Silence
from shared.switches import Pause, Switches


@dataclass(frozen=True, slots=True, kw_only=True)
class Inquiry:
    """Asks as little as it may: switches are read at most every 30 s, a lineage only where a guard wants it."""

    switches: Switches
    lineages: Lineages

    def pauses(self, plan: Plan) -> Mapping[str, Pause]:
        """Return the pauses of the reactions that match. Raises StorageError: nobody may act without having looked."""
        names = [item.reaction.name for item in plan if isinstance(item, Matched)]
        return {name: pause for name in names if (pause := self.switches.paused(name))}

    def pause_of(self, key: str) -> Pause | None:
        """Return the pause under which the action *key* may not be carried out; what Ops are told is under none."""
        return None if key == alert_beside(reaction_of(key)) else self.switches.paused(key)

    def silence(self, event: Event, plan: Plan) -> Silence | None:
        """Return the silence about what the event happened to. Raises as `pauses`, with which it is read."""
        matched = any(isinstance(item, Matched) for item in plan)
        return self.switches.silenced(event.subject, event.label) if matched else None

    def told(self, event: Event) -> Chain | None:
        """Return the chain that the event itself tells, None where it tells none."""
        return Chain.of(event.lineage) if event.lineage else None

    def looked_up(self, event: Event) -> Chain | Deferred:
        """Read the chain from what made the event's subject; an empty one where no job of ours did."""
        if event.origin is None:
            return Chain()
        read = self.lineages.read(event.workspace, event.origin)
        return read if isinstance(read, Deferred) else Chain.of(read)
