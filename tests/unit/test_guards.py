"""Guards: pure functions of memory and time."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.guards import Admitted, Budget, Guards, Memory, Skipped, decide

T0 = datetime(2026, 11, 24, 9, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)


def play(guards: Guards, minutes: list[int]) -> list[bool]:
    """Ask for one operation at each of the minutes, and remember what is admitted."""
    memory, admitted = Memory(), []
    for number, minute in enumerate(minutes):
        now = T0 + timedelta(minutes=minute)
        decision = decide(guards, memory, operation=str(number), now=now)
        admitted.append(isinstance(decision, Admitted))
        if isinstance(decision, Admitted):
            memory = memory.admit(str(number), now=now, horizon=guards.horizon)
    return admitted


@pytest.mark.parametrize(
    ("guards", "minutes", "admitted"),
    [
        (Guards(), [0, 0, 0], [True, True, True]),
        (Guards(cooldown=HOUR), [0, 0, 59, 60, 119, 120], [True, False, False, True, False, True]),
        (Guards(budget=Budget(runs=2, per=HOUR)), [0, 10, 20, 60, 61, 70], [True, True, False, True, False, True]),
        (Guards(cooldown=HOUR, budget=Budget(runs=1, per=2 * HOUR)), [0, 60, 120], [True, False, True]),
    ],
    ids=["none", "cooldown", "budget slides", "both"],
)
def test_what_is_admitted(guards: Guards, minutes: list[int], admitted: list[bool]) -> None:
    """The edges count: exactly at the end of a cooldown, exactly when a run leaves the window."""
    assert play(guards, minutes) == admitted


def test_an_admitted_operation_is_admitted_again() -> None:
    """A redelivery must not meet its own mark."""
    guards = Guards(cooldown=HOUR, budget=Budget(runs=1, per=HOUR))
    memory = Memory().admit("a", now=T0, horizon=guards.horizon)
    assert isinstance(decide(guards, memory, operation="a", now=T0), Admitted)
    assert isinstance(decide(guards, memory, operation="b", now=T0), Skipped)


def test_remembering_twice_counts_once() -> None:
    """Admission is idempotent per operation."""
    memory = Memory().admit("a", now=T0, horizon=HOUR).admit("a", now=T0, horizon=HOUR)
    assert [entry.operation for entry in memory.entries] == ["a"]


def test_what_is_forgotten_suppresses_nothing() -> None:
    """A rejected action gives its cooldown and its budget back."""
    guards = Guards(cooldown=HOUR, budget=Budget(runs=1, per=HOUR))
    memory = Memory().admit("a", now=T0, horizon=HOUR).forget("a")
    assert isinstance(decide(guards, memory, operation="b", now=T0), Admitted)


def test_reasons_name_the_guard_and_its_values() -> None:
    """The reason says until when, so that nobody has to work it out."""
    memory = Memory().admit("a", now=T0, horizon=2 * HOUR)
    cooldown = decide(Guards(cooldown=HOUR), memory, operation="b", now=T0)
    budget = decide(Guards(budget=Budget(runs=1, per=HOUR)), memory, operation="b", now=T0)
    assert cooldown == Skipped("cooldown: acted at 2026-11-24 09:00:00Z; again from 2026-11-24 10:00:00Z")
    assert budget == Skipped("budget: 1 of 1 runs used; again from 2026-11-24 10:00:00Z")


@given(st.lists(st.integers(0, 500), max_size=60), st.integers(1, 5), st.integers(1, 90))
def test_no_window_ever_holds_more_than_the_budget(minutes: list[int], runs: int, per: int) -> None:
    """For every window that ends at an admission, in any order of asking times made monotonic."""
    guards = Guards(budget=Budget(runs=runs, per=timedelta(minutes=per)))
    times = sorted(minutes)
    taken = [minute for minute, admitted in zip(times, play(guards, times), strict=True) if admitted]
    assert all(sum(end - per < minute <= end for minute in taken) <= runs for end in taken)


@pytest.mark.parametrize(
    ("guards", "horizon"),
    [
        (Guards(), timedelta()),
        (Guards(cooldown=HOUR), HOUR),
        (Guards(budget=Budget(runs=1, per=HOUR)), HOUR),
        (Guards(cooldown=HOUR, budget=Budget(runs=1, per=2 * HOUR)), 2 * HOUR),
        (Guards(cooldown=2 * HOUR, budget=Budget(runs=1, per=HOUR)), 2 * HOUR),
    ],
    ids=["none", "cooldown", "budget", "budget longer", "cooldown longer"],
)
def test_the_longest_guard_is_how_far_memory_reaches(guards: Guards, horizon: timedelta) -> None:
    """Zero only without guards: then no memory is read, and so no guard is asked."""
    assert guards.horizon == horizon


def test_memory_stays_bounded() -> None:
    """What no guard asks for any more is dropped, so that the row cannot grow for ever."""
    memory, guards = Memory(), Guards(budget=Budget(runs=3, per=HOUR))
    for number in range(100):
        memory = memory.admit(str(number), now=T0 + number * HOUR / 3, horizon=guards.horizon)
    assert len(memory.entries) == 3
