"""How much faster than in Azure the host's waits pass."""

import math
from dataclasses import dataclass

#: No shorter wait between two polls, in real seconds: a twin must not starve the machine it shares with the app.
SHORTEST_POLL = 0.05


@dataclass(frozen=True, slots=True)
class Pace:
    """A wait of *scale* seconds in Azure takes one second here; 1 is real time."""

    scale: float = 1.0

    def __post_init__(self) -> None:
        if not (self.scale > 0 and math.isfinite(self.scale)):
            raise ValueError("the time scale must be a positive number: 1 is real time, 60 is an hour in a minute")

    def seconds(self, azure: float) -> float:
        """Real seconds for *azure* seconds."""
        return azure / self.scale

    def poll(self, azure: float) -> float:
        """Real seconds between two polls that are *azure* seconds apart, never under SHORTEST_POLL."""
        return max(self.seconds(azure), SHORTEST_POLL)

    def invisibility(self, azure: float) -> int:
        """Whole seconds to hide a message for (storage knows no others): rounded up, a lower bound; 0 stays 0."""
        return math.ceil(self.seconds(azure))
