"""Bar 15: a reaction whose job causes the event it reacts to stops by itself.

Here by the budget of a subject; the guard that reads the lineage of a chain comes with a later release.
"""

from datetime import timedelta

from shared.actions import Done, Outcome, SubmitJob
from tests.fakes.events import altered
from tests.fakes.gateways import FakeJobs
from tests.faults.figures import Figures
from tests.faults.simulation import Simulation

TICKS = 10_000
TICK = timedelta(minutes=1)
BUDGET = 10


class Looping(FakeJobs):
    """Azure ML in a workspace where each offline test registers the model's next version."""

    registered = 0

    def submit(self, action: SubmitJob, **named: object) -> Outcome:
        """See FakeJobs."""
        outcome = super().submit(action, **named)  # type: ignore[arg-type] # as given
        if isinstance(outcome, Done) and not outcome.note:
            self.registered += 1
        return outcome


def test_a_loop_is_bounded_by_its_budget(figures: Figures) -> None:
    """A week of a closed loop: ten jobs a day, not one for every minute; each refusal is on record with its reason."""
    jobs = Looping()
    simulation = Simulation(jobs=jobs)
    told = 0
    simulation.enqueue(altered("model-registered", modelVersion="0"))
    for tick in range(TICKS):
        simulation.run()
        if told < jobs.registered or tick % 60 == 0:  # the loop's own event; and every hour somebody starts it again
            told = jobs.registered
            simulation.enqueue(altered("model-registered", event_id=str(tick), modelVersion=str(tick + 1)))
        simulation.clock.now += TICK
    days = TICKS * TICK / timedelta(days=1)
    assert BUDGET * (days - 1) <= len(jobs.jobs) <= BUDGET * (days + 1)
    skipped = [row for row in simulation.rows().values() if '"decision":"skipped"' in str(row.get("r_offline_test"))]
    assert skipped
    assert all("budget: 10 of 10 runs used" in str(row["r_offline_test"]) for row in skipped)
    figures.record("15", ticks=TICKS, jobs=len(jobs.jobs), skipped=len(skipped))
