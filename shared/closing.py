"""What is done about the end of a job besides what rules ask for: carried out as any action, in the queue's time."""

from dataclasses import dataclass
from typing import assert_never

from shared.actions import Closing, Deferred, Done, GiveVerdict, Outcome
from shared.gateways import Measurements
from shared.verdicts import INCONCLUSIVE, judge


@dataclass(frozen=True, slots=True, kw_only=True)
class Closer:
    """Carries out the actions that close the loop."""

    measurements: Measurements

    def close(self, action: Closing) -> Outcome:
        """Carry out *action*; repeating it is harmless."""
        match action:
            case GiveVerdict():
                return self._judge(action)
            case _:
                assert_never(action)

    def _judge(self, action: GiveVerdict) -> Outcome:
        """Give the verdict as the receipt, and why as the note. A job that did not complete is not looked at."""
        if action.outcome != "completed":
            return Done(receipt=INCONCLUSIVE, note=f"the job {action.outcome.replace('canceled', 'was canceled')}")
        yardstick = action.yardstick
        measured = self.measurements.read(action.workspace, action.job, step=yardstick.step)
        if isinstance(measured, Deferred):
            return measured
        judgement = judge(yardstick, measured)
        return Done(receipt=judgement.word, note=judgement.why)
