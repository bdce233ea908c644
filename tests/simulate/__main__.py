"""``python -m tests.simulate``: plays a month and three busier loads, and writes the figures of docs/scale.md.

With other than the default events, seed or instances it writes to .local/simulate, and no page.
"""

import argparse
import logging
import sys
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from time import perf_counter

import msgspec

from shared.telemetry import LOGGER
from tests.markdown import DOCS, ROOT
from tests.simulate.limits import INSTANCES
from tests.simulate.plot import plot
from tests.simulate.result import TIMES, Result, report, simulated
from tests.simulate.tables import refreshed

EVENTS, SEED = 1_000_000, 1
#: The busier loads are played for a tenth of the events.
SHORTER = 10


def quietly(times: int, *, events: int, seed: int, instances: int) -> tuple[Result, float]:
    """Play one load without its log lines, in a process of its own; and how many seconds it took."""
    LOGGER.setLevel(logging.CRITICAL)
    began = perf_counter()
    played = simulated(times, events=events, seed=seed, instances=instances)
    return played, perf_counter() - began


def main() -> int:
    """Play, print, and write; 1 when a promise was broken."""
    parser = argparse.ArgumentParser(prog="python -m tests.simulate", description=__doc__)
    parser.add_argument("--events", type=int, default=EVENTS, help="how many happen at the base load")
    parser.add_argument("--seed", type=int, default=SEED)
    parser.add_argument("--instances", type=int, default=INSTANCES, help="how many the app may have")
    given = parser.parse_args()
    whole = (given.events, given.seed, given.instances) == (EVENTS, SEED, INSTANCES)
    folder = DOCS if whole else ROOT / ".local" / "simulate"
    folder.mkdir(parents=True, exist_ok=True)
    results = []
    with ProcessPoolExecutor(2) as pool:
        asked = [
            pool.submit(
                quietly,
                times,
                events=given.events if times == 1 else given.events // SHORTER,
                seed=given.seed,
                instances=given.instances,
            )
            for times in TIMES
        ]
        for one in asked:
            played, seconds = one.result()
            results.append(played)
            lines = [*report(played), f"  simulated in {seconds:,.0f} s: {played.events / seconds:,.0f} events/s"]
            sys.stdout.write("\n".join(lines) + "\n")
            sys.stdout.flush()
    _write(folder / "scale.json", msgspec.json.format(msgspec.json.encode(results), indent=1).decode() + "\n")
    _write(folder / "scale.svg", plot(results))
    if whole:
        _write(DOCS / "scale.md", refreshed((DOCS / "scale.md").read_text(encoding="utf-8"), results))
    return int(any(one.broken for one in results))


def _write(path: Path, content: str) -> None:
    path.write_text(content, encoding="utf-8")
    sys.stdout.write(f"written: {path.relative_to(ROOT)}\n")


if __name__ == "__main__":
    sys.exit(main())
