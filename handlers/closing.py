"""How the loop is closed after a job of a reaction: its verdict comes first, then what rules make of it."""

from dataclasses import dataclass, replace

from handlers.family import Family
from handlers.finished import ReactionFinished
from shared.actions import Done, GiveVerdict, verdict_on
from shared.limits import Guards
from shared.orchestration import Orchestration, Settlement
from shared.reactions import Matched, Plan, Reaction, Reactions
from shared.verdicts import WORDS

#: How an end is called in a mail.
ENDS = {"completed": "completed", "failed": "failed", "canceled": "was canceled"}


@dataclass(frozen=True, slots=True, kw_only=True)
class FinishedFamily(Family[ReactionFinished]):
    """The family whose events are judged before rules see them."""

    def carry_out(self, event: ReactionFinished, orchestration: Orchestration) -> Settlement:
        """Have the job judged where its rule asks for it, and then what follows from the verdict as well.

        The verdict stands in the event's own row, so it is given once, and a delivery that comes later finds it.
        """
        rule = orchestration.reactions.named(event.reaction)
        if rule is None or rule.run is None or rule.run.verdict is None:
            return orchestration.react(replace(event, verdict=None), self.plan)
        key = verdict_on(event.reaction)
        record, _now = orchestration.ledger.look(event, self.name, orchestration.message.generation)
        known = record.reactions if record else {}
        given = known[key].outcome if key in known else None
        if not isinstance(given, Done):
            followed = known.keys() - {key}  # what was decided without a verdict goes on beside it

            def judged(event: ReactionFinished, reactions: Reactions) -> Plan:
                return (self.verdict_wanted(event, rule, key), *(self.plan(event, reactions) if followed else ()))

            settlement = orchestration.react(event, judged)
            given = settlement.reactions[key].outcome if key in settlement.reactions else None
            if given is None:
                return settlement  # rules wait for the verdict
        verdict = given.receipt if isinstance(given, Done) and given.receipt in WORDS else None
        why = given.note if isinstance(given, Done) else ""
        return orchestration.react(replace(event, verdict=verdict, judged=why), self.plan)

    def verdict_wanted(self, event: ReactionFinished, rule: Reaction, key: str) -> Matched:
        """Derive the verdict on the job of *rule*. Pure."""
        if rule.run is None or rule.run.verdict is None:
            raise ValueError("the rule asks for no verdict")
        action = GiveVerdict(
            workspace=event.workspace, job=event.job, outcome=event.outcome, yardstick=rule.run.verdict.yardstick
        )
        own = replace(rule, name=key, run=None, mail=None, guards=Guards())
        return Matched(
            reaction=own,
            actions={key: action},
            notice=self.notice(event),
            stamp={},
            holds=f"the job {ENDS[event.outcome]}",
        )
