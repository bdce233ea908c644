"""Checks of what goes on: what waits, what was given up, when the last event came, what Event Grid delivered."""

import shlex
from collections.abc import Iterator
from datetime import timedelta

from ops.doctor.finding import Finding, failed, ok, warning
from ops.doctor.look import METRICS, Look
from ops.doctor.state import POISON, SPANS
from shared.gateways.queue import QUEUE
from shared.switches import ALL

#: More than this is more than the app does in some minutes.
MANY = 1000
#: Tokens of another clock are refused.
SKEW = timedelta(minutes=5)
DAY = timedelta(days=1)
METRIC_NAMES = ("PublishSuccessCount", "DeliverySuccessCount", "DeliveryAttemptFailCount", "DeadLetteredCount")
LETTERS = "python -m ops dead-letters list --account"


def waiting(look: Look) -> Iterator[Finding]:
    """Count the messages of the queue, those that wait for a time as well."""
    count = look.state.messages(QUEUE)
    if count > MANY:
        told = f"about {count:,} messages are in {QUEUE}: the app does not keep up, or all waits for one thing"
        yield warning(told, "look for action.settled with deferred in the log (docs/operations.md)")
    else:
        yield ok(f"{count} messages in {QUEUE}")


def poison(look: Look) -> Iterator[Finding]:
    """Count the messages that the host gave up, and that nobody took from there."""
    count = look.state.messages(POISON)
    if count:
        told = f"{count} messages are in {POISON}: the function dead_letter did not take them yet"
        yield failed(told, f"is the app running? Then they become dead letters: {LETTERS} {look.account_name}")
    else:
        yield ok(f"{POISON} is empty")


def dead_letters(look: Look) -> Iterator[Finding]:
    """Count the dead letters that nobody put back yet."""
    found = [entry for entry in look.state.letters().entries if not entry.replayed]
    if found:
        newest, oldest = (f"{found[place].when:%Y-%m-%d %H:%M}" for place in (0, -1))
        told = f"{len(found)} dead letters, the newest of {newest}, the oldest of {oldest}"
        yield warning(told, f"{LETTERS} {look.account_name}")
    else:
        yield ok("no dead letter waits for a person")


def pauses(look: Look) -> Iterator[Finding]:
    """List the pauses in force: what they hold up is held up on purpose."""
    found = look.state.pauses()
    for pause in found:
        which = "--all" if pause.reaction == ALL else pause.reaction
        told = pause.reason if pause.reaction == ALL else f"{pause.reaction}: {pause.reason}"
        yield warning(told, f"python -m ops resume {shlex.quote(which)} --account {look.account_name}")
    if not found:
        yield ok("no reaction is paused")


def last_event(look: Look) -> Iterator[Finding]:
    """Tell how long ago the row of an event was last written."""
    now = look.state.letters().at
    last = look.state.last_event(now)
    if last is None:
        told = f"no event was recorded in {SPANS[-1].days} days"
        yield warning(told, "register a model in a workspace: its event is recorded within a minute (docs/deploy.md)")
    else:
        yield ok(f"the last event was recorded {_ago(now - last)} ago")


def deliveries(look: Look) -> Iterator[Finding]:
    """Ask Event Grid what became of the events of the last day."""
    for topic in look.topics.values():
        now = look.arm.at
        found = look.arm.get(
            f"{topic.id}/providers/Microsoft.Insights/metrics",
            METRICS,
            metricnames=",".join(METRIC_NAMES),
            timespan=f"{now - DAY:%Y-%m-%dT%H:%M:%SZ}/{now:%Y-%m-%dT%H:%M:%SZ}",
            interval="PT1H",
            aggregation="Total",
        )
        published, delivered, failures, dead = (_total(found or {}, name) for name in METRIC_NAMES)
        told = f"{topic.workspace}, last day: {published} published, {delivered} delivered, {failures} attempts failed"
        if dead:
            yield failed(f"{told}, {dead} dead-lettered", f"{LETTERS} {look.account_name}")
        elif failures and not delivered:
            yield failed(told, "see the checks of functions, roles and subscriptions; Event Grid tries for a day")
        else:
            yield ok(told)


def clock(look: Look) -> Iterator[Finding]:
    """Compare the clock of this machine with Azure's."""
    assert look.site  # noqa: S101 - something has to be asked first
    off = abs(look.now() - look.arm.at)
    if off > SKEW:
        told = f"the clock of this machine is off by {_ago(off)}: logins fail, and times here mislead"
        yield warning(told, "set the clock of this machine by NTP")
    else:
        yield ok("this machine and Azure agree on the time")


def _total(metrics: object, name: str) -> int:
    values = metrics.get("value") or () if isinstance(metrics, dict) else ()
    points = [
        point
        for metric in values
        if metric["name"]["value"] == name
        for series in metric.get("timeseries") or ()
        for point in series.get("data") or ()
    ]
    return int(sum(point.get("total") or 0 for point in points))


def _ago(span: timedelta) -> str:
    minutes = int(span.total_seconds() // 60)
    if minutes < 1:
        return "less than a minute"
    if span < timedelta(hours=2):
        return f"{minutes} minutes"
    return f"{minutes // 60} hours" if span < timedelta(days=2) else f"{span.days} days"
