"""From a dead letter to the messages that put it back, read first with the eyes of today's code."""

from collections.abc import Sequence
from dataclasses import dataclass

import msgspec

import handlers
from ops.generations import Generations
from ops.letters import Letter
from shared.errors import MalformedError
from shared.events import Event, parse
from shared.gateways import Blobs
from shared.gateways.dead_letters import RAW_BYTES
from shared.gateways.large_events import fetch
from shared.messages import Message, decode, told


@dataclass(frozen=True, slots=True)
class Refused:
    """A letter that is not put back: why, and what to do."""

    problem: str
    remedy: str


def messages_of(letter: Letter, large_events: Blobs) -> tuple[Message, ...] | Refused:
    """Return what puts *letter* back, or why nothing does. Raises StorageError."""
    if letter.kind == "foreign":
        return Refused(letter.problem, "look at it with `show`, and delete the blob if it does not belong there")
    if letter.raw_bytes > RAW_BYTES:
        kept = f"only the first {RAW_BYTES:,} of {letter.raw_bytes:,} bytes were kept"
        return Refused(kept, "have its sender send it again")
    try:
        messages = _messages(letter)
        for message in messages:
            recognised(message, large_events)
    except MalformedError as error:
        return _unreadable(letter, error)
    return messages


def recognised(message: Message, large_events: Blobs) -> Sequence[Event]:
    """Return what the families see in a message's event. Raises MalformedError as the app would, and StorageError."""
    return handlers.recognised_by(parse(told(fetch(message, large_events))))


def repeated(messages: Sequence[Message], large_events: Blobs, generations: Generations) -> tuple[Message, ...]:
    """Return *messages* in a generation that no row has yet. Raises StorageError and MalformedError.

    One event told by several letters is repeated once, because its generation is the same for all of them. An event
    that has no row was never handled: it is generation 0, told for the first time.
    """
    again = []
    for message in messages:
        events = recognised(message, large_events)
        if not events:
            raise MalformedError("no family recognises the event: there is nothing to repeat")
        highest = max(generations.highest(event) for event in events)
        again.append(msgspec.structs.replace(message, token="", reopen="", generation=highest + 1))
    return tuple(again)


def _messages(letter: Letter) -> tuple[Message, ...]:
    if letter.kind in {"poison", "unreadable"}:
        return decode(letter.raw)
    if letter.blob:
        return (Message(blob=letter.blob, reopen=letter.failure, generation=letter.generation),)
    return tuple(
        Message(event=msgspec.Raw(event), reopen=letter.failure, generation=letter.generation)
        for event in letter.events
    )


def _unreadable(letter: Letter, error: MalformedError) -> Refused:
    if letter.kind in {"poison", "unreadable"}:
        remedy = "deploy code that reads it, or write the event anew and put it into the queue"
    else:
        remedy = "the app would refuse it as well; have its sender send a whole event"
    return Refused(f"today's code cannot read it: {error.reason}", remedy)
