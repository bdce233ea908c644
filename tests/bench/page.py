"""docs/performance.md, written from the results of a run."""

from collections.abc import Iterable, Iterator, Sequence
from statistics import median

from tests.bench.budgets import MB, budgets, spread
from tests.bench.cold import CONDITIONS, STILL_THERE
from tests.bench.results import Events, Results
from tests.bench.stats import middle

HEAD = """\
# Performance

What a reaction costs, measured against two others in the same run on the same stand-in for Azure: a **peer** that does
the same job and mail the way public samples do ([tests/bench/peer](../tests/bench/peer/function_app.py): imports at
the top, a credential and a client for each event, the job file loaded for each event, the mail waited for), and the
**floor**, which sends the app's own requests over kept connections and does nothing else. `make bench` takes under five
minutes and writes this page and its pictures.

What is real: the app, Microsoft's worker runtime and SDKs, TLS, tokens, and the storage emulator Azurite. What is not:
the network's distance, Azure's own time to answer, and the .NET host. So ratios tell more than times, and all times of
one table are of one run.
"""
COLD_HEAD = """
## Cold start

![Cold starts as stacked bars: the runtime, the functions indexed, the event taken in, the effect](cold-start.svg)

Seconds from the start of a process, medians. The app takes a pushed event in, enqueues it and then reacts to the
message; the peer acts at once. The host's own time is left out. It takes some from the index until it is ready for
events, and the app imports its clients meanwhile: half a second stands for it in some rows, and is not counted.
"Not compiled" is packages and app without .pyc; the standard library has its own. The "app as deployed" has packages
that were compiled when they were installed, and its own modules not: a deployment brings sources.
"""
EVENTS_HEAD = """
## Each event

Warm, one event after the other. Requests and connections are counted by the stand-in, those to storage by Python's
audit events. A mail of the peer is waited for: the service says to ask again after 30 s, and the poller does.
Requests to Azure are those for tokens too: the app's are kept for the life of a token. The floor's intake, job and mail
are the one request of each.
"""
#: How the page calls what was measured, where that is another word.
WORDS = {
    "PUT": "job, its PUT by the gateway alone",
    "intake": "intake: taken in and enqueued",
    "intake of a mail": "intake of a failure",
    "storage of a job": "job, its requests to storage",
}
RATES_HEAD = """
## Throughput

Job reactions a second, through one queue and one table: worker processes with the host's listener in them (Python as
well; in Azure it is .NET, in a process of its own). The floor sends the storage requests of a reaction and of the
listener, eight at a time in each process. The peer is pushed to, eight at a time: it has no state and no queue.
"""
GROWTH_HEAD = """
## As events add up

![The cost of an event by the number of events before it: flat](cost-growth.svg)

A reaction reads its event's row and what its reaction remembers about the subject, by key: the table's size is no
factor. All events about one subject become cheaper: after ten jobs of a day its budget refuses the rest, and a refusal
is two requests to storage and none to Azure ML.
"""
METHOD = """
## How it is measured

- Contestants take turns, so that whatever else the machine does meets all of them alike; a table's figures are medians
  unless they say otherwise. The first round is not counted.
- A worker process has in it what Azure's has: Microsoft's runtime and the app. Nothing of the host is imported.
- The moment of an effect is when the stand-in answered its request, for every contestant.
- CPU is that of the worker process and of those it started. Memory is resident memory.
- The peer's job and mail are asserted, as the app's are: each event has one effect, and its request is one that the
  published contract allows (`tests/runtime/test_bench.py`).
- Not measured here, but held by tests: what is imported at index (`tests/runtime/test_app.py`), that any run ends in
  25 s and that storage trouble is waited out ([reliability](reliability.md), bars 11 and 13).
"""


def page(results: Results) -> str:
    """Return the page."""
    return "".join(
        (
            HEAD,
            _machine(results),
            "\n## Budgets\n\n",
            _table(("budget", "at most", "measured", "", "why missed"), _budgets(results)),
            COLD_HEAD,
            _cache(results),
            "\n",
            _table(
                ("contestant", "effect", "start", "runtime", "indexed", "first effect", "of the peer", "modules", "MB"),
                _starts(results),
            ),
            EVENTS_HEAD,
            "\n",
            _table(
                ("contestant", "event", "p50 ms", "p99 ms", "CPU ms", "requests to Azure", "new TLS", "to storage"),
                _events(results),
            ),
            _memory(results),
            RATES_HEAD,
            "\n",
            _table(
                ("contestant", "processes", "events a second", "CPU ms", "of Azurite", "of the stand-in"),
                _rates(results),
            ),
            GROWTH_HEAD,
            METHOD,
        )
    )


def _machine(results: Results) -> str:
    return (
        f"\nLast run: {results.date}, {results.cores} cores, Python {results.python}, {results.seconds:.0f} s in all.\n"
    )


def _budgets(results: Results) -> Iterator[Sequence[str]]:
    for one in budgets(results):
        yield one.what, one.limit, one.measured, "met" if one.met else "**missed**", one.reason


def _cache(results: Results) -> str:
    if results.cold is None:
        return (
            "\nThis machine does not let a process drop files from the page cache (posix_fadvise left more than "
            f"{STILL_THERE:.0%} of them there): there is no start with a cold one.\n"
        )
    return (
        f'\n"Not in memory": files dropped from the page cache before each start; {results.cold:.0%} of their pages, '
        "in use by other processes, stayed.\n"
    )


def _starts(results: Results) -> Iterator[Sequence[str]]:
    for condition in CONDITIONS:
        for effect in ("job", "mail"):
            chosen = [one for one in results.starts if (one.conditions, one.effect) == (condition, effect)]
            peer = next((one for one in chosen if one.contestant == "peer"), None)
            for one in chosen:
                first = median(run.effect for run in one.runs)
                share = f"1/{median(run.effect for run in peer.runs) / first:.1f}" if peer and peer is not one else ""
                yield (
                    one.contestant,
                    f"first {effect}",
                    condition,
                    f"{median(run.runtime for run in one.runs):.2f}",
                    f"{median(run.indexed for run in one.runs):.2f}",
                    f"{first:.2f}",
                    share,
                    f"{median(run.modules for run in one.runs):.0f}",
                    f"{median(run.memory for run in one.runs) / MB:.0f}",
                )


def _events(results: Results) -> Iterator[Sequence[str]]:
    for one in sorted(results.events, key=lambda one: (one.effect, one.contestant)):
        p50, p99 = spread(one.seconds)
        known = one.contestant == "app" and one.storage > 0
        asked = (f"{one.azure:g}", f"{one.connections:g}") if one.azure else ("", "")
        cpu = f"{one.cpu * 1000:.1f}" if one.cpu else ""
        yield (
            one.contestant,
            WORDS.get(one.effect, one.effect),
            f"{p50:.2f}",
            f"{p99:.2f}",
            cpu,
            *asked,
            f"{one.storage:g}" if known else "",
        )
        if one.accepted:
            yield one.contestant, f"{one.effect}, until it is accepted", f"{middle(one.accepted) * 1000:.2f}", *[""] * 5


def _memory(results: Results) -> str:
    app, peer = (results.event(name, "job") for name in ("app", "peer"))
    return f"\nResident memory: {_grown('app', app)}; {_grown('peer', peer)}.\n"


def _grown(name: str, one: Events) -> str:
    return f"{name} {one.memory_before / MB:.0f} MB when indexed, {one.memory_after / MB:.0f} MB after its first jobs"


def _rates(results: Results) -> Iterator[Sequence[str]]:
    for one in sorted(results.rates, key=lambda one: (one.processes, one.contestant)):
        yield one.contestant, str(one.processes), f"{one.rate:.0f}", _ms(one.cpu), _ms(one.azurite), _ms(one.stand_in)


def _ms(seconds: float) -> str:
    return f"{seconds * 1000:.1f}" if seconds else ""


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "".join(f"| {' | '.join(cells)} |\n" for cells in lines)
