"""Bar 9, where it meets Azure: the shipped gateways are told to wait, by the stand-in."""

import random  # noqa: TID251 - a seeded storm
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest

from local.azure import Fault, World
from tests.fakes.events import altered
from tests.faults.figures import Figures
from tests.faults.real_edges import RealEdges, real_edges
from tests.faults.simulation import Simulation

SEED = 20261124
EDGES = {"jobs": ("PUT", r"/jobs/[^/?]+(\?|$)"), "mail": ("POST", "/emails:send")}
DAY = 24 * 3600


@pytest.fixture(scope="module")
def edges() -> Iterator[RealEdges]:
    """The shipped gateways on a stand-in."""
    with real_edges(World()) as edges:
        yield edges


def event(edges: RealEdges, edge: str, name: str, *, event_id: str = "one") -> dict[str, Any]:
    """Return an event that causes one job, or one mail."""
    if edge == "mail":
        return altered("pipeline-failed", event_id=event_id, runId=name)
    edges.workspace.register("models", f"{name}:1")
    return altered("model-registered", event_id=event_id, modelName=name, modelVersion="1")


def effects(edges: RealEdges) -> tuple[int, int]:
    """Count the jobs there are and the mails that arrived."""
    return len(edges.workspace.jobs), len(edges.azure.mailbox.mails)


def throttle(edges: RealEdges, edge: str, *, status: int, wait: str, times: int) -> None:
    """Have the stand-in refuse that often, and say how long to wait."""
    method, url = EDGES[edge]
    headers = {"Retry-After": wait} if wait else {}
    edges.azure.faults.add(Fault(method=method, url=url, status=status, headers=headers, times=times))


def delay(simulation: Simulation) -> float:
    """Return how long the one live copy waits, in seconds."""
    ((due, _number, _message, _dequeued),) = simulation.line.items
    return (due - simulation.clock.now).total_seconds()


@pytest.mark.parametrize("edge", EDGES)
@pytest.mark.parametrize("status", [429, 503])
@pytest.mark.parametrize("seconds", [1, 17, 600, DAY])
def test_retry_after_becomes_the_delay(
    edges: RealEdges, edge: str, status: int, seconds: int, figures: Figures
) -> None:
    """One request, one copy that waits as long as it was told; a hundred duplicates ask for nothing; one effect."""
    simulation = edges.simulation()
    simulation.jitter = 0.5
    name = f"{edge}-{status}-{seconds}"
    (jobs, mails), asked = effects(edges), len(edges.requests())
    throttle(edges, edge, status=status, wait=str(seconds), times=1)
    simulation.enqueue(event(edges, edge, name))
    simulation.step()
    assert len(edges.requests()) == asked + 1
    assert seconds <= delay(simulation) <= seconds * 1.1 + 1
    waiting = simulation.line.items[0]
    for number in range(100):
        simulation.deliver(event(edges, edge, name, event_id=f"again-{number}"))
    assert (simulation.line.items, len(edges.requests())) == ([waiting], asked + 1)
    simulation.run()
    assert sum(effects(edges)) == jobs + mails + 1
    assert len(edges.requests()) <= asked + 3
    assert (simulation.unsettled(), simulation.line.poison, simulation.letters.letters()) == ([], [], [])
    figures.record("9", throttled=1, calls=len(edges.requests()) - asked, duplicates=100, effects=1)


@pytest.mark.parametrize("edge", EDGES)
def test_a_storm_of_503(edges: RealEdges, edge: str, figures: Figures) -> None:
    """Fifty refusals that do not say how long: at most three requests in each attempt, and one effect at the end."""
    simulation = edges.simulation()
    before, asked = sum(effects(edges)), len(edges.requests())
    throttle(edges, edge, status=503, wait="", times=50)
    simulation.enqueue(event(edges, edge, f"{edge}-storm"))
    most = 0
    while simulation.line.items:
        so_far = len(edges.requests())
        simulation.step()
        most = max(most, len(edges.requests()) - so_far)
        assert len(simulation.line.items) <= 1
    assert most <= 3
    assert sum(effects(edges)) == before + 1
    assert (simulation.unsettled(), simulation.line.poison, simulation.letters.letters()) == ([], [], [])
    figures.record("9", throttled=50, calls=len(edges.requests()) - asked, effects=1, most_calls_per_attempt=most)


def test_a_fifth_of_all_requests_is_refused(edges: RealEdges, figures: Figures) -> None:
    """At random (seeded), of each service: every event has its one effect."""
    chance = random.Random(SEED)  # noqa: S311 - no secrets
    simulation = edges.simulation()
    before, asked = sum(effects(edges)), len(edges.requests())
    for number in range(25):
        for edge in EDGES:
            simulation.enqueue(event(edges, edge, f"{edge}-fifth-{number}"))
    while simulation.line.items:
        edges.azure.faults.clear()
        if chance.random() < 0.2:
            for edge in EDGES:
                throttle(
                    edges, edge, status=chance.choice([429, 500, 503]), wait=chance.choice(["", "1", "30"]), times=1
                )
        simulation.step()
    edges.azure.faults.clear()
    refused = sum(entry.fault for entry in edges.requests()[asked:])
    assert refused > 5, f"seed {SEED}"
    assert sum(effects(edges)) == before + 50
    assert (simulation.unsettled(), simulation.line.poison, simulation.letters.letters()) == ([], [], [])
    figures.record("9", throttled=refused, calls=len(edges.requests()) - asked, effects=50)


@pytest.mark.parametrize("edge", EDGES)
def test_a_day_of_refusals_is_a_dead_letter(edges: RealEdges, edge: str, figures: Figures) -> None:
    """Told to wait half an hour, for ever: a dead letter after 24 hours, with the service's own last word."""
    simulation = edges.simulation()
    before, asked, started = sum(effects(edges)), len(edges.requests()), simulation.clock.now
    throttle(edges, edge, status=503, wait="1800", times=200)
    simulation.enqueue(event(edges, edge, f"{edge}-day"))
    simulation.run()
    edges.azure.faults.clear()
    (letter,) = simulation.letters.letters()
    reason = str(letter["deadLetterReason"])
    assert reason.startswith("trouble for 24 h without a success; last: ")
    assert timedelta(hours=24) <= simulation.clock.now - started <= timedelta(hours=25)
    assert (simulation.line.poison, sum(effects(edges))) == ([], before)
    calls = len(edges.requests()) - asked
    figures.record("9", throttled=calls, calls=calls, dead_letters=1)
