"""What we react to: one file per family of events, the registry, and the dispatch of a message to its families."""

import logging
from collections.abc import Mapping
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from handlers import data_drift, model_registered, pipeline_failure, reaction_finished
from handlers.family import Family
from handlers.service import Service
from shared.errors import ConfigurationError, MalformedError, ReactorError, RowTooLargeError
from shared.events import Envelope, Event, NotOurs, parse
from shared.gateways.large_events import fetch, stow
from shared.messages import Message, decode, told, wrap
from shared.telemetry import Facts, emit

if TYPE_CHECKING:
    from shared.orchestration import Orchestration

HANDLERS: tuple[Family[Any], ...] = (
    model_registered.FAMILY,
    data_drift.FAMILY,
    pipeline_failure.FAMILY,
    reaction_finished.FAMILY,
)
#: The families for whose functions there are triggers and subscriptions: of those that share one, the first.
PUSHED = tuple({family.function: family for family in reversed(HANDLERS)}.values())[::-1]
VOCABULARIES = {family.name: family.vocabulary for family in HANDLERS}

#: How often a deployment that is not usable as configured is tried again; see docs/operations.md.
CONFIGURATION_RETRY = timedelta(minutes=5)


def take_in(family: Family[Any], event: Mapping[str, object], service: Service) -> None:
    """Push delivery: recognise and enqueue, nothing more; *event* is the decoded JSON. Raises StorageError.

    An event of a family that shares the function of *family* comes in as well, once.
    """
    raw = b""
    try:
        message = wrap(event)
        raw = message.inline or b""
        recognised = _recognised(family, parse(event))
    except MalformedError as error:
        _refuse(raw or _shown(event), error, service)
        return
    if isinstance(recognised, NotOurs):
        emit("event.passed", {"family": family.name, "event": str(event.get("id")), "reason": recognised.reason})
        return
    service.queue.send(stow(message, service.large_events).encode())
    facts: Facts = {"family": family.name, "event": recognised.envelope.id, "subject": recognised.label}
    emit("event.enqueued", facts)


def recognised_by(envelope: Envelope) -> tuple[Event, ...]:
    """Return the event as each family, and each of its follow-ups, sees it. Raises MalformedError."""
    seen = [one.recognise(envelope) for family in HANDLERS for one in family.recognisers]
    return tuple(event for event in seen if not isinstance(event, NotOurs))


def _recognised(family: Family[Any], envelope: Envelope) -> Event | NotOurs:
    """Return the event as a family of the function, or a follow-up of one, sees it; else why it is none of *family*."""
    sharing = (one for shared in HANDLERS if shared.function == family.function for one in shared.recognisers)
    answers = (one.recognise(envelope) for one in sharing)
    return next((event for event in answers if not isinstance(event, NotOurs)), family.recognise(envelope))


def dispatch(text: bytes, service: Service) -> None:
    """One queue message: have every family that recognises the event handle it.

    Returns when the message may be deleted. Raises StorageError and DeadlineError: the host brings it back.
    """
    try:
        messages = [stow(message, service.large_events) for message in decode(text)]
        if len(messages) == 1:
            _dispatch_one(messages[0], service)
            return
    except (MalformedError, RowTooLargeError) as error:
        _refuse(text, error, service)
        return
    for message in messages:  # somebody put an array there: each event goes its own way
        service.queue.send(message.encode())
    emit("event.split", {"count": len(messages)})


def _dispatch_one(message: Message, service: Service) -> None:
    from handlers import wake_ups  # noqa: PLC0415 - who only takes events in does without

    envelope = parse(told(fetch(message, service.large_events)))
    try:
        if wake_ups.wake(envelope, message, service):
            return
        if not service.accepts(envelope.workspace):
            reason = "a workspace that is not in WORKSPACES"
            emit("event.skipped", {"event": envelope.id, "workspace": envelope.workspace, "reason": reason})
            return
        orchestration = service.orchestration(message)
        if not wake_ups.offered(envelope, orchestration):
            _offer(envelope, orchestration)
    except ConfigurationError as error:
        # Touches no row: nothing is lost while a bad deployment is mended, and an alert watches this line.
        service.queue.send(message.encode(), after=CONFIGURATION_RETRY)
        for problem in error.problems:
            emit("configuration.error", {"event": envelope.id, "problem": problem}, level=logging.ERROR)


def _offer(envelope: Envelope, orchestration: "Orchestration") -> None:
    reasons = []
    for family in HANDLERS:
        answers = [one.offer(envelope, orchestration) for one in family.recognisers]
        if isinstance(answers[0], NotOurs) and all(isinstance(answer, NotOurs) for answer in answers):
            reasons.append(f"{family.name}: {answers[0].reason}")
    if len(reasons) == len(HANDLERS):
        facts: Facts = {"event": envelope.id, "subject": envelope.subject, "reason": "; ".join(reasons)}
        emit("event.skipped", facts)


def bury(text: bytes, service: Service) -> None:
    """Keep what the host gave up (its poison queue) as a dead letter. Raises StorageError."""
    name = service.dead_letters.keep_raw(text, reason="poison: the host gave the message up after repeated crashes")
    emit("event.dead_lettered", {"reason": "poison", "receipt": name}, level=logging.ERROR)


def _shown(event: Mapping[str, object]) -> bytes:
    """Show what cannot be written as JSON, as far as Python can: else what names it."""
    try:
        told = repr(event)
    except (RecursionError, ValueError):  # too deep, or a number of too many digits
        told = repr({key: value for key, value in event.items() if isinstance(value, str)})
    return told.encode(errors="backslashreplace")


def _refuse(raw: bytes, error: ReactorError, service: Service) -> None:
    reason = f"malformed: {error.reason}" if isinstance(error, MalformedError) else str(error)
    name = service.dead_letters.keep_raw(raw, reason=reason)
    emit("event.dead_lettered", {"reason": reason, "receipt": name}, level=logging.WARNING)
