"""Bar 7: what is delivered again a day, a week or a month later has been done already."""

from datetime import timedelta

import pytest

from tests.fakes.events import altered, sample
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
    simulation = Simulation()
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
