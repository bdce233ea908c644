"""Bar 7: what is delivered again a day, a week or a month later has been done already; a purge doubles no job."""

from collections import Counter
from datetime import timedelta

import pytest

from ops.purge import YOUNGEST
from ops.settled import Purge
from shared.actions import Deferred, Failed
from tests.fakes.events import altered, sample
from tests.fakes.service import EACH, rules
from tests.fakes.store import MemoryRows
from tests.faults.faulty import Death
from tests.faults.figures import Figures
from tests.faults.simulation import Simulation

EVENTS = ("model-registered", "pipeline-failed", "monitor-breach", "dataset-drift")
#: Another breach within the cooldown: skipped, which is final as well.
SKIPPED = altered("monitor-breach", event_id="within-the-cooldown", runId="another-step")
DEAD_LETTER = {
    "deadLetterReason": "MaxDeliveryAttemptsExceeded",
    "deliveryAttempts": 30,
    "lastDeliveryOutcome": "TimedOut",
    "publishTime": "2026-11-24T09:00:00.0000000Z",
}


@pytest.mark.parametrize("days", [1, 7, 30, 365])
def test_late_redelivery(days: int, figures: Figures) -> None:
    """By Event Grid, and from its dead letters, which it may write for what was processed."""
    simulation = Simulation(reactions=rules(EACH))
    events = [*(sample(name) for name in EVENTS), SKIPPED]
    for event in events:
        simulation.enqueue(event)
    simulation.run()
    before = (dict(simulation.jobs.jobs), dict(simulation.mail.mails), simulation.rows())
    simulation.clock.now += timedelta(days=days)
    for event in events:
        simulation.enqueue(event)
        simulation.enqueue([{**event, **DEAD_LETTER}])
    simulation.run()
    assert before == (dict(simulation.jobs.jobs), dict(simulation.mail.mails), simulation.rows())
    assert len(simulation.jobs.puts) + len(simulation.mail.posts) == len(EVENTS)
    figures.record("7", late_deliveries=2 * len(events), effects=len(EVENTS), most_days_late=days)


def purge(simulation: Simulation) -> dict[str, int]:
    """Have an operator purge what is older than the youngest age that is allowed."""
    now = simulation.clock.now
    purging = Purge(rows=MemoryRows(simulation.store), before=now - YOUNGEST, now=now)
    list(purging.pages())
    return {str(word): count for word, count in purging.counts.items()}


@pytest.mark.parametrize("days", [1, 7, 30, 365])
def test_redelivery_after_a_purge(days: int, figures: Figures) -> None:
    """Within a week the rows are there, and nothing is new. Later: no job twice, each mail once more."""
    simulation = Simulation(reactions=rules(EACH))
    for event in [*(sample(name) for name in EVENTS), SKIPPED]:
        simulation.enqueue(event)
    simulation.run()
    jobs, rows = dict(simulation.jobs.jobs), simulation.rows()
    simulation.clock.now += timedelta(days=days)
    purged = purge(simulation).get("events", 0)
    assert purged == (len(rows) - len(memory(simulation)) if days > 7 else 0)
    for event in [SKIPPED, *(sample(name) for name in EVENTS)]:
        simulation.enqueue(event)
        simulation.enqueue([{**event, **DEAD_LETTER}])
    simulation.run()
    assert set(simulation.jobs.puts) == set(simulation.jobs.jobs)
    new = [properties for name, (_job, properties) in simulation.jobs.jobs.items() if name not in jobs]
    # What the cooldown refused never had a job: once its row is gone, and the cooldown over, it may have one.
    assert [one["reactor_event"] for one in new] == ["within-the-cooldown"] * bool(purged)
    assert Counter(simulation.mail.delivered) == dict.fromkeys(simulation.mail.mails, 1 + bool(purged))
    assert (simulation.unsettled(), simulation.line.items) == ([], [])
    figures.record("7", purged_rows=purged, late_deliveries=2 * len(EVENTS) + 2, most_days_late=days)


def memory(simulation: Simulation) -> list[str]:
    """Return the rows in which reactions remember."""
    return [key for key in simulation.rows() if key.startswith("memory|")]


def test_purge_spares_what_is_not_settled(figures: Figures) -> None:
    """Killed before its effect, waiting, in trouble: each row stays for a month, and ends as it would have."""
    simulation = Simulation(reactions=rules(EACH))
    simulation.jobs.script = [Deferred(reason="later", after=timedelta(minutes=5))]
    simulation.enqueue(sample("model-registered"))
    simulation.step()

    def die(point: str) -> None:
        if point == "mail.send.before":
            raise Death

    simulation.fault = die
    simulation.enqueue(sample("pipeline-failed"))
    simulation.step()
    simulation.fault = lambda _point: None
    waiting, simulation.line.items = simulation.line.items, []
    simulation.enqueue(sample("dataset-drift"))
    simulation.run()
    assert (simulation.deaths, len(simulation.unsettled())) == (1, 2)
    simulation.clock.now += timedelta(days=30)
    assert purge(simulation) == {"events": 1, "unsettled": 2, "remembering": 2}
    simulation.line.items = waiting
    simulation.run()
    assert (len(simulation.jobs.jobs), len(simulation.mail.delivered)) == (2, 1)
    assert (simulation.unsettled(), simulation.line.poison, simulation.letters.letters()) == ([], [], [])
    figures.record("7", spared_rows=2, kills=1, effects=3)


@pytest.mark.parametrize(
    "point", ["store.query.before", "store.query.after", "jobs.submit.before", "jobs.submit.after"]
)
@pytest.mark.parametrize("reopen", [False, True], ids=["told again", "replayed"])
def test_purge_in_the_middle_of_a_late_redelivery(point: str, figures: Figures, *, reopen: bool) -> None:
    """The row goes while a late delivery works on it, or is young again by then: one job in any case."""
    simulation = Simulation()
    if reopen:
        simulation.jobs.script = [Failed(reason="refused")]
    simulation.enqueue(sample("model-registered"))
    simulation.run()
    simulation.clock.now += timedelta(days=30)
    reached: list[dict[str, int]] = []

    def meanwhile(here: str) -> None:
        if here == point and not reached:
            reached.append(purge(simulation))

    simulation.fault = meanwhile
    again = {"event": sample("model-registered"), "reopen": "offline-test#1"} if reopen else sample("model-registered")
    for _ in range(2):
        simulation.enqueue(again)
    simulation.run()
    assert bool(reached) == (reopen or point.startswith("store"))
    assert len(simulation.jobs.jobs) == 1
    assert (simulation.unsettled(), simulation.line.poison) == ([], [])
    figures.record("7", purged_rows=sum(one.get("events", 0) for one in reached), late_deliveries=2, effects=1)
