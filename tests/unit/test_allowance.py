"""The allowance of mails: never more than the service takes, and a part of it for what is critical."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.allowance import HOUR, MINUTE, MOST, Allowance, Spent
from shared.errors import ContentionError
from shared.ration import MAILS, Ration
from shared.store import Conflict, Row
from tests.fakes.service import Clock
from tests.fakes.store import MemoryStore

NOW = datetime(2026, 11, 24, 9, 0, tzinfo=UTC)
ALLOWANCE = Allowance(per_minute=5, per_hour=10)
SECOND = timedelta(seconds=1)


def spent(*ago: float) -> Spent:
    """Return attempts so many seconds ago."""
    found = Spent()
    for number, seconds in enumerate(sorted(ago, reverse=True)):
        found = found.reserve(str(number), NOW - timedelta(seconds=seconds))
    return found


@pytest.mark.parametrize(
    ("ago", "urgent", "wait"),
    [
        ((), False, None),
        ((30, 20, 10), False, None),
        ((30, 20, 10, 5), False, 31),  # the fifth of a minute is kept
        ((30, 20, 10, 5), True, None),
        ((30, 20, 10, 5, 1), True, 31),
        ((61, 20, 10, 5, 1), True, None),
        ((60, 20, 10, 5, 1), True, 1),
        (tuple(range(100, 900, 100)), False, 3600 + 1 - 800),  # two of an hour are kept
        (tuple(range(100, 900, 100)), True, None),
        (tuple(range(100, 1100, 100)), True, 3600 + 1 - 1000),
    ],
)
def test_when_a_mail_may_go(ago: tuple[float, ...], urgent: bool, wait: int | None) -> None:  # noqa: FBT001 - a case
    """Both windows count; what is not urgent leaves a part alone."""
    free = ALLOWANCE.free(spent(*ago), NOW, urgent=urgent)
    assert (free and free - NOW) == (timedelta(seconds=wait) if wait else None)


def test_what_the_service_says_counts_for_all() -> None:
    """Until then nothing goes, critical or not, and a shorter answer does not shorten a longer one."""
    closed = Spent().close(NOW + MINUTE).close(NOW + SECOND)
    assert ALLOWANCE.free(closed, NOW, urgent=True) == NOW + MINUTE
    assert ALLOWANCE.free(closed, NOW + MINUTE, urgent=True) is None
    assert closed.reserve("a", NOW + MINUTE).closed is None


def test_a_small_allowance_keeps_nothing() -> None:
    """One mail a minute goes to whoever comes."""
    assert Allowance(per_minute=1, per_hour=1).free(Spent(), NOW, urgent=False) is None


@given(
    st.integers(1, 20),
    st.integers(1, 40),
    st.lists(st.tuples(st.integers(0, 200), st.booleans()), max_size=80),
)
def test_no_window_ever_has_more(per_minute: int, per_hour: int, mails: list[tuple[int, bool]]) -> None:
    """Whatever comes when: any minute and any hour, and of what is not urgent never more than its part."""
    allowance, found, now = Allowance(per_minute=per_minute, per_hour=per_hour), Spent(), NOW
    sent: list[tuple[datetime, bool]] = []
    for number, (seconds, urgent) in enumerate(mails):
        now += timedelta(seconds=seconds)
        free = allowance.free(found, now, urgent=urgent)
        assert free is None or free > now
        if free is None:
            found = found.reserve(str(number), now)
            sent.append((now, urgent))
    for at, _ in sent:
        for limit, window in ((per_minute, MINUTE), (per_hour, HOUR)):
            within = [one for one, _ in sent if at <= one <= at + window]
            assert len(within) <= limit


def test_a_full_row_fits() -> None:
    """The most that a setting allows, in ids as they are."""
    found = Spent()
    for number in range(MOST):
        found = found.reserve(f"{number:036d}", NOW)
    store = MemoryStore(Clock())
    assert Ration(store, Allowance(per_minute=MOST, per_hour=MOST))._write(
        Row(partition=MAILS, key="spent", values={}), found
    )


class TestRation:
    """The row of it."""

    def test_one_request_a_mail(self) -> None:
        """The first reads and writes, each after that writes; another process only makes it read again."""
        store = MemoryStore(Clock())
        one, other = (Ration(store, ALLOWANCE) for _ in range(2))
        assert one.reserve("a", NOW, urgent=True) is None
        assert store.calls == ["query", "insert"]
        assert one.reserve("b", NOW, urgent=True) is None
        assert store.calls[2:] == ["merge"]
        assert other.reserve("c", NOW, urgent=True) is None
        store.calls.clear()
        assert one.reserve("d", NOW, urgent=True) is None
        assert store.calls == ["merge", "query", "merge"]

    def test_a_refusal_is_never_from_memory(self) -> None:
        """What this process remembers is read anew before a mail has to wait."""
        store = MemoryStore(Clock())
        one = Ration(store, ALLOWANCE)
        for name in "abcde":
            assert one.reserve(name, NOW, urgent=True) is None
        store.calls.clear()
        assert one.reserve("f", NOW, urgent=True) == NOW + MINUTE + SECOND
        assert store.calls == ["query"]

    def test_a_killed_attempt_finds_its_reservation(self) -> None:
        """Within a minute; a later attempt is another request to the service, and counts."""
        store = MemoryStore(Clock())
        for _ in range(3):
            assert Ration(store, Allowance(per_minute=1, per_hour=2)).reserve("a", NOW, urgent=True) is None
        later = NOW + 2 * MINUTE
        assert Ration(store, Allowance(per_minute=1, per_hour=2)).reserve("a", later, urgent=True) is None
        assert (
            Ration(store, Allowance(per_minute=1, per_hour=2)).reserve("b", later, urgent=True) == NOW + HOUR + SECOND
        )

    def test_writers_without_end(self) -> None:
        """Whoever loses every time gives way."""

        class Busy(MemoryStore):
            def insert(self, row: Row) -> Conflict:
                assert row.key
                return Conflict(at=NOW)

        with pytest.raises(ContentionError):
            Ration(Busy(Clock()), ALLOWANCE).reserve("a", NOW, urgent=True)
        with pytest.raises(ContentionError):
            Ration(Busy(Clock()), ALLOWANCE).close(NOW)
