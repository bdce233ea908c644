"""Bar 16: random faults in a random order break no promise, whether the mail service can be asked or not."""

import itertools
import os
from collections import Counter
from contextlib import ExitStack
from datetime import timedelta

import pytest
from hypothesis import HealthCheck, settings

from shared.transport import build_transport
from tests.fakes.gateways import FakeMail
from tests.fakes.service import rules
from tests.faults.accounts import Accounts
from tests.faults.figures import Figures
from tests.faults.mailbox import WINDOW, Forgetful
from tests.faults.on_azurite import Account, SimulationOnAzurite
from tests.faults.promise import SEEN, Promise
from tests.faults.simulation import Simulation

LONG = os.environ.get("REACTOR_LONG_TESTS") == "1"  # noqa: TID251 - a switch of the tests
KINDS = ("kills", "beside_each_other", "lost_copies", "purged_rows")


class PromiseWithoutLookUp(Promise):
    """The same where the mail service cannot be asked what became of a mail."""

    def mailbox(self) -> FakeMail:
        """Return a mail service that finds nothing."""
        return Forgetful()

    def died(self, posts: int) -> None:
        """See Promise: nobody heard what became of the mails of that run."""
        self.forgetful.nobody_heard(posts)

    @property
    def forgetful(self) -> Forgetful:
        """The mail service."""
        assert isinstance(self.simulation.mail, Forgetful)
        return self.simulation.mail

    def no_mail_too_many(self) -> None:
        """One mail, and one more at most for each lost answer whose repeat came after the 5-minute window.

        Nothing but a lost answer is a reason to ask again, and what is asked again within the window sends no mail.
        """
        mails = Counter(self.forgetful.delivered)
        for operation, times in self.forgetful.sent.items():
            late = sum(after - before >= WINDOW for before, after in itertools.pairwise(times))
            assert mails[operation] <= 1 + late
            assert len(times) <= 1 + len(self.forgetful.lost[operation]) + self.forgotten[operation]
            assert all(after - before >= timedelta(minutes=1) for before, after in itertools.pairwise(times))


WORLDS = pytest.mark.parametrize("promise", [Promise, PromiseWithoutLookUp])


def hold(promise: type[Promise], *, lives: int, steps: int) -> dict[str, int]:
    """Have the promise kept through so many lives of so many steps, and return what was done in them."""
    SEEN.clear()
    promise.TestCase.settings = settings(
        max_examples=lives,
        stateful_step_count=steps,
        deadline=None,
        derandomize=True,
        suppress_health_check=list(HealthCheck),
    )
    promise.TestCase("runTest").runTest()
    return dict(SEEN)


@pytest.mark.timeout(1200 if LONG else 120)
@WORLDS
def test_the_promise_holds(promise: type[Promise], figures: Figures) -> None:
    """Deliver, duplicate, crash, race, throttle, refuse, deploy, lose, purge, wait: every invariant at every step."""
    seen = hold(promise, lives=500 if LONG else 300, steps=50 if LONG else 30)
    assert min(seen[kind] for kind in KINDS) > 10
    figures.record("16", **seen)


@pytest.mark.timeout(1200 if LONG else 120)
@WORLDS
def test_the_promise_holds_on_azurite(promise: type[Promise], accounts: Accounts, figures: Figures) -> None:
    """The same machine, with the production store and queue on an account of its own."""
    with ExitStack() as stack:
        transport = stack.enter_context(build_transport())
        account = Account.connect(accounts.take(), transport=transport, stack=stack)

        class OnAzurite(promise):  # type: ignore[misc, valid-type] # one of two
            def service(self, reactions: str) -> Simulation:
                return SimulationOnAzurite(reactions=rules(reactions), mail=self.mailbox(), account=account)

        seen = hold(OnAzurite, lives=200 if LONG else 10, steps=30 if LONG else 20)
    figures.record("16", **{f"{kind}_on_azurite": number for kind, number in seen.items() if kind in {"runs", *KINDS}})
