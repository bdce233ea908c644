"""Bar 5: events come in any order, and the effects are the same."""

import itertools
from collections.abc import Mapping
from typing import Any

import pytest

from shared.actions import Failed
from tests.fakes.events import altered, sample
from tests.fakes.service import REACTIONS, rules
from tests.faults.figures import Figures
from tests.faults.simulation import Simulation


def breach(signal: str, step: str) -> dict[str, Any]:
    """Return a breach of one signal, found by one step."""
    tags = {"azureml_modelmonitor_threshold_breached": f"The signal 'churn-monitor_{signal}' has failed due to"}
    return altered("monitor-breach", event_id=step, runId=step, runTags=tags)


STORY = (
    altered("model-registered", event_id="m8", modelVersion="8"),
    sample("model-registered"),
    breach("data_drift", "step-1"),
    sample("pipeline-failed"),
    sample("pipeline-failed.step"),
)


def effects(events: tuple[dict[str, Any], ...], text: str = REACTIONS) -> tuple[Mapping[str, object], int]:
    """Return the jobs and the mails that follow, and see that every event is accounted for.

    The reason is left out of what a job carries: it says which of the day's runs this one is.
    """
    simulation = Simulation(reactions=rules(text))
    for event in events:
        simulation.enqueue(event)
    simulation.run()
    assert (simulation.unsettled(), simulation.line.poison, simulation.letters.letters()) == ([], [], [])
    assert all(simulation.jobs.puts.count(name) == 1 for name in simulation.jobs.jobs)
    jobs = {
        name: (action, {key: value for key, value in properties.items() if key != "reactor_reason"})
        for name, (action, properties) in simulation.jobs.jobs.items()
    }
    return jobs, len(simulation.mail.mails)


def test_every_order_has_the_same_effects(figures: Figures) -> None:
    """All 120 permutations: the same jobs by name, the same mail."""
    wanted = effects(STORY)
    orders = list(itertools.permutations(STORY))
    assert all(effects(order) == wanted for order in orders)
    assert (len(wanted[0]), wanted[1]) == (3, 1)
    figures.record("5", orders=len(orders), effects=len(orders) * 4)


def test_guards_admit_the_same_number_in_every_order(figures: Figures) -> None:
    """Which of three signals retrains depends on the order; that exactly one does, does not."""
    story = (
        breach("data_drift", "s1"),
        breach("prediction_drift", "s2"),
        breach("data_drift", "s3"),
        sample("pipeline-failed"),
    )
    orders = list(itertools.permutations(story))
    for order in orders:
        jobs, mails = effects(order)
        assert (len(jobs), mails) == (1, 1)
    figures.record("5", orders=len(orders), effects=len(orders) * 2)


@pytest.mark.parametrize("refused", ["first", "second"])
def test_two_workers_that_disagree(refused: str, figures: Figures) -> None:
    """One is refused while the other starts the job; whoever writes last, the job is on record."""
    simulation = Simulation()
    simulation.jobs.script = [Failed(reason="refused")] if refused == "first" else []

    def meanwhile(point: str) -> None:
        if point == "jobs.submit.after":
            simulation.fault = lambda _point: None
            simulation.jobs.script = [Failed(reason="refused")] if refused == "second" else []
            simulation.deliver(sample("model-registered"))

    simulation.fault = meanwhile
    simulation.enqueue(sample("model-registered"))
    simulation.run()
    (row,) = (row for key, row in simulation.rows().items() if key.startswith("event|"))
    assert (len(simulation.jobs.puts), len(simulation.jobs.jobs)) == (2, 1)
    assert '"outcome":{"type":"done"' in str(row["r_offline_test"])
    figures.record("5", orders=1, effects=1)
