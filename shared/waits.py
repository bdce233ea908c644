"""How long an admitted action may wait to be carried out."""

from datetime import datetime, timedelta

from shared.actions import Deferred, Failed, Outcome
from shared.records import EventRecord

MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)
#: Trouble without a success in between for this long ends in a dead letter; Event Grid gives up after 24 h as well.
TROUBLE = timedelta(hours=24)
#: A mail that could not be sent for this long raises an alert, through the log; it is tried on.
MAIL_OVERDUE = timedelta(hours=1)
#: How long the rule of a reaction may be missing: a rolling update, a roll-back.
RULE_GONE, RULE_GONE_RETRY = timedelta(minutes=30), timedelta(minutes=5)
GONE = Deferred(
    reason="rule_gone: the rule was removed, no longer matches, or does something else now",
    after=RULE_GONE_RETRY,
    limit=RULE_GONE,
)


def within_limits(outcome: Outcome, name: str, record: EventRecord, now: datetime) -> Outcome:
    """Turn "later" into a failure when its reason, or trouble of any kind, lasts too long."""
    if not isinstance(outcome, Deferred) or not outcome.trouble:
        return outcome
    limited, trouble = record.reactions[name].limited_since, record.trouble_since
    if outcome.limit is not None and limited is not None and now >= limited + outcome.limit:
        return Failed(reason=f"{outcome.reason}; for {outcome.limit // MINUTE} min: mend it and replay")
    if trouble is not None and now >= trouble + TROUBLE:
        return Failed(reason=f"trouble for {TROUBLE // HOUR} h without a success; last: {outcome.reason}")
    return outcome
