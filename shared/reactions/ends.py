"""What a `run:` says about the end of its job."""

from datetime import timedelta
from typing import Annotated

import msgspec

from shared.reactions.conditions import says
from shared.reactions.guard_rules import Duration, duration


class ExpectRule(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`expect:` when the job should be over."""

    within: Annotated[
        Duration, says("a duration from its start, such as `4h`; when no end is told by then, Ops get a mail")
    ]

    @property
    def time(self) -> timedelta:
        """The same as a time."""
        return duration(self.within)
