"""Hours in which a reaction does not act: a window of the day in a time zone. Pure."""

from datetime import UTC, datetime, time, timedelta
from functools import cache
from typing import TYPE_CHECKING

import msgspec

if TYPE_CHECKING:
    from zoneinfo import ZoneInfo

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


class Hours(msgspec.Struct, frozen=True, kw_only=True):
    """Not from *start* to *end* (wall clock of *zone*, an IANA name), on the *days* (0 is Monday) on which it begins.

    A window whose end is not after its start reaches into the next day.
    """

    start: time
    end: time
    zone: str = "UTC"
    days: frozenset[int] = frozenset(range(7))

    @property
    def told(self) -> str:
        """The window as a reason tells it."""
        days = "" if len(self.days) == len(DAYS) else f" ({', '.join(DAYS[day] for day in sorted(self.days))})"
        return f"{self.start:%H:%M}-{self.end:%H:%M} {self.zone}{days}"

    def until(self, now: datetime) -> datetime | None:
        """Return when the window that *now* is in ends (UTC), None outside of it.

        Where clocks are put forward or back within the window, it begins and ends by the wall clock all the same.
        """
        zone = zone_of(self.zone)
        today = now.astimezone(zone).date()
        for day in (today - timedelta(days=1), today):
            if day.weekday() not in self.days:
                continue
            last = day if self.end > self.start else day + timedelta(days=1)
            start = datetime.combine(day, self.start, zone).astimezone(UTC)
            # Where a wall-clock time comes twice, the window ends with its second coming.
            end = datetime.combine(last, self.end.replace(fold=1), zone).astimezone(UTC)
            if start <= now < end:
                return end
        return None


@cache
def zone_of(name: str) -> "ZoneInfo":
    """Return the time zone. Raises ValueError (ZoneInfoNotFoundError is a KeyError) for a name that is none."""
    from zoneinfo import ZoneInfo  # noqa: PLC0415 - not at index, and only for those who ask for hours

    try:
        return ZoneInfo(name)
    except (KeyError, OSError, ValueError) as error:  # an unknown name; a folder of them; a path
        raise ValueError(name) from error
