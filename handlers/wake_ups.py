"""Messages of our own, which bring back a row or ask for a test mail: not told by Azure ML, so no family of events."""

import msgspec

from handlers import letters, overdue
from handlers.service import Service
from shared import __version__
from shared.digest_mail import DigestMail
from shared.errors import MalformedError
from shared.events import Envelope, NotOurs
from shared.mail_probe import TEST_MAIL, MailProbe, Wish
from shared.messages import Message
from shared.orchestration import Orchestration
from shared.post import DIGEST_DUE

#: Events of our own that a reaction sends ahead: they come back with a delay, and have rows as all events have.
OFFERS = (overdue.offer, letters.offer)


def wake(envelope: Envelope, message: Message, service: Service) -> bool:
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


def offered(envelope: Envelope, orchestration: Orchestration) -> bool:
    """Have what follows from an event of our own carried out; False for what is none. Raises as `wake`."""
    return any(not isinstance(offer(envelope, orchestration), NotOurs) for offer in OFFERS)


def _wish(envelope: Envelope) -> Wish:
    try:
        return msgspec.convert(dict(envelope.data), Wish)
    except msgspec.ValidationError:
        raise MalformedError("data does not ask for a test mail") from None
