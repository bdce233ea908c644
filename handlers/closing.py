"""How the loop is closed after a job of a reaction: its verdict comes first, then what rules make of it."""

from dataclasses import dataclass, replace

from handlers.conclusions import tags_wanted, verdict_wanted
from handlers.family import Family
from handlers.finished import ReactionFinished
from shared.actions import Done, verdict_on
from shared.orchestration import Orchestration, Settlement
from shared.reactions import Plan, Reaction, Reactions
from shared.verdicts import WORDS


@dataclass(frozen=True, slots=True, kw_only=True)
class FinishedFamily(Family[ReactionFinished]):
    """The family whose events are judged before rules see them."""

    def carry_out(self, event: ReactionFinished, orchestration: Orchestration) -> Settlement:
        """Have the job judged where its rule asks for it, and then what follows from the verdict as well.

        The verdict stands in the event's own row, so it is given once, and a delivery that comes later finds it. What
        the event claims itself is nothing to go by.
        """
        event = replace(event, verdict=None)
        rule = orchestration.reactions.named(event.reaction)
        if rule is None or rule.run is None or rule.run.verdict is None:
            return orchestration.react(event, self.plan)
        key = verdict_on(event.reaction)
        record, _now = orchestration.ledger.look(event, self.name, orchestration.message.generation)
        known = record.reactions if record else {}
        given = known[key].outcome if key in known else None
        if not isinstance(given, Done):
            settlement = self._judge(event, rule, orchestration, followed=bool(known.keys() - {key}))
            given = settlement.reactions[key].outcome if key in settlement.reactions else None
            if given is None:
                return settlement
        if isinstance(given, Done) and given.receipt in WORDS:
            event = replace(event, verdict=given.receipt, judged=given.note)
        writes = orchestration.closer.writes(event.workspace)

        def plan(event: ReactionFinished, reactions: Reactions) -> Plan:
            return (*tags_wanted(event, rule, self.notice(event), writes=writes), *self.plan(event, reactions))

        return orchestration.react(event, plan)

    def _judge(
        self, event: ReactionFinished, rule: Reaction, orchestration: Orchestration, *, followed: bool
    ) -> Settlement:
        """Have the verdict given; rules wait for it, and what was decided without one (*followed*) goes on beside."""

        def plan(event: ReactionFinished, reactions: Reactions) -> Plan:
            wanted = verdict_wanted(event, rule, self.notice(event))
            return (*wanted, *self.plan(event, reactions)) if followed else wanted

        return orchestration.react(event, plan)
