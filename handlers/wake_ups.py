"""Messages of our own that bring back a row: not told by Azure ML, and so no family of events."""

from typing import Protocol

from shared.digest_mail import DigestMail
from shared.events import Envelope
from shared.messages import Message
from shared.post import DIGEST_DUE


class Woken(Protocol):
    """What wake-ups need."""

    @property
    def digests(self) -> DigestMail: ...  # noqa: D102 - see shared/digest_mail.py


def wake(envelope: Envelope, message: Message, service: Woken) -> bool:
    """Carry out a wake-up; False for what is none. Raises ConfigurationError, StorageError and DeadlineError."""
    if envelope.type != DIGEST_DUE:
        return False
    service.digests.deliver(envelope.text("row"), message)
    return True
