"""Messages of our own, which bring back a row or ask for a test mail: not told by Azure ML, so no family of events."""

from typing import Protocol

import msgspec

from shared import __version__
from shared.digest_mail import DigestMail
from shared.errors import MalformedError
from shared.events import Envelope
from shared.gateways import DeadLetters, Queue
from shared.mail_probe import TEST_MAIL, MailProbe, Wish
from shared.messages import Message
from shared.post import DIGEST_DUE, Post
from shared.reactions import Reactions
from shared.settings import Settings


class Woken(Protocol):
    """What they need; every part raises ConfigurationError."""

    @property
    def settings(self) -> Settings: ...  # noqa: D102 - see shared/bootstrap.py

    @property
    def reactions(self) -> Reactions: ...  # noqa: D102

    @property
    def post(self) -> Post: ...  # noqa: D102

    @property
    def queue(self) -> Queue: ...  # noqa: D102

    @property
    def dead_letters(self) -> DeadLetters: ...  # noqa: D102


def wake(envelope: Envelope, message: Message, service: Woken) -> bool:
    """Carry out a wake-up; False for what is none.

    Raises MalformedError, ConfigurationError, StorageError and DeadlineError.
    """
    if envelope.type == DIGEST_DUE:
        digests = DigestMail(
            post=service.post,
            queue=service.queue,
            dead_letters=service.dead_letters,
            settings=service.settings,
            lists=service.reactions.lists,
        )
        digests.deliver(envelope.text("row"), message)
    elif envelope.type == TEST_MAIL:
        recipients = service.reactions.recipients
        probe = MailProbe(
            post=service.post,
            queue=service.queue,
            settings=service.settings,
            recipients=recipients,
            version=__version__,
        )
        probe.deliver(_wish(envelope), message)
    return envelope.type in {DIGEST_DUE, TEST_MAIL}


def _wish(envelope: Envelope) -> Wish:
    try:
        return msgspec.convert(dict(envelope.data), Wish)
    except msgspec.ValidationError:
        raise MalformedError("data does not ask for a test mail") from None
