"""Bar 9: what throttles is waited for as long as it asks, by one copy, and for a day at the longest."""

import random  # noqa: TID251 - a seeded storm
from datetime import timedelta

import pytest

from shared.actions import Deferred, Outcome
from tests.fakes.events import altered, sample
from tests.faults.figures import Figures
from tests.faults.simulation import Simulation

SEED = 20261124


def later(seconds: float) -> Deferred:
    """Return what a gateway makes of a 429 or 503."""
    return Deferred(reason="http 429", after=timedelta(seconds=seconds))


@pytest.mark.parametrize("seconds", [1, 17, 600, 86_400, 8 * 86_400])
def test_retry_after_is_kept(seconds: int, figures: Figures) -> None:
    """The second try is not before it, and not long after: also where a message cannot wait that long at once."""
    simulation = Simulation(jitter=0.5)
    simulation.jobs.script = [later(seconds)]
    started = simulation.clock.now
    simulation.enqueue(sample("model-registered"))
    simulation.run()
    waited = (simulation.clock.now - started).total_seconds()
    assert seconds <= waited <= seconds * 1.1 + 1
    assert (len(simulation.jobs.puts), len(simulation.jobs.jobs)) == (2, 1)
    figures.record("9", throttled=1, calls=2, effects=1)


def test_an_hour_of_outage_under_duplicates(figures: Figures) -> None:
    """Sixty refusals and two hundred duplicates: one live copy, one call a minute, one job, no poison."""
    simulation = Simulation()
    simulation.jobs.script = [later(60)] * 60
    simulation.enqueue(sample("model-registered"))
    duplicates = 0
    while len(simulation.jobs.puts) < 61:
        for number in range(4):
            simulation.enqueue(altered("model-registered", event_id=f"{duplicates}-{number}"))
        duplicates += 4
        due = simulation.line.items[0][0]
        while simulation.line.items and simulation.line.items[0][0] <= due:
            simulation.step()
        assert len(simulation.line.items) <= 1
        simulation.step()
    simulation.run()
    assert (len(simulation.jobs.puts), len(simulation.jobs.jobs)) == (61, 1)
    assert (simulation.line.poison, simulation.letters.letters()) == ([], [])
    figures.record("9", throttled=60, calls=61, duplicates=duplicates, effects=1)


def test_a_storm_of_random_refusals(figures: Figures) -> None:
    """A fifth of all calls is refused at random (seeded): fifty jobs and fifty mails all the same."""
    chance = random.Random(SEED)  # noqa: S311 - no secrets

    def script(count: int) -> list[Outcome]:
        return [later(chance.choice([1, 17, 30])) for _ in range(count)]

    simulation = Simulation()
    simulation.mail.delivers_lost_ones = False
    for number in range(50):
        simulation.enqueue(altered("model-registered", event_id=f"m{number}", modelName=f"model-{number}"))
        simulation.enqueue(
            altered("pipeline-failed", event_id=f"p{number}", runId=f"run-{number}", experimentName=f"e{number}")
        )
        if chance.random() < 0.2:
            simulation.jobs.script += script(1)
            simulation.mail.script += script(1)
    refused = len(simulation.jobs.script) + len(simulation.mail.script)
    assert refused > 5, f"seed {SEED}"
    simulation.run()
    assert (len(simulation.jobs.jobs), len(simulation.mail.mails)) == (50, 50)
    assert (simulation.line.poison, simulation.letters.letters(), simulation.unsettled()) == ([], [], [])
    figures.record("9", throttled=refused, calls=100 + refused, effects=100)


def test_a_day_of_trouble_is_a_dead_letter(figures: Figures) -> None:
    """Not sooner, not later; the reason is the last one, and a poison queue is no part of it."""
    simulation = Simulation()
    simulation.jobs.script = [later(1800)] * 100
    started = simulation.clock.now
    simulation.enqueue(sample("model-registered"))
    simulation.run()
    (letter,) = simulation.letters.letters()
    assert str(letter["deadLetterReason"]).endswith("last: http 429")
    assert timedelta(hours=24) <= simulation.clock.now - started <= timedelta(hours=25)
    assert simulation.line.poison == []
    figures.record("9", throttled=len(simulation.jobs.puts), calls=len(simulation.jobs.puts), dead_letters=1)
