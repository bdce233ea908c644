"""What follows a failed pipeline: a run of the same experiment that succeeds, and reminders that are due.

No rule is `on` these events. They concern the rules on `pipeline-failed` that mail once for each incident.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import msgspec

from handlers.family import FollowUp
from handlers.runs import RUN_STATUS_CHANGED, read_run
from shared.events import Envelope, Event, NotOurs
from shared.notices import Notice
from shared.reactions import Matched, Plan, Reaction, Reactions
from shared.reactions.conditions import first_failing
from shared.reminders import REMINDER_DUE, due_of
from shared.reports import Due, Success

#: The family whose rules have incidents.
ON = "pipeline-failed"
#: Conditions about what not every run has, or only one that did not succeed: an incident is ended without them.
OPTIONAL = {"status": None, "pipeline": None, "tags": None, "properties": None}


@dataclass(frozen=True, slots=True, kw_only=True)
class PipelineSucceeded(Event):
    """The root run *run* of *experiment* completed."""

    family = "pipeline-succeeded"
    passing = True

    run: str
    experiment: str
    kind: str

    @property
    def subject(self) -> str:
        """The experiment's name."""
        return self.experiment

    @property
    def identity(self) -> str:
        """The root run."""
        return self.run

    @property
    def report(self) -> Success:
        """The end of an incident of the experiment."""
        return Success(run=self.run, at=self.envelope.at)


@dataclass(frozen=True, slots=True, kw_only=True)
class ReminderDue(Event):
    """The interval after a mail of *reaction* about an incident of *experiment* is over."""

    family = "reminder-due"
    passing = True

    experiment: str
    reaction: str
    due: Due

    @property
    def subject(self) -> str:
        """The experiment's name."""
        return self.experiment

    @property
    def identity(self) -> str:
        """The mail after which it comes."""
        return f"{self.due.thread}|{self.due.number}"

    @property
    def report(self) -> Due:
        """That an incident may be told again."""
        return self.due


def recognise_success(envelope: Envelope) -> PipelineSucceeded | NotOurs:
    """Tell the success of a root run. Raises MalformedError."""
    run = read_run(envelope)
    if run is None or envelope.type != RUN_STATUS_CHANGED or run.status != "completed":
        return NotOurs("no completed run")
    if reason := run.not_root():
        return NotOurs(reason)
    return PipelineSucceeded(envelope=envelope, run=run.id, experiment=run.experiment, kind=run.kind)


def plan_success(event: PipelineSucceeded, reactions: Reactions) -> Plan:
    """Derive the mail that resolves an incident, for each rule that may have one. Pure."""
    notice = Notice(
        kind=ON,
        headline=f"Resolved: {event.experiment} succeeds again",
        workspace=event.workspace,
        experiment=event.experiment,
        run=event.run,
        status="Completed",
        time=event.envelope.time,
        reaction="",
    )
    return tuple(_following(event, notice, (rule for rule in reactions.on(ON) if _concerns(rule, event))))


def recognise_reminder(envelope: Envelope) -> ReminderDue | NotOurs:
    """Tell a reminder of ours. Raises MalformedError."""
    if envelope.type != REMINDER_DUE:
        return NotOurs("no reminder")
    return ReminderDue(
        envelope=envelope,
        experiment=envelope.text("experimentName"),
        reaction=envelope.text("reaction"),
        due=due_of(envelope),
    )


def plan_reminder(event: ReminderDue, reactions: Reactions) -> Plan:
    """Derive the mail that reminds of an incident; its run is the newest that failed. Pure."""
    notice = Notice(
        kind=ON,
        headline=f"Still failing: {event.experiment}",
        workspace=event.workspace,
        experiment=event.experiment,
        run="",
        status="Failed",
        time=event.envelope.time,
        reaction="",
    )
    return tuple(_following(event, notice, (rule for rule in reactions.on(ON) if rule.name == event.reaction)))


def _concerns(rule: Reaction, event: PipelineSucceeded) -> bool:
    return not first_failing(msgspec.structs.replace(rule.when, **OPTIONAL), event)


def _following(event: Event, notice: Notice, rules: Iterable[Reaction]) -> Iterator[Matched]:
    for rule in rules:
        if rule.mail is not None and rule.folds:
            actions = {rule.name: rule.mailed(notice, rule.mail)}
            yield Matched(reaction=rule, actions=actions, notice=notice, stamp={}, report=event.report)


SUCCESS = FollowUp(recognise=recognise_success, plan=plan_success)
REMINDER = FollowUp(recognise=recognise_reminder, plan=plan_reminder)
