"""What is done about the end of a job besides what rules ask for: actions of the rule that started it. All pure."""

from typing import Any, cast

from handlers.finished import ENDS, ReactionFinished
from shared.actions import Closing, GiveVerdict, Publish, WriteTags, finished_told, tags_of, verdict_on, verdict_told
from shared.lineage import RULE, Chain
from shared.notices import Notice
from shared.published import Finished, Model, Published, VerdictGiven
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
        return (Unmatched(reaction=rule.only(key), reason=reason),)
    tags = {
        name: event.verdict,
        f"{name}_job": event.job,
        f"{name}_at": event.ended,
        f"{name}_rule": event.properties.get(RULE, ""),
    }
    action = WriteTags(workspace=event.workspace, model=event.model, version=event.version, tags=tags, at=f"{name}_at")
    return (_part(rule, key, action, notice, holds=f"the verdict is {event.verdict}"),)


def told_of_end(event: ReactionFinished, rule: Reaction, notice: Notice) -> Plan:
    """Derive the event that tells others of the end of the job."""
    data = Finished(
        reaction=event.reaction,
        job=event.job,
        outcome=cast("Any", event.outcome),
        workspace=event.workspace,
        experiment=event.experiment,
        cause=event.cause,
        chain=Chain.of(event.lineage).reactions,
        model=_model(event),
        seconds=None if event.elapsed is None else int(event.elapsed.total_seconds()),
    )
    key = finished_told(event.reaction)
    action = Publish(event=_published(event, "finished", data))
    return (_part(rule, key, action, notice, holds=f"the job {ENDS[event.outcome]}"),)


def told_of_verdict(event: ReactionFinished, rule: Reaction, notice: Notice) -> Plan:
    """Derive the event that tells others of the verdict, where there is one."""
    if not event.verdict:
        return ()
    data = VerdictGiven(
        reaction=event.reaction,
        job=event.job,
        verdict=cast("Any", event.verdict),
        why=event.judged,
        workspace=event.workspace,
        rule=event.properties.get(RULE, ""),
        model=_model(event),
    )
    action = Publish(event=_published(event, "verdict", data))
    return (_part(rule, verdict_told(event.reaction), action, notice, holds=f"the verdict is {event.verdict}"),)


def _published(event: ReactionFinished, what: str, data: Finished | VerdictGiven) -> Published:
    """Return an event for others; its id derives from the job, whose name is the only one in its workspace."""
    return Published(
        id=f"{event.job}-{what}",
        source=event.workspace,
        subject=f"reactions/{event.reaction}/jobs/{event.job}",
        time=event.ended,
        data=data,
    )


def _model(event: ReactionFinished) -> Model | None:
    return Model(name=event.model, version=event.version) if event.model else None


def _part(rule: Reaction, key: str, action: Closing, notice: Notice, *, holds: str) -> Matched:
    return Matched(reaction=rule.only(key), actions={key: action}, notice=notice, stamp={}, holds=holds)
