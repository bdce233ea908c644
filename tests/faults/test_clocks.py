"""Bar 6: no clock but the store's decides, and nobody compares two of them."""

import ast
from datetime import timedelta
from pathlib import Path

import pytest

from tests.fakes.events import SAMPLES, altered, sample
from tests.faults.figures import Figures
from tests.faults.simulation import Simulation

ROOT = SAMPLES.parent
#: Monotonic time bounds a run; it decides nothing.
MONOTONIC = {"shared/transport/watchdog.py"}
CLOCKS = {"now", "utcnow", "today", "time", "monotonic", "perf_counter", "localtime", "gmtime", "time_ns"}


def readers(path: Path) -> set[str]:
    """Return the clocks that a module reads: calls of `datetime.now` and the like, and what it imports from `time`."""
    tree = ast.parse(path.read_text())
    imports = [node for node in ast.walk(tree) if isinstance(node, ast.ImportFrom) and node.module == "time"]
    calls = [node.func for node in ast.walk(tree) if isinstance(node, ast.Call)]
    named = [call for call in calls if isinstance(call, ast.Attribute) and call.attr in CLOCKS]
    called = {
        ast.unparse(call)
        for call in named
        if ast.unparse(call.value) in {"datetime", "time", "date", "datetime.datetime", "datetime.date"}
    }
    return called | {f"time.{name.name}" for node in imports for name in node.names}


def test_nothing_reads_a_clock(figures: Figures) -> None:
    """Times come from the store's answers; a worker's own clock may say what it likes."""
    modules = [path for folder in ("shared", "handlers") for path in (ROOT / folder).rglob("*.py")]
    found = {path.relative_to(ROOT).as_posix(): readers(path) for path in [*modules, ROOT / "function_app.py"]}
    assert {name for name, clocks in found.items() if clocks} == MONOTONIC
    assert found["shared/transport/watchdog.py"] == {"time.monotonic"}
    figures.record("6", modules=len(found))


@pytest.mark.parametrize(
    "jump", [timedelta(minutes=-10), timedelta(minutes=10), timedelta(hours=-1), timedelta(hours=1)]
)
def test_a_store_whose_clock_jumps_doubles_nothing(jump: timedelta, figures: Figures) -> None:
    """A fail-over to another server, a step backwards, a summer time by mistake: one job, one mail."""
    simulation = Simulation()
    for name in ("model-registered", "pipeline-failed"):
        simulation.enqueue(sample(name))
        simulation.run()
        simulation.clock.now += jump
        simulation.enqueue(sample(name))
        simulation.run()
    assert (len(simulation.jobs.puts), len(simulation.mail.posts)) == (1, 1)
    figures.record("6", clock_jumps=2, effects=2)


def test_a_step_backwards_widens_no_guard() -> None:
    """An hour back: the cooldown of drift still holds, since what was admitted lies ahead."""
    simulation = Simulation()
    simulation.enqueue(sample("monitor-breach"))
    simulation.run()
    simulation.clock.now -= timedelta(hours=2)
    simulation.enqueue(altered("monitor-breach", event_id="later", runId="another-step"))
    simulation.run()
    assert len(simulation.jobs.puts) == 1
