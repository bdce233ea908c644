"""How the loop is closed after a job of a reaction: its verdict comes first, then what rules make of it."""

import logging
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from handlers.conclusions import tags_wanted, told_of_end, told_of_verdict, verdict_wanted
from handlers.family import Family
from handlers.finished import ReactionFinished
from shared.actions import Done, finished_told, verdict_on
from shared.events import NotOurs
from shared.reactions import Plan, Reaction, Reactions
from shared.telemetry import Facts, emit
from shared.verdicts import WORDS

if TYPE_CHECKING:
    from shared.closing import Closer
    from shared.orchestration import Orchestration, Settlement


@dataclass(frozen=True, slots=True, kw_only=True)
class FinishedFamily(Family[ReactionFinished]):
    """The family whose events are judged before rules see them."""

    def carry_out(self, event: ReactionFinished, orchestration: "Orchestration") -> "Settlement | NotOurs":
        """Have the job judged where its rule asks for it, and then what follows from the verdict as well.

        The verdict stands in the event's own row, so it is given once, and a delivery that comes later finds it. What
        the event claims itself is nothing to go by: whoever may submit runs can write properties and give names, but
        no rows; and the row of a start is there before its job is.
        """
        begun = orchestration.ledger.cause(event, event.cause, event.generation)
        start = begun.reactions.get(event.reaction) if begun else None
        if start is None or start.effect != event.job:
            reason = f"no start of the job by {event.reaction} is on record (any more)"
            facts: Facts = {"event": event.envelope.id, "reaction": event.reaction, "receipt": event.job}
            emit("job.unknown", {**facts, "reason": reason}, level=logging.WARNING)  # other families may want the event
            return NotOurs(reason)
        event, closer = replace(event, verdict=None), orchestration.closer
        rule = orchestration.reactions.named(event.reaction)
        if rule is not None and rule.run is not None and rule.run.verdict is not None:
            judged = self._judged(event, rule, orchestration)
            if not isinstance(judged, ReactionFinished):
                return judged
            event = judged

        def plan(event: ReactionFinished, reactions: Reactions) -> Plan:
            return (*self._concluded(event, reactions, closer), *self.plan(event, reactions))

        return orchestration.react(event, plan)

    def _judged(
        self, event: ReactionFinished, rule: Reaction, orchestration: "Orchestration"
    ) -> "ReactionFinished | Settlement":
        """Have the verdict given and return the event with it; where that has to wait, how the event stands.

        Rules wait for the verdict, but not for one that there will never be: refused, or dropped by a pause. What was
        decided without one goes on beside it.
        """
        key, closer = verdict_on(event.reaction), orchestration.closer
        record, _now = orchestration.ledger.look(event, self.name, orchestration.message.generation)
        known = record.reactions if record else {}
        followed = known.keys() - {key, finished_told(event.reaction)}
        given = known[key].outcome if key in known else None

        def plan(event: ReactionFinished, reactions: Reactions) -> Plan:
            wanted = verdict_wanted(event, rule, self.notice(event))
            concluded = self._concluded(event, reactions, closer)
            return (*wanted, *concluded, *(self.plan(event, reactions) if followed else ()))

        if not isinstance(given, Done):
            settlement = orchestration.react(event, plan)
            standing = settlement.reactions.get(key)
            if standing is None or standing.open:
                return settlement
            given = standing.outcome
        if isinstance(given, Done) and given.receipt in WORDS:
            return replace(event, verdict=given.receipt, judged=given.note)
        return event

    def _concluded(self, event: ReactionFinished, reactions: Reactions, closer: "Closer") -> Plan:
        """Derive what is done besides what rules ask for, as actions of the rule that started the job. Pure."""
        rule, notice = reactions.named(event.reaction), self.notice(event)
        tags = tags_wanted(event, rule, notice, writes=closer.writes(event.workspace)) if rule else ()
        teller = rule or next(iter(reactions.rules), None)
        if teller is None or not closer.publishes:
            return tags
        return (*tags, *told_of_end(event, teller, notice), *told_of_verdict(event, teller, notice))
