"""What is done about the end of a job besides what rules ask for: actions of the rule that started it. All pure."""

from dataclasses import replace

from handlers.finished import ENDS, ReactionFinished
from shared.actions import Closing, GiveVerdict, WriteTags, tags_of, verdict_on
from shared.limits import Guards
from shared.lineage import RULE
from shared.notices import Notice
from shared.reactions import Matched, Plan, Reaction, Unmatched


def verdict_wanted(event: ReactionFinished, rule: Reaction, notice: Notice) -> Plan:
    """Derive the verdict on the job of *rule*, where that asks for one."""
    if rule.run is None or rule.run.verdict is None:
        return ()
    yardstick = rule.run.verdict.yardstick
    action = GiveVerdict(workspace=event.workspace, job=event.job, outcome=event.outcome, yardstick=yardstick)
    return (_part(rule, verdict_on(rule.name), action, notice, holds=f"the job {ENDS[event.outcome]}"),)


def tags_wanted(event: ReactionFinished, rule: Reaction, notice: Notice, *, writes: bool) -> Plan:
    """Derive the tags that tell the verdict on the model version, named after the reaction.

    *writes*: they may be written in the workspace.
    """
    asked = rule.run is not None and rule.run.verdict is not None and rule.run.verdict.write_tags
    if not asked or not event.verdict or not event.model:
        return ()
    key, name = tags_of(rule.name), rule.name.replace("-", "_")
    if not writes:
        reason = f"the workspace {event.workspace_name} is in READ_ONLY_WORKSPACES: no tags are written there"
        return (Unmatched(reaction=_unguarded(rule, key), reason=reason),)
    tags = {
        name: event.verdict,
        f"{name}_job": event.job,
        f"{name}_at": event.envelope.time,
        f"{name}_rule": event.properties.get(RULE, ""),
    }
    action = WriteTags(workspace=event.workspace, model=event.model, version=event.version, tags=tags, at=f"{name}_at")
    return (_part(rule, key, action, notice, holds=f"the verdict is {event.verdict}"),)


def _part(rule: Reaction, key: str, action: Closing, notice: Notice, *, holds: str) -> Matched:
    return Matched(reaction=_unguarded(rule, key), actions={key: action}, notice=notice, stamp={}, holds=holds)


def _unguarded(rule: Reaction, key: str) -> Reaction:
    """Return the rule as one that has only the action *key*, which nothing guards."""
    return replace(rule, name=key, run=None, mail=None, guards=Guards())
