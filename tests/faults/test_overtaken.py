"""Bar 3, the other way round: the copy that waits is delivered before its sender has written down that it waits."""

from datetime import timedelta

from shared.actions import Deferred
from tests.fakes.events import sample
from tests.faults.figures import Figures
from tests.faults.simulation import Simulation

LATER = Deferred(reason="http 429", after=timedelta(seconds=1))
#: Shorter than a run may take, longer than the copy's delay.
PAUSE = timedelta(seconds=10)


def test_a_copy_that_overtakes_its_sender(figures: Figures) -> None:
    """A worker stands still between the second copy and its row; the copy is not taken for a stale one."""
    simulation = Simulation()
    simulation.jobs.script = [LATER, LATER]
    simulation.enqueue(sample("model-registered"))
    simulation.step()

    def pause(point: str) -> None:
        if point == "queue.send.after":
            simulation.fault = lambda _point: None
            assert simulation.line.items[0][0] <= simulation.clock.now + PAUSE
            simulation.step()

    simulation.fault = pause
    simulation.step()
    simulation.run()
    assert (simulation.unsettled(), len(simulation.jobs.jobs)) == ([], 1)
    figures.record("3", overtaken=1, effects=1)
