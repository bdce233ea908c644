"""Events in a row, decided as the ledger decides: each with what the reactions remember of those before. Pure."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

from ops.trial import Verdict, decided, declined, plans, verdicts
from shared.events import parse
from shared.memory import Memory
from shared.reactions import Reactions
from shared.records import EventRecord, event_key, partition_key

INSTALLATION = "test"
#: When the first event comes; the day does not matter.
START = datetime(2026, 1, 1, 9, tzinfo=UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class History:
    """What was decided so far, by partition and row as in the ledger, and the virtual clock."""

    reactions: Reactions
    now: datetime = START
    records: Mapping[tuple[str, str], EventRecord] = field(default_factory=dict)
    memories: Mapping[tuple[str, str], Memory] = field(default_factory=dict)
    wholes: Mapping[str, Memory] = field(default_factory=dict)

    def later(self, time: timedelta) -> "History":
        """Return it with the clock put forward."""
        return replace(self, now=self.now + time)

    def tell(self, event: object) -> tuple["History", tuple[Verdict, ...]]:
        """Tell an event (decoded JSON); return the verdict of every reaction, in the order of the file.

        Every effect is taken to succeed. What waits for its hours is decided when it is told again after them.
        Raises MalformedError.
        """
        others = declined(event)
        records, memories, wholes = dict(self.records), dict(self.memories), dict(self.wholes)
        found = {
            rule.name: Verdict(reaction=rule.name, acts=False, reason=f"not about {rule.on}: {others[rule.on]}")
            for rule in self.reactions.rules
            if rule.on in others
        }
        for happened, plan in plans(parse(event), self.reactions, follow_ups=True):
            partition = partition_key(happened.workspace, happened.subject)
            row = (partition, event_key(happened.family, happened.identity, 0))
            before = records.get(row, EventRecord())
            decision = decided(
                happened,
                plan,
                installation=INSTALLATION,
                record=before,
                memories={name: memory for (where, name), memory in memories.items() if where == partition},
                wholes=wholes,
                now=self.now,
            )
            records[row] = decision.record
            memories |= {(partition, name): memory for name, memory in decision.memories.items()}
            wholes |= decision.wholes
            told = verdicts(plan, records[row], asked=True)
            found |= {verdict.reaction: verdict for verdict in _fresh(told, before)}
        history = replace(self, records=records, memories=memories, wholes=wholes)
        return history, tuple(found[rule.name] for rule in self.reactions.rules)


def _fresh(told: Iterator[Verdict], before: EventRecord) -> Iterator[Verdict]:
    """Leave out what was decided when the same event was told before: it is not done again."""
    for verdict in told:
        standing = before.reactions.get(verdict.reaction)
        if verdict.acts and standing is not None and standing.decision == "admitted":
            yield replace(verdict, acts=False, effects=(), reason="told before: it acted then, and acts once")
        else:
            yield verdict
