"""`make bench`: plays everything, and writes docs/performance.md and its pictures."""

import os
import platform
import sys
from contextlib import ExitStack
from pathlib import Path
from time import monotonic

import msgspec

from local.azure.clock import now
from tests.bench.arena import Arena
from tests.bench.cold import COLD, LATER, NOT_COMPILED, WARM, cold_starts, conditions
from tests.bench.growth import growth
from tests.bench.page import page
from tests.bench.peer_mails import PeerMails
from tests.bench.player import ROOT
from tests.bench.plots import cold_start, cost_growth
from tests.bench.replays import recorded
from tests.bench.results import Results
from tests.bench.throughput import app_rate, floor_rate, peer_rate
from tests.bench.warm import WarmEvents

DOCS = ROOT / "docs"
#: What a run has found, for whoever wants more than medians.
RAW = ROOT / ".local" / "bench.json"
#: How often each contestant starts under which conditions.
REPEATS = {WARM: 5, LATER: 4, COLD: 4, NOT_COMPILED: 3}
PROCESSES = (1, 2, 4)


def run() -> Results:
    """Play everything once."""
    began = monotonic()
    results = Results(date=f"{now():%Y-%m-%d}", cores=os.process_cpu_count() or 1, python=platform.python_version())
    with Arena() as arena, ExitStack() as stack:
        mails = PeerMails(arena, stack)  # they wait while others work
        _say(began, "cold starts")
        tried, results.cold = conditions(arena.place)
        results.starts = cold_starts(arena, tried, REPEATS)
        _say(began, "warm events")
        peer_mails = mails.events()
        record = recorded(arena)
        results.events = [*WarmEvents(arena, record, app=30, peer=15).play(4), peer_mails]
        for processes in PROCESSES:
            _say(began, f"throughput of {processes}")
            results.rates += [
                floor_rate(arena, record, processes, 400),
                app_rate(arena, processes, 240),
                peer_rate(arena, processes, 40),
            ]
        _say(began, "growth")
        results.growth = growth(arena, steps=20, events=20)
    results.seconds = monotonic() - began
    return results


def write(results: Results, folder: Path) -> None:
    """Write the page and the pictures into *folder*."""
    (folder / "performance.md").write_text(page(results), encoding="utf-8")
    (folder / "cold-start.svg").write_text(cold_start(results), encoding="utf-8")
    (folder / "cost-growth.svg").write_text(cost_growth(results), encoding="utf-8")


def main(arguments: list[str]) -> int:
    """Run, or write again from the last run's results (`--page`)."""
    if arguments == ["--page"]:
        results = msgspec.json.decode(RAW.read_bytes(), type=Results)
    else:
        results = run()
        RAW.parent.mkdir(exist_ok=True)
        RAW.write_bytes(msgspec.json.encode(results))
    write(results, DOCS)
    return 0


def _say(began: float, what: str) -> None:
    sys.stderr.write(f"{monotonic() - began:5.0f} s  {what}\n")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
