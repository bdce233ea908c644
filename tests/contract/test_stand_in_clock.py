"""The scaled clock of the offline twin."""

import threading
from collections.abc import Iterator
from datetime import timedelta
from itertools import pairwise

import pytest

from local.azure import ScaledClock
from local.azure.clock import Course

HOUR = timedelta(hours=1)


@pytest.fixture
def clock() -> Iterator[ScaledClock]:
    """A clock whose hour takes a tenth of a second."""
    made = ScaledClock(36_000)
    yield made
    made.close()


def test_actions_happen_in_the_order_they_are_due(clock: ScaledClock) -> None:
    """Whatever the order they were asked for; two due at once keep that order."""
    seen: list[str] = []
    for delay, name in ((2, "c"), (1, "a"), (1, "b")):
        clock.call_later(delay * HOUR, lambda name=name: seen.append(name))  # type: ignore[misc] # a bound default
    assert clock.wait_until_idle(5)
    assert seen == ["a", "b", "c"]
    assert clock.elapsed >= 2 * HOUR


def test_a_course_waits_what_it_yields(clock: ScaledClock) -> None:
    """Its parts are hours apart, and it is pending until its end."""
    times: list[timedelta] = []

    def course() -> Course:
        for _ in range(3):
            times.append(clock.elapsed)
            yield HOUR

    clock.follow(course())
    assert clock.pending == 1
    assert clock.wait_until_idle(5)
    assert all(later - earlier >= HOUR for earlier, later in pairwise(times))
    assert len(times) == 3


def test_time_can_be_skipped() -> None:
    """What is due within the skipped time happens at once, even on a slow clock."""
    clock = ScaledClock(1)
    done = threading.Event()
    clock.call_later(HOUR, done.set)
    clock.advance(HOUR)
    assert done.wait(5)
    clock.close()


def test_held_work_is_pending(clock: ScaledClock) -> None:
    """Work outside the clock's thread keeps it from being idle."""
    with clock.hold():
        assert clock.pending == 1
        assert not clock.wait_until_idle(0)
    assert clock.wait_until_idle(0)


def test_an_action_that_fails_is_kept_and_the_others_go_on(clock: ScaledClock) -> None:
    """The failure is there to be seen."""
    done = threading.Event()

    def fail() -> None:
        raise ValueError

    clock.call_later(timedelta(), fail)
    clock.call_later(HOUR, done.set)
    assert clock.wait_until_idle(5)
    assert done.is_set()
    assert [type(failure) for failure in clock.failures] == [ValueError]


def test_a_closed_clock_does_nothing_more() -> None:
    """What was due later is dropped."""
    clock = ScaledClock(1)
    clock.call_later(HOUR, lambda: None)
    clock.close()
    clock.call_later(timedelta(), lambda: None)
    assert clock.pending == 0


def test_a_scale_must_be_positive() -> None:
    """The message says what would be right."""
    with pytest.raises(ValueError, match="greater than 0"):
        ScaledClock(0)
