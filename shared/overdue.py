"""A mail that cannot be sent is told through the log, where an alert watches: by mail nobody would hear of it."""

import logging
from collections.abc import Mapping

from shared.actions import Deferred, Outcome
from shared.ledger import Admission
from shared.telemetry import Facts, emit
from shared.waits import MAIL_OVERDUE


def tell_overdue(admission: Admission, outcomes: Mapping[str, Outcome]) -> None:
    """Log each mail that has to wait once more after an hour of trouble. It is tried on."""
    for key, outcome in outcomes.items():
        one = admission.record.reactions[key]
        if one.sent_at is None or not isinstance(outcome, Deferred) or not outcome.trouble:
            continue  # a job has no such mark, and a mail has one from its first attempt on
        began = (one.sent_at, one.limited_since, admission.record.trouble_since)
        late = admission.now - min(at for at in began if at is not None)
        if late >= MAIL_OVERDUE:
            facts: Facts = {"reaction": key, "receipt": one.effect, "reason": outcome.reason}
            emit("mail.overdue", {**facts, "seconds": int(late.total_seconds())}, level=logging.ERROR)
