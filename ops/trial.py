"""What would follow from an event: every reaction's decision and effects, without a ledger, Azure or a file. Pure."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from typing import Any

import handlers
from shared.actions import Done, Operation, SendMail, SubmitJob
from shared.decisions import Decided, decide_event
from shared.events import Envelope, Event, NotOurs, parse
from shared.guarding import Given
from shared.incidents import heard
from shared.limits import Guards, span
from shared.lineage import Chain
from shared.memory import Memory
from shared.reactions import Matched, Plan, Reactions
from shared.records import EventRecord, ReactionRecord

INSTALLATION = "try"


@dataclass(frozen=True, slots=True, kw_only=True)
class Effect:
    """A job that would start, or a mail that would go: *name* is the job's name, or the mail's Operation-Id."""

    key: str
    action: SubmitJob | SendMail
    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """Whether a reaction acts on an event, and why. *guards* are what the ledger would be asked about, in words."""

    reaction: str
    acts: bool
    reason: str
    effects: tuple[Effect, ...] = ()
    guards: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """An event as one family sees it, and the verdict of each of its reactions, in the order of the file."""

    family: str
    event: Event
    verdicts: tuple[Verdict, ...]


def try_event(told: object, reactions: Reactions, *, installation: str = INSTALLATION) -> tuple[Trial, ...]:
    """Return what each family that recognises the event (decoded JSON) would do; `declined` says why there is none.

    Guards are told, not asked: there is no ledger. Raises MalformedError as the app would.
    """
    trials = []
    for event, plan in plans(parse(told), reactions):
        record = decided(event, plan, installation=installation).record
        trials.append(Trial(family=event.family, event=event, verdicts=tuple(verdicts(plan, record, asked=False))))
    return tuple(trials)


def declined(told: object) -> Mapping[str, str]:
    """Return why the event is none of theirs, by family, those that recognise it left out. Raises MalformedError."""
    envelope = parse(told)
    answers = {family.name: family.recognise(envelope) for family in handlers.HANDLERS}
    return {name: answer.reason for name, answer in answers.items() if isinstance(answer, NotOurs)}


def plans(envelope: Envelope, reactions: Reactions, *, follow_ups: bool = False) -> Iterator[tuple[Event, Plan]]:
    """Yield the event as each family that recognises it sees it, and what follows. Raises MalformedError.

    *follow_ups*: also what ends an incident or reminds of one, which matters only where memories are kept.
    """
    for family in handlers.HANDLERS:
        for one in family.recognisers if follow_ups else (family,):
            event: Any = one.recognise(envelope)
            if not isinstance(event, NotOurs):
                yield event, one.plan(event, reactions)


def decided(
    event: Event,
    plan: Plan,
    *,
    installation: str,
    record: EventRecord | None = None,
    memories: Mapping[str, Memory] | None = None,
    wholes: Mapping[str, Memory] | None = None,
    now: datetime | None = None,
) -> Decided:
    """Decide as the ledger does, of an event whose row is *record*; without *now* no guard is asked.

    Of the lineage only what the event itself tells is known: there is nobody to ask. Mails are taken for sent.
    """
    given = Given(
        operation_of=partial(operation, event, installation),
        label=event.label,
        memories=memories or {},
        wholes=wholes or {},
        lineage=Chain.of(event.lineage),
        now=now,
    )
    found = decide_event(record or EventRecord(), plan, given)
    if now is None:
        return found
    sent = {name: _sent(memory, found.record.reactions.get(name), now) for name, memory in found.memories.items()}
    return replace(found, memories=sent)


def _sent(memory: Memory, record: ReactionRecord | None, now: datetime) -> Memory:
    """Take a mail about an incident for sent as soon as it is decided."""
    return heard(memory, record.operation, Done(receipt=record.effect), now=now) if record else memory


def operation(event: Event, installation: str, reaction: str) -> Operation:
    """Return what the ledger derives the effect's name from; a test holds the two to each other."""
    return Operation(
        installation=installation,
        workspace=event.workspace,
        identity=f"{event.family}|{event.identity}",
        reaction=reaction,
    )


def verdicts(plan: Plan, record: EventRecord, *, asked: bool) -> Iterator[Verdict]:
    """Tell a decided row reaction by reaction; *asked* says whether its guards were."""
    for item in plan:
        name = item.reaction.name
        if not isinstance(item, Matched):
            yield Verdict(reaction=name, acts=False, reason=item.reason)
            continue
        if name not in record.reactions:  # noted: there is no incident that it ends or reminds of
            continue
        acts = record.reactions[name].decision == "admitted"
        yield Verdict(
            reaction=name,
            acts=acts,
            reason=record.reactions[name].reason if asked else "every condition holds",
            effects=tuple(_effects(item, record)) if acts else (),
            guards=guards_in_words(item.reaction.guards),
        )


def _effects(item: Matched, record: EventRecord) -> Iterator[Effect]:
    for key in item.actions:
        decided = record.reactions[key]
        action = item.action(key, decided.reason, decided.incident)
        if isinstance(action, (SubmitJob, SendMail)):
            yield Effect(key=key, action=action, name=decided.effect)


def guards_in_words(guards: Guards) -> tuple[str, ...]:
    """Return the guards as reactions.yaml writes them: ``cooldown 1h``, ``budget 10 per 1d``."""
    return tuple(_guards_in_words(guards))


def _guards_in_words(guards: Guards) -> Iterator[str]:
    if guards.hours:
        yield f"hours not {guards.hours.told}"
    if guards.confirm:
        yield f"confirm {guards.confirm.events} events within {span(guards.confirm.within)}"
    if guards.cooldown:
        yield f"cooldown {span(guards.cooldown)}"
    if guards.budget:
        yield f"budget {guards.budget.runs} per {span(guards.budget.per)}"
    if guards.whole:
        yield f"budget {guards.whole.runs} per {span(guards.whole.per)} for the reaction"
    if guards.loop:
        yield f"loop {guards.loop.times} times, depth {guards.loop.depth}"
