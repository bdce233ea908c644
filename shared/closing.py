"""What is done about the end of a job besides what rules ask for: carried out as any action, in the queue's time."""

from dataclasses import dataclass
from typing import assert_never

from shared.actions import Closing, Deferred, Done, GiveVerdict, Outcome, Publish, WriteTags
from shared.gateways import Measurements, ModelTags, Outcomes
from shared.settings import names_of
from shared.verdicts import INCONCLUSIVE, judge

#: The setting was taken away while the event waited.
NO_TOPIC = Done("", "there is no topic (any more): OUTCOME_TOPIC_ENDPOINT is not set")


@dataclass(frozen=True, slots=True, kw_only=True)
class Closer:
    """Carries out the actions that close the loop."""

    measurements: Measurements
    model_tags: ModelTags
    outcomes: Outcomes | None = None
    read_only: frozenset[str] = frozenset()

    @property
    def publishes(self) -> bool:
        """Tell whether there is a topic for others."""
        return self.outcomes is not None

    def writes(self, workspace: str) -> bool:
        """Tell whether tags are written in the workspace (an ARM id)."""
        return not self.read_only & names_of(workspace)

    def close(self, action: Closing, *, repeated: bool) -> Outcome:
        """Carry out *action*; *repeated*: an earlier delivery has, and the wait that it asked for is over."""
        match action:
            case GiveVerdict():
                return self._judge(action)
            case WriteTags():
                return self.model_tags.write(action, repeated=repeated)
            case Publish():
                return self.outcomes.publish(action) if self.outcomes else NO_TOPIC
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
