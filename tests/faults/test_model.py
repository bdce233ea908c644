"""Bar 16: random faults in a random order break no promise, whether the mail service can be asked or not."""

import itertools
import os
from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import pytest
from hypothesis import HealthCheck, settings

from shared.actions import Deferred, Outcome, SendMail
from tests.fakes.gateways import FakeMail
from tests.faults.figures import Figures
from tests.faults.promise import SEEN, Promise

LONG = os.environ.get("REACTOR_LONG_TESTS") == "1"  # noqa: TID251 - a switch of the tests


@dataclass
class Forgetful(FakeMail):
    """A mail service that cannot be asked: the look-up finds nothing.

    *lost* counts the answers that each operation's sender did not get, *sent* has the times of its requests.
    """

    lost: Counter[str] = field(default_factory=Counter)
    sent: dict[str, list[datetime]] = field(default_factory=dict)

    def send(self, action: SendMail, *, operation: str, first_sent: datetime) -> Outcome:
        """See FakeMail."""
        self.sent.setdefault(operation, []).append(first_sent)
        outcome = super().send(action, operation=operation, first_sent=first_sent)
        self.lost[operation] += isinstance(outcome, Deferred)
        return outcome

    def find(self, operation: str) -> bool | Deferred:
        """See FakeMail."""
        self.lookups.append(operation)
        return False


class PromiseWithoutLookUp(Promise):
    """The same where the mail service cannot be asked what became of a mail."""

    def mailbox(self) -> FakeMail:
        """Return a mail service that finds nothing."""
        return Forgetful()

    def no_mail_too_many(self) -> None:
        """One mail, and one more at most for each time that nobody learnt what became of it; never within a minute."""
        mail = self.simulation.mail
        assert isinstance(mail, Forgetful)
        for operation, mails in Counter(mail.delivered).items():
            assert mails <= 1 + mail.lost[operation] + self.simulation.deaths
        for times in mail.sent.values():
            assert all(after - before >= timedelta(minutes=1) for before, after in itertools.pairwise(times))


@pytest.mark.parametrize("promise", [Promise, PromiseWithoutLookUp])
def test_the_promise_holds(promise: type[Promise], figures: Figures) -> None:
    """Deliver, duplicate, crash, race, throttle, refuse, deploy, lose, wait: every invariant at every step."""
    SEEN.clear()
    promise.TestCase.settings = settings(
        max_examples=500 if LONG else 200,
        stateful_step_count=50 if LONG else 30,
        deadline=None,
        derandomize=True,
        suppress_health_check=list(HealthCheck),
    )
    promise.TestCase("runTest").runTest()
    assert min(SEEN[kind] for kind in ("kills", "beside_each_other", "lost_copies")) > 20
    figures.record("16", **SEEN)
