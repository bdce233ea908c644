"""Bar 15: reactions whose jobs cause the events they react to stop by themselves, by the guards."""

import re
from datetime import timedelta

import pytest

from shared.actions import Done, Outcome, SubmitJob
from tests.fakes.events import altered
from tests.fakes.gateways import FakeJobs
from tests.faults.closed_loop import DAY, SLOW, ClosedLoop, played
from tests.faults.figures import Figures
from tests.faults.loop_plot import EVENTS, PLOT, plot, told, with_guards, without_guards
from tests.faults.simulation import Simulation
from tests.markdown import DOCS

pytestmark = pytest.mark.xdist_group("closed loop")  # two runs for all
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
    """A week of a loop that nobody sees, since no job is known of its models: ten jobs a day; each refusal says why."""
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


#: Reasons of the guards, as docs/guards.md has them.
REASONS = {
    "loop": r"offline-test acted 3 times in this chain, 3 are the limit; "
    r"the chain: (retrain > )?offline-test( > offline-test){2}",
    "cooldown": r"acted at \S+ \S+Z; again from \S+ \S+Z",
    "budget": r"10 of 10 runs used; again from \S+ \S+Z",
}


@pytest.fixture(scope="module")
def held() -> ClosedLoop:
    """Ten thousand events of a closed loop, on the stand-in and the shipped gateways, with the default guards."""
    return with_guards()


@pytest.fixture(scope="module")
def wild() -> ClosedLoop:
    """The same without guards."""
    return without_guards()


def limits_hold(loop: ClosedLoop, *, depth: int, times: int) -> None:
    """Fail when a budget, a cooldown or a limit of the chain was passed, or a refusal does not say why."""
    assert max(loop.most("offline-test"), loop.most("retrain")) <= BUDGET
    assert loop.most("retrain", within=timedelta(hours=1)) == 1
    assert max(one.depth for one in loop.started) <= depth
    # As the workspace knows it: the first jobs of a day are started without a look at what came before.
    assert loop.longest_run() <= times
    for one in loop.refused:
        assert re.fullmatch(f"{one.guard}: {REASONS[one.guard]}", one.reason), one.reason


def test_a_closed_loop_ends_by_itself(held: ClosedLoop, figures: Figures) -> None:
    """Retrain and test bring each other about: at its limits the chain ends, every day, and each refusal says why."""
    assert held.delivered >= EVENTS
    limits_hold(held, depth=4, times=4)
    by_day = [sum(one.at // DAY == day for one in held.started) for day in range(held.elapsed // DAY)]
    assert max(by_day) <= 8
    assert {one.guard for one in held.refused} == {"loop", "cooldown"}
    last = max(one.at % DAY for one in held.decisions)
    assert last < timedelta(hours=1)
    figures.record(
        "15", events=held.delivered, started=len(held.started), refused=len(held.refused), most_a_day=max(by_day)
    )


def test_jobs_that_outlast_the_cooldown_meet_the_budget() -> None:
    """A breach says nothing of what retrained the model: cooldown and budget are what bounds that way round."""
    slow = played(events=2_000, within=90 * DAY, takes=SLOW)
    limits_hold(slow, depth=4, times=5)
    assert {one.guard for one in slow.refused} == {"loop", "cooldown", "budget"}
    assert slow.most("retrain") == BUDGET


def test_without_guards_it_does_not_end(wild: ClosedLoop) -> None:
    """What the guards are for: as many jobs as there is time, more of them each time."""
    assert wild.refused == []
    assert len(wild.started) > 20 * BUDGET
    half = wild.elapsed / 2
    assert sum(one.at < half for one in wild.started) < len(wild.started) / 10


def test_the_picture_is_of_this_run(held: ClosedLoop, wild: ClosedLoop) -> None:
    """And the page says what is to be seen there; ``python -m tests.faults.loop_plot`` draws it anew."""
    assert PLOT.read_text(encoding="utf-8") == plot(held, wild)
    assert told(held, wild) in " ".join((DOCS / "guards.md").read_text(encoding="utf-8").split())
