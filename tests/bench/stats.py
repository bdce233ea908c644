"""The bench's arithmetic: medians, percentiles and ratios of what was measured."""

from collections.abc import Sequence
from statistics import median


def percentile(values: Sequence[float], share: float) -> float:
    """Return the smallest of *values* that at least *share* (0 to 1) of them do not exceed (nearest rank)."""
    if not values or not 0 < share <= 1:
        raise ValueError("a percentile is of at least one value, and of more than 0 and at most 1 of them")
    ordered = sorted(values)
    return ordered[max(0, -int(-share * len(ordered) // 1) - 1)]


def middle(values: Sequence[float]) -> float:
    """Return the median."""
    return float(median(values))


def ratio(one: float, other: float) -> float:
    """Return how many times *other* goes into *one*; raises ValueError where there is nothing to compare with."""
    if other <= 0:
        raise ValueError("a ratio to nothing")
    return one / other


def rate(times: Sequence[float], *, skipped: float = 0.2) -> float:
    """Return how many a second there were, without the first *skipped* (share) of them: the start of a run.

    *times* are when each happened, in seconds. Raises ValueError for too few of them.
    """
    ordered = sorted(times)
    counted = ordered[int(len(ordered) * skipped) :]
    if len(counted) < 2 or counted[-1] <= counted[0]:
        raise ValueError("a rate needs two moments")
    return (len(counted) - 1) / (counted[-1] - counted[0])
