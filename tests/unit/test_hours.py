"""Hours: windows of the wall clock, in every time zone, whatever the clocks do."""

from datetime import UTC, datetime, time, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.hours import DAYS, Hours, zone_of


def utc(text: str) -> datetime:
    """Read a UTC time."""
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


NIGHT = Hours(start=time(22), end=time(6), zone="Europe/Berlin")
OFFICE = Hours(start=time(8), end=time(18), days=frozenset({0, 1, 2, 3, 4}))


@pytest.mark.parametrize(
    ("hours", "now", "until"),
    [
        (OFFICE, "2026-11-24 07:59:59", None),
        (OFFICE, "2026-11-24 08:00", "2026-11-24 18:00"),
        (OFFICE, "2026-11-24 17:59:59", "2026-11-24 18:00"),
        (OFFICE, "2026-11-24 18:00", None),
        (OFFICE, "2026-11-28 12:00", None),
        (OFFICE, "2026-11-30 12:00", "2026-11-30 18:00"),
        (NIGHT, "2026-11-24 20:59", None),
        (NIGHT, "2026-11-24 21:00", "2026-11-25 05:00"),
        (NIGHT, "2026-11-25 04:59", "2026-11-25 05:00"),
        (NIGHT, "2026-11-25 05:00", None),
        (Hours(start=time(22), end=time(6), days=frozenset({4})), "2026-11-28 05:00", "2026-11-28 06:00"),
        (Hours(start=time(22), end=time(6), days=frozenset({4})), "2026-11-27 05:00", None),
        (NIGHT, "2027-03-27 21:30", "2027-03-28 04:00"),
        (NIGHT, "2026-10-24 20:30", "2026-10-25 05:00"),
        (Hours(start=time(2), end=time(3), zone="Europe/Berlin"), "2026-10-25 01:59", "2026-10-25 02:00"),
        (Hours(start=time(2), end=time(2, 30), zone="Europe/Berlin"), "2026-10-25 01:15", "2026-10-25 01:30"),
        (Hours(start=time(8), end=time(18), zone="America/New_York"), "2026-07-01 11:59", None),
        (Hours(start=time(8), end=time(18), zone="America/New_York"), "2026-07-01 12:00", "2026-07-01 22:00"),
        (Hours(start=time(8), end=time(18), zone="Pacific/Auckland"), "2026-07-01 21:00", "2026-07-02 06:00"),
    ],
)
def test_windows(hours: Hours, now: str, until: str | None) -> None:
    """The edges, over midnight, on some days, over a night of 7 or 9 hours, and on the other side of the world."""
    assert hours.until(utc(now)) == (utc(until) if until else None)


@given(
    st.datetimes(datetime(2026, 1, 1), datetime(2030, 1, 1)),  # noqa: DTZ001 - made UTC below
    st.integers(0, 1439),
    st.integers(0, 1439),
    st.sampled_from(["UTC", "Europe/Berlin", "America/New_York", "Asia/Kolkata", "Australia/Lord_Howe"]),
    st.frozensets(st.integers(0, 6)),
)
def test_a_wait_ends_and_ends_outside(now: datetime, start: int, end: int, zone: str, days: frozenset[int]) -> None:
    """In less than 25 hours, and without another wait: between two windows there is time, where no clock is moved."""
    if start == end:
        return
    hours = Hours(start=time(start // 60, start % 60), end=time(end // 60, end % 60), zone=zone, days=days)
    at = now.replace(tzinfo=UTC)
    until = hours.until(at)
    if until is not None:
        assert at < until <= at + timedelta(hours=25)
        assert zone != "UTC" or hours.until(until) is None
    if not days:
        assert until is None


def test_words() -> None:
    """As a reason tells it."""
    assert NIGHT.told == "22:00-06:00 Europe/Berlin"
    assert OFFICE.told == "08:00-18:00 UTC (mon, tue, wed, thu, fri)"
    assert DAYS[0] == "mon"


@pytest.mark.parametrize("name", ["Mars/Base", "", "Europe", "../../etc/passwd", "/etc/passwd", "Europe/Berlin\0"])
def test_no_zone(name: str) -> None:
    """A name that is none is a ValueError, whatever is wrong with it."""
    with pytest.raises(ValueError, match=r".*"):
        zone_of(name)
