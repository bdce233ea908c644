"""The time is over that a reaction's job had: where no end of it is on record, Ops get a mail.

No rule is on this event. It is one of our own, which came through the queue with a delay (shared/expectations.py).
"""

from dataclasses import dataclass
from datetime import datetime

from handlers.reaction_finished import FAMILY as FINISHED
from shared.actions import SendMail, alert_beside
from shared.errors import MalformedError
from shared.events import Envelope, Event, NotOurs
from shared.expectations import OVERDUE_CHECK
from shared.notices import Notice
from shared.orchestration import Orchestration, Settlement
from shared.reactions import Matched, Plan, Reactions
from shared.telemetry import Facts, emit


@dataclass(frozen=True, slots=True, kw_only=True)
class JobOverdue(Event):
    """The job *job*, which *reaction* started, had *within* to be over, and that time ended at *due*.

    *about* is the subject of the event that started it, *of* the label of that.
    """

    family = "job-overdue"

    job: str
    reaction: str
    about: str
    of: str
    within: str
    due: datetime

    @property
    def subject(self) -> str:
        """That of the event which started the job, beside which its end would be on record."""
        return self.about

    @property
    def identity(self) -> str:
        """The job."""
        return self.job

    @property
    def label(self) -> str:
        """What the job is about."""
        return self.of


def recognise(envelope: Envelope) -> JobOverdue | NotOurs:
    """Tell a check of ours. Raises MalformedError."""
    if envelope.type != OVERDUE_CHECK:
        return NotOurs("no check")
    try:
        due = datetime.fromisoformat(envelope.time)
    except ValueError:
        raise MalformedError("time is no time") from None
    return JobOverdue(
        envelope=envelope,
        job=envelope.text("job"),
        reaction=envelope.text("reaction"),
        about=envelope.text("subject"),
        of=envelope.text("label"),
        within=envelope.text("within"),
        due=due,
    )


def offer(envelope: Envelope, orchestration: Orchestration) -> Settlement | NotOurs:
    """Look for the end of the job, and report where there is none; too early, wait on. Raises MalformedError."""
    event = recognise(envelope)
    if isinstance(event, NotOurs):
        return event
    end, now = orchestration.ledger.look(event, FINISHED.name)
    facts: Facts = {"event": envelope.id, "reaction": event.reaction, "receipt": event.job}
    if end is not None:
        emit("job.in_time", facts)
    elif now < event.due:  # the queue holds a message for 6 days at most
        orchestration.queue.send(orchestration.message.encode(), after=event.due - now)
    else:
        return orchestration.react(event, plan)
    return Settlement(reactions={})


def plan(event: JobOverdue, reactions: Reactions) -> Plan:
    """Derive the mail to Ops, also where the rule is gone: the job is not. Pure."""
    key = alert_beside(event.reaction)
    rule = reactions.named(event.reaction) or next(iter(reactions.rules), None)
    if rule is None:
        return ()
    matched = Matched(
        reaction=rule.only(key),
        actions={key: SendMail(to=rule.ops, notice=notice(event))},
        notice=notice(event),
        stamp={},
        holds=f"no end was told within {event.within}",
    )
    return (matched,)


def notice(event: JobOverdue) -> Notice:
    """Return what the mail tells."""
    return Notice(
        kind=event.family,
        headline=f"Overdue: {event.reaction} for {event.of}",
        workspace=event.workspace,
        experiment="",
        run=event.job,
        status="Not over",
        time=event.envelope.time,
        reaction=event.reaction,
        cause=(
            f"The job that {event.reaction} started for {event.of} had {event.within} to be over, and no end was told."
            "\n\nLook at it in the studio. If it still runs: cancel it, or give it more time (`expect` in "
            "reactions.yaml). If it is over there: its event did not come. Ask: python -m ops doctor."
        ),
    )
