"""What a `run:` says about the end of its job."""

from datetime import timedelta
from typing import Annotated

import msgspec

from shared.reactions.conditions import Bounds, says
from shared.reactions.guard_rules import Duration, duration
from shared.reactions.patterns import refusal
from shared.verdicts import Yardstick


class ExpectRule(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`expect:` when the job should be over."""

    within: Annotated[
        Duration, says("a duration from its start, such as `4h`; when no end is told by then, Ops get a mail")
    ]

    @property
    def time(self) -> timedelta:
        """The same as a time."""
        return duration(self.within)


class VerdictRule(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`verdict:` a metric with its bounds, or a tag."""

    metric: Annotated[str, says("the metric that decides, with its bounds beside it")] = ""
    tag: Annotated[str, says("instead of a metric: a tag that is `passed` or `failed`")] = ""
    step: Annotated[str, says("the step of a pipeline that has it; left out: the job itself")] = ""
    above: Annotated[float | None, says("the metric must be greater")] = None
    at_least: Annotated[float | None, says("the metric must be greater, or the same")] = None
    below: Annotated[float | None, says("the metric must be smaller")] = None
    at_most: Annotated[float | None, says("the metric must be smaller, or the same")] = None
    write_tags: Annotated[
        bool, says("`true` (left out: this): the verdict is written as tags of the model version; `false`: it is not")
    ] = True

    @property
    def yardstick(self) -> Yardstick:
        """The same for a job to be judged by."""
        told = msgspec.structs.asdict(self)
        return Yardstick(**{name: told[name] for name in Yardstick.__struct_fields__})


def verdict_refusal(rule: VerdictRule) -> str:
    """Say what is wrong with a verdict, "" where nothing is."""
    bounds = Bounds(above=rule.above, at_least=rule.at_least, below=rule.below, at_most=rule.at_most)
    if bool(rule.metric) == bool(rule.tag):
        return "a verdict has either a `metric` or a `tag`"
    if rule.tag:
        return "" if bounds == Bounds() else "a tag has no bounds; it is `passed` or `failed`"
    if bounds == Bounds():
        return "say what is good enough: `above`, `at_least`, `below` or `at_most`"
    return refusal(bounds)
