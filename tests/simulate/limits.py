"""How far the simulated base load is from what each service takes: docs/scale.md has the table, and each source."""

from collections.abc import Iterator
from dataclasses import dataclass
from math import floor, log10

from tests.simulate.edges import MAILS_AN_HOUR, WRITES_A_SECOND
from tests.simulate.load import SUBSCRIPTIONS, Load
from tests.simulate.play import AT_ONCE, MAIL_SECONDS, ML_SECONDS, OWN_SECONDS, STORAGE_SECONDS
from tests.simulate.result import QUEUE_REQUESTS, Result

#: infra/main.bicep, maximumInstances.
INSTANCES = 40
#: "Scalability and performance targets for Table storage", "… for Queue Storage": a second, of 1 KiB each.
PARTITION_ENTITIES, ACCOUNT_REQUESTS, QUEUE_MESSAGES = 2_000, 20_000, 2_000
#: "Azure Event Grid quotas and limits": events that one topic takes in a second.
TOPIC_EVENTS = 5_000
#: execve(2): MAX_ARG_STRLEN, the longest string of an environment, in bytes.
SETTING_BYTES = 131_072
#: Communication Services, for a domain of one's own.
OWN_DOMAIN_AN_HOUR = 100


@dataclass(frozen=True, slots=True)
class Use:
    """What the base load *needs* on average of a limit, which *takes* so much of it, each in *unit*."""

    limit: str
    unit: str
    takes: float
    needs: float

    @property
    def reached(self) -> float:
        """How many times the base load reaches the limit."""
        return self.takes / self.needs


def uses(base: Result) -> Iterator[Use]:
    """Give the use of every limit by the base load, the tightest first."""
    yield from sorted(_uses(base), key=lambda use: use.reached)


def _uses(base: Result) -> Iterator[Use]:
    seconds = base.hours * 3600
    a_second = {name: cost * base.events / 1000 / seconds for name, cost in base.cost.items()}
    mails = sum(count for how, count in base.ended.items() if how.startswith("mail")) / base.hours
    jobs = base.ended["job started"] / seconds / SUBSCRIPTIONS
    busy = (
        a_second["queue messages"] * OWN_SECONDS
        + a_second["storage requests"] * STORAGE_SECONDS
        + a_second["Azure ML requests"] * ML_SECONDS
        + a_second["mail requests"] * MAIL_SECONDS
    )
    yield Use("mails, of a domain that Azure manages", "an hour", MAILS_AN_HOUR, mails)
    yield Use("mails, of a domain of your own", "an hour", OWN_DOMAIN_AN_HOUR, mails)
    yield Use("the setting `WORKSPACES`", "bytes", SETTING_BYTES, len(",".join(Load(events=1).names)))
    yield Use("jobs started in one subscription and region", "a second", WRITES_A_SECOND, jobs)
    yield Use("messages in hand", "at once", INSTANCES * AT_ONCE, busy)
    yield Use("messages of the queue", "a second", QUEUE_MESSAGES, a_second["queue messages"] * QUEUE_REQUESTS)
    asked = a_second["storage requests"] + a_second["queue messages"] * QUEUE_REQUESTS
    yield Use("requests to the storage account", "a second", ACCOUNT_REQUESTS, asked)
    yield Use("events of one topic", "a second", TOPIC_EVENTS, base.events / seconds / base.workspaces)


def told(number: float) -> str:
    """Return a number with two digits that count."""
    digits = 1 - floor(log10(number))
    rounded = round(number, digits)
    return f"{rounded:,.{max(digits, 0)}f}" if digits > 0 else f"{rounded:,.0f}"
