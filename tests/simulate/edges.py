"""Azure's published limits around the fakes: so many writes to Azure ML, so many mails; both are away at times.

Sources: docs/scale.md, section "Limits".
"""

from bisect import bisect_right
from collections import Counter, deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from shared.actions import Deferred, Outcome, SendMail, SubmitJob
from shared.lineage import Origin
from tests.fakes.gateways import FakeJobs, FakeLineages, FakeMail

#: Azure Resource Manager, for each subscription, principal and region: writes at once, and how many more a second.
WRITES, WRITES_A_SECOND = 200, 10.0
#: Communication Services, for a domain that Azure manages: requests in a minute and in an hour.
MAILS_A_MINUTE, MAILS_AN_HOUR = 5, 10
MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)
#: How soon an edge that is away is tried again, as shared/gateways has it for a 503 without Retry-After.
AWAY = timedelta(minutes=1)

type Clock = Callable[[], datetime]
type Windows = Sequence[tuple[datetime, datetime]]


def away(windows: Windows, now: datetime) -> bool:
    """Tell whether *now* is in one of the windows."""
    return any(begins <= now < ends for begins, ends in windows)


@dataclass
class Bucket:
    """A token bucket: *size* at once, *rate* more a second."""

    size: float = WRITES
    rate: float = WRITES_A_SECOND
    left: float = WRITES
    at: datetime | None = None

    def take(self, now: datetime) -> float:
        """Take one; 0 when there was one, else the seconds until there is."""
        passed = (now - self.at).total_seconds() if self.at else 0.0
        self.left, self.at = min(self.size, self.left + passed * self.rate), now
        if self.left < 1:
            return (1 - self.left) / self.rate
        self.left -= 1
        return 0.0


@dataclass(kw_only=True)
class LimitedJobs(FakeJobs):
    """Azure ML behind Azure Resource Manager. *requests* counts PUTs and the reads of a name that is taken."""

    clock: Clock
    outages: Windows = ()
    buckets: dict[str, Bucket] = field(default_factory=dict)
    counts: Counter[str] = field(default_factory=Counter)
    started: list[tuple[datetime, str, str, str]] = field(default_factory=list)

    def submit(self, action: SubmitJob, *, name: str, properties: Mapping[str, str], repeated: bool) -> Outcome:
        """See shared.gateways.Jobs."""
        now = self.clock()
        self.counts["asked"] += 1
        if away(self.outages, now):
            self.counts["away"] += 1
            return Deferred(reason="503", after=AWAY)
        subscription = action.workspace.split("/")[2]
        if wait := self.buckets.setdefault(subscription, Bucket()).take(now):
            self.counts["throttled"] += 1
            return Deferred(reason="429", after=timedelta(seconds=max(1.0, wait)))
        new = name not in self.jobs
        reads = len(self.reads)
        outcome = super().submit(action, name=name, properties=properties, repeated=repeated)
        self.counts["asked"] += len(self.reads) - reads
        if new:
            family, _, identity = properties["reactor_identity"].partition("|")
            self.started.append((now, properties["reactor_reaction"], action.workspace, f"{family}|{identity}"))
        return outcome


@dataclass(kw_only=True)
class LimitedMail(FakeMail):
    """The mail service of a domain that Azure manages: every request counts, those that it refuses too."""

    clock: Clock
    per_minute: int = MAILS_A_MINUTE
    per_hour: int = MAILS_AN_HOUR
    outages: Windows = ()
    counts: Counter[str] = field(default_factory=Counter)
    times: list[datetime] = field(default_factory=list)
    _hour: deque[datetime] = field(default_factory=deque)

    def send(self, action: SendMail, *, operation: str, first_sent: datetime) -> Outcome:
        """See shared.gateways.Mail."""
        now = self.clock()
        self.times.append(now)
        while self._hour and self._hour[0] <= now - HOUR:
            self._hour.popleft()
        self._hour.append(now)
        if len(self._hour) > self.per_hour or sum(at > now - MINUTE for at in self._hour) > self.per_minute:
            self.counts["over quota"] += 1
            return Deferred(reason="429", after=HOUR, quota=True)
        if away(self.outages, now):
            self.counts["away"] += 1
            return Deferred(reason="503", after=AWAY)
        self.counts[stage(action)] += 1
        return super().send(action, operation=operation, first_sent=first_sent)

    def find(self, operation: str) -> bool | Deferred:
        """See shared.gateways.Mail."""
        self.counts["looked up"] += 1
        return Deferred(reason="503", after=AWAY) if away(self.outages, self.clock()) else super().find(operation)


class CountedLineages(FakeLineages):
    """Models and runs that no job of ours made: the read is counted, and tells nothing."""

    count = 0

    def read(self, workspace: str, origin: Origin) -> Mapping[str, str] | Deferred:
        """See shared.gateways.Lineages."""
        del workspace, origin
        self.count += 1
        return {}


def most_within(times: Sequence[datetime], window: timedelta) -> int:
    """Return the most of *times* (in order) within any *window*."""
    return max(
        (bisect_right(times, at + window - timedelta(microseconds=1)) - i for i, at in enumerate(times)), default=0
    )


def stage(action: SendMail) -> str:
    """Return which mail it is: of an incident the stage, else its kind."""
    return action.notice.incident.stage if action.notice.incident else action.notice.kind
