"""The single path of every reaction: plan, admit, perform, settle."""

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta

import msgspec

from shared.actions import Deferred, Done, Failed, Outcome, SendMail, SubmitJob
from shared.closing import Closer
from shared.errors import ContentionError, RowTooLargeError
from shared.events import Event
from shared.expectations import expect_ends
from shared.gateways import DeadLetters, Jobs, Mail, Queue, Runs
from shared.guarding import PAUSED
from shared.inquiry import Inquiry
from shared.ledger import Admission, Ledger
from shared.lineage import Chain, stamp
from shared.live_copy import CONTENTION, LiveCopy
from shared.messages import Message
from shared.narration import facts_of, tell_decisions, tell_outcomes
from shared.reactions import Matched, Plan, Reactions
from shared.records import ReactionRecord, Wake, failure_id
from shared.reminders import send_reminders
from shared.telemetry import Facts, emit
from shared.telling import told
from shared.telling_letters import tell_letter
from shared.waits import GONE, within_limits

#: Two deliveries at once: the second gives the first one this long before it looks the mail up.
SENDING = timedelta(minutes=1)

type Planner[E: Event] = Callable[[E, Reactions], Plan]


@dataclass(frozen=True, slots=True, kw_only=True)
class Settlement:
    """How the event stands after this delivery: each reaction's record, and what it waits for (None: nothing)."""

    reactions: Mapping[str, ReactionRecord]
    wake: Wake | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Orchestration:
    """Carries out one delivery of one event.

    *new_token* and *jitter* (0 to 1) are the randomness, *version* is stamped on jobs.
    """

    message: Message
    reactions: Reactions
    ledger: Ledger
    jobs: Jobs
    runs: Runs
    mail: Mail
    queue: Queue
    dead_letters: DeadLetters
    inquiry: Inquiry
    closer: Closer
    new_token: Callable[[], str]
    jitter: Callable[[], float]
    version: str
    dry_run: bool = False

    def react[E: Event](self, event: E, planner: Planner[E]) -> Settlement:
        """Decide and carry out what follows from *event*, once, however often it is delivered.

        Raises StorageError and DeadlineError: then the host brings the message back, and nothing is done twice.
        """
        plan = planner(event, self.reactions)
        try:
            admission = self.ledger.admit(event, plan, self.message, self.inquiry)
        except ContentionError:
            emit("event.contended", facts_of(event))
            self._copy.put_back(self.message.token, CONTENTION, replaces=self.message.replaces)
            return Settlement(reactions={})
        tell_decisions(event, admission)
        actions = {key: item for item in plan if isinstance(item, Matched) for key in item.keys}
        outcomes: dict[str, Outcome] = {}
        for name in sorted(self._due(admission)):
            try:
                outcome, admission = self._perform(event, actions.get(name), name, admission)
            except RowTooLargeError as error:  # it does not shrink by waiting
                outcome = Failed(reason=f"row-too-large: {error} Not done: do by hand what {name} does")
            outcomes[name] = within_limits(outcome, name, admission.record, admission.now)
        send_reminders(self.queue, event, outcomes, admission)
        if not self.dry_run:
            expect_ends(self.queue, event, actions, outcomes, admission)
        settlement = self._settle(event, admission, outcomes)
        tell_outcomes(event, actions, outcomes, admission)
        return settlement

    @property
    def _copy(self) -> LiveCopy:
        return LiveCopy(message=self.message, queue=self.queue, new_token=self.new_token, jitter=self.jitter)

    def _due(self, admission: Admission) -> frozenset[str]:
        """Return what this delivery carries out: all that is pending and due, or its own while a live copy waits."""
        if not self._copy.drives(admission):
            return admission.fresh & admission.record.pending
        return admission.record.pending - admission.record.waiting(admission.now).keys()

    def _perform(
        self, event: Event, planned: Matched | None, name: str, admission: Admission
    ) -> tuple[Outcome, Admission]:
        record = admission.record.reactions[name]
        action = planned.action(name, record.reason, record.incident) if planned else None
        mails = record.effect == self.ledger.operation(event, self.message.generation, name).mail_id()
        if planned is None or action is None or isinstance(action, SendMail) != mails:
            return GONE, admission
        if pause := self.inquiry.pause_of(name):
            return Deferred(reason=pause.reason, after=PAUSED, trouble=False), admission
        if self.dry_run:
            return Done(receipt=record.effect, note="dry run: decided, not done"), admission
        match action:
            case SubmitJob():
                stamp = self._stamp(event, planned, record)
                repeated = name not in admission.fresh
                return self.jobs.submit(action, name=record.effect, properties=stamp, repeated=repeated), admission
            case SendMail():
                return self._send(action, name, admission)
            case _:
                return self.closer.close(action, repeated=record.due is not None), admission

    def _send(self, action: SendMail, name: str, admission: Admission) -> tuple[Outcome, Admission]:
        """Mail once: `sent_at` and the content are on record before the first send; look up before any repeat."""
        record = admission.record.reactions[name]
        if record.sent_at is not None:
            if admission.now < record.sent_at + SENDING:
                return Deferred(reason="the mail is being sent by another delivery", after=SENDING), admission
            found = self.mail.find(record.effect)
            if isinstance(found, Deferred):
                return found, admission
            if found:
                return Done(receipt=record.effect, note="looked up: sent by an earlier attempt"), admission
        planned = msgspec.structs.replace(action, notice=record.notice or action.notice.bounded())
        if (diverted := self.mail.divert(planned, operation=record.effect, at=admission.now)) is not None:
            return diverted, admission
        notice = record.notice or told(action, name, admission.record, self.runs)
        marked = self.ledger.mark_sent(admission, name, notice)
        if marked is None:
            return Deferred(reason="the mail is being sent by another delivery", after=SENDING), admission
        frozen = msgspec.structs.replace(action, notice=marked.record.reactions[name].notice or notice)
        return self.mail.send(frozen, operation=record.effect, first_sent=marked.now), marked

    def _stamp(self, event: Event, planned: Matched, record: ReactionRecord) -> Mapping[str, str]:
        """Return the properties by which a job explains itself, and by which a loop can be seen."""
        own = stamp(
            record.chain or Chain.of(event.lineage),
            event.start(self.ledger.installation, self.message.generation),
            reaction=planned.reaction.name,
            reason=record.reason,
            digest=planned.reaction.digest,
            operation=record.operation,
            version=self.version,
        )
        return {**planned.stamp, **own}

    def _settle(self, event: Event, admission: Admission, outcomes: Mapping[str, Outcome]) -> Settlement:
        """Keep what failed as a dead letter, send the copy that waits, and then write how it all stands."""
        for name, outcome in outcomes.items():
            if isinstance(outcome, Failed):
                self._bury(event, name, outcome, admission)
        wake = self._copy.wake(admission, outcomes)
        if outcomes or wake:
            admission = self.ledger.settle(admission, outcomes, wake=wake)
        standing = admission.record.wake
        if admission.record.open and (standing is None or standing.token == self.message.token):
            # Decided by another delivery meanwhile, which counts on the copy that we have just used up.
            wake = self._copy.renew(admission, CONTENTION)
            admission = self.ledger.settle(admission, {}, wake=wake)
        return Settlement(reactions=admission.record.reactions, wake=admission.record.wake)

    def _bury(self, event: Event, name: str, outcome: Failed, admission: Admission) -> None:
        """Keep the event for a person; the letter's name derives from the failure, so again is the same letter."""
        failure = failure_id(name, admission.record.reactions[name].failure + 1)
        row = f"{admission.partition}/{admission.key}"
        letter = self.dead_letters.keep_event(self.message, row=row, failure=failure, reason=outcome.reason)
        if self.closer.publishes:
            tell_letter(self.queue, event, outcome, admission, failure=failure, letter=letter)
        facts: Facts = {"reaction": name, "reason": outcome.reason, "receipt": letter}
        emit("event.dead_lettered", facts, level=logging.WARNING)
