"""The tables of docs/scale.md: what one event takes, what the simulation came to, and how far each limit is."""

import re
from collections.abc import Iterator, Sequence

from tests.budgets import AGREED, BUDGETS
from tests.simulate.limits import told, uses
from tests.simulate.play import AT_ONCE
from tests.simulate.result import Result

type Table = list[list[str]]


def refreshed(page: str, results: Sequence[Result]) -> str:
    """Return the page with its tables as they are now; each is found by the head of its first column."""
    for head, *rows in (events(), agreed(), simulated(results), limits(results[0])):
        lines = [_line(head), _line(["---"] * len(head)), *map(_line, rows)]
        found = re.compile(rf"^\| {re.escape(head[0])} \|.*\n(?:\|.*\n)+", re.MULTILINE)
        page, count = found.subn(lambda _found, lines=lines: "".join(lines), page)  # type: ignore[misc]
        if count != 1:
            raise ValueError(f"one table has to begin with the column {head[0]!r}; there are {count}")
    return page


def _line(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |\n"


def events() -> Table:
    """Return what one event takes, by tests/budgets.py."""
    head = ["what happens", "storage", "budgeted", "jobs", "reads", "mails", "bytes", "calls", "why more than budgeted"]
    rows = (
        [
            one.event,
            *map(str, (one.storage, one.allowed, one.jobs, one.reads, one.mails)),
            f"{one.size:,}",
            f"{one.calls:,}",
            one.missed,
        ]
        for one in BUDGETS
    )
    return [head, *rows]


def agreed() -> Table:
    """Return the budgets that were agreed on and can be counted."""
    head = ["of what", "budget", "held by", "why it is exceeded"]
    return [head, *([one.name, one.budget, f"`tests/{one.held_by}`", one.missed] for one in AGREED)]


def simulated(results: Sequence[Result]) -> Table:
    """Return what each load came to."""
    head = ["of the simulation", *(f"{one.times:,}x" for one in results)]
    columns = [dict(_measures(one)) for one in results]
    return [head, *([name, *(column[name] for column in columns)] for name in columns[0])]


def _measures(one: Result) -> Iterator[tuple[str, str]]:
    yield "events", f"{one.events:,}"
    yield "hours", f"{one.hours:,}"
    yield "deliveries by Event Grid and the queue", f"{one.deliveries:,}"
    for how in ("job started", "mail sent", "mail merged into a summary", "folded into an incident"):
        yield how, f"{one.ended.get(how, 0):,}"
    for effect, name in (("job", "a job"), ("opened", "the first mail of an incident"), ("digest", "a summary")):
        half, _most, nearly, _all = one.seconds[effect].percentiles
        yield f"seconds until {name}: p50, p99", f"{half:,}, {nearly:,}"
    for name in ("storage requests", "Azure ML requests", "mail requests", "queue messages"):
        yield f"{name} for 1,000 events", f"{one.cost[name]:,}"
    yield "bytes of rows for an event", f"{one.cost['row bytes'] / 1000:,.0f}"
    yield "jobs sent back by a 429", f"{one.refused['jobs: 429']:,}"
    yield "messages in hand at once, at most", f"{one.peaks['messages in hand']:,}"
    yield "instances for them", f"{-(-one.peaks['messages in hand'] // AT_ONCE)}"
    yield "entities in one second, at most", f"{one.peaks['entities in a second']:,}"
    yield "of them in one partition, at most", f"{one.peaks['entities of one partition in a second']:,}"


def limits(base: Result) -> Table:
    """Return how far the base load is from each limit on average, the nearest first."""
    head = ["limit", "takes", "the base load needs", "reached at"]
    rows = ([use.limit, f"{use.takes:,.0f} {use.unit}", told(use.needs), f"{told(use.reached)}x"] for use in uses(base))
    return [head, *rows]
