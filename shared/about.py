"""The columns that tell what an event's row is about; they are written once, with the row."""

from shared.events import Event
from shared.messages import Message


def columns_about(event: Event, message: Message) -> dict[str, str | int]:
    """Return the columns that tell what the row is about; the event stands there inline or as a blob's name."""
    envelope = event.envelope
    content = {"blob": message.blob or ""} if message.inline is None else {"event": message.inline.decode()}
    return {
        "workspace": envelope.workspace,
        "family": event.family,
        "subject": event.subject,
        "identity": event.identity,
        "event_id": envelope.id,
        "event_type": envelope.type,
        "event_time": envelope.time,
        "generation": message.generation,
        **content,
    }
