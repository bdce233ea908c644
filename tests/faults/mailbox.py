"""A mail service that cannot be asked what became of a mail, but knows an operation again for five minutes."""

from collections import defaultdict
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from shared.actions import Deferred, Outcome, SendMail
from tests.fakes.gateways import FakeMail

#: So long the service knows an operation again, and sends no second mail (Communication Services, repeatability).
WINDOW = timedelta(minutes=5)


@dataclass
class Forgetful(FakeMail):
    """The look-up finds nothing.

    *sent* has the times of each operation's requests, *lost* the numbers of the requests whose answer nobody got,
    *delivered_at* when an operation's mail last reached the mailbox.
    """

    sent: dict[str, list[datetime]] = field(default_factory=lambda: defaultdict(list))
    lost: dict[str, set[int]] = field(default_factory=lambda: defaultdict(set))
    delivered_at: dict[str, datetime] = field(default_factory=dict)

    def send(self, action: SendMail, *, operation: str, first_sent: datetime) -> Outcome:
        """See FakeMail; *first_sent* is the store's clock, just now."""
        outcome = super().send(action, operation=operation, first_sent=first_sent)
        self.sent[operation].append(first_sent)
        if isinstance(outcome, Deferred):
            self.lost[operation].add(len(self.posts))
        if operation in self.delivered_at and first_sent < self.delivered_at[operation] + WINDOW:
            self.delivered.pop()
        else:
            self.delivered_at[operation] = first_sent
        return outcome

    def find(self, operation: str) -> bool | Deferred:
        """See FakeMail."""
        self.lookups.append(operation)
        return False

    def nobody_heard(self, since: int) -> None:
        """Have the answers to all requests after the first *since* be lost: their sender died."""
        for number, operation in enumerate(self.posts[since:], since + 1):
            self.lost[operation].add(number)
