"""Pause switches: which pause counts, how old a reading may be, and that nothing unreadable is ever taken for "go"."""

import threading
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.actions import mail_beside
from shared.errors import StorageError
from shared.records import partition_key
from shared.store import Page, Row
from shared.switches import (
    ALL,
    CHARACTERS,
    SECONDS,
    SWITCHES,
    Pause,
    Switches,
    pause_key,
    read_pause,
    write_pause,
    write_resumed,
)
from tests.fakes.service import START, Clock
from tests.fakes.store import MemoryStore

PAUSE = Pause(reaction="retrain", by="ana@contoso.com", at=START, note="under review")
GOOD = write_pause(PAUSE)


class Seconds:
    """A monotonic clock that a test moves."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        """Tell the seconds."""
        return self.now


def switch(store: MemoryStore, pause: Pause) -> None:
    """Write a pause, whatever was there."""
    put(store, pause.reaction, write_pause(pause))


def put(store: MemoryStore, reaction: str, columns: Mapping[str, str | int]) -> None:
    """Write columns of a switch."""
    key = pause_key(reaction)
    etag = next((row.etag for row in store.query(SWITCHES, [key]).rows), None)
    row = Row(partition=SWITCHES, key=key, values=columns, etag=etag)
    store.merge(row) if etag else store.insert(row)
    store.calls.clear()


@pytest.fixture
def store() -> MemoryStore:
    """Give an empty table."""
    return MemoryStore(Clock())


def switches(store: MemoryStore, *names: str, clock: Seconds | None = None) -> Switches:
    """Return the switches of some reactions."""
    return Switches(store, reactions=names or ("retrain", "mail-ops"), clock=clock or Seconds())


def test_nothing_is_paused_where_nothing_stands(store: MemoryStore) -> None:
    """An empty partition is "go"."""
    assert switches(store).paused("retrain") is None


def test_a_pause_is_read_as_it_was_written(store: MemoryStore) -> None:
    """For its reaction and the mail beside its job, and for no other."""
    switch(store, PAUSE)
    found = switches(store)
    assert found.paused("retrain") == found.paused(mail_beside("retrain")) == PAUSE
    assert found.paused("mail-ops") is None


def test_all_are_paused_and_ones_own_switch_counts_first(store: MemoryStore) -> None:
    """Whoever paused one reaction said more about it than who paused all: waiting beside dropping, and dropping."""
    everything = Pause(reaction=ALL, by="bo", at=START, drop=True)
    switch(store, everything)
    switch(store, PAUSE)
    found = switches(store)
    assert (found.paused("retrain"), found.paused("mail-ops"), found.paused("added-later")) == (
        PAUSE,
        everything,
        everything,
    )


def test_resumed_is_not_paused_and_can_be_paused_again(store: MemoryStore) -> None:
    """Who resumed it stays on record until the next pause."""
    switch(store, PAUSE)
    put(store, "retrain", write_resumed(by="bo", at=START))
    assert switches(store).paused("retrain") is None
    (row,) = store.rows
    assert (row.values["by"], row.values["resumed_by"]) == ("ana@contoso.com", "bo")
    switch(store, PAUSE)
    assert switches(store).paused("retrain") == PAUSE
    (row,) = store.rows
    assert row.values["resumed_by"] == ""


@pytest.mark.parametrize(
    "columns",
    [
        {},
        {"state": ""},
        {**GOOD, "state": "Paused"},
        {**GOOD, "state": "no"},
        {**GOOD, "state": 0},
        {**GOOD, "events": "maybe"},
        {**GOOD, "events": 1},
        {**GOOD, "at": "yesterday"},
        {**GOOD, "at": "2026-11-24T09:00:00"},
        {**GOOD, "by": 7},
        {**GOOD, "note": 7},
        *({name: value for name, value in GOOD.items() if name != left} for left in ("state", "by", "at", "events")),
    ],
    ids=str,
)
def test_what_cannot_be_read_is_a_pause(columns: dict[str, str | int]) -> None:
    """Events wait, they are not dropped, and the reason says what to do."""
    pause = read_pause(Row(partition=SWITCHES, key=pause_key("retrain"), values=columns))
    assert pause is not None
    assert (pause.reaction, pause.drop) == ("retrain", False)
    assert pause.reason == (
        "paused: the row pause|retrain of switches cannot be read, so it counts; pause or resume it anew"
    )


@given(st.dictionaries(st.sampled_from([*GOOD, "later"]), st.text(max_size=30) | st.integers()))
def test_only_one_word_is_go(columns: dict[str, str | int]) -> None:
    """Whatever stands in a row: it never raises, and only `resumed` ends a pause."""
    pause = read_pause(Row(partition=SWITCHES, key=pause_key("retrain"), values=columns))
    assert (pause is None) == (columns.get("state") == "resumed")


def test_columns_of_later_versions_are_ignored() -> None:
    """Two versions of the code can work side by side."""
    row = Row(partition=SWITCHES, key=pause_key("retrain"), values={**GOOD, "until": "x", "n": 7})
    assert read_pause(row) == PAUSE


def test_one_request_reads_all_switches_for_half_a_minute(store: MemoryStore) -> None:
    """And then another one."""
    clock = Seconds()
    found = switches(store, clock=clock)
    for _ in range(5):
        assert not found.paused("retrain")
        assert not found.paused("mail-ops")
    switch(store, PAUSE)
    clock.now += SECONDS - 0.001
    assert (found.paused("retrain"), store.calls) == (None, [])
    clock.now += 0.001
    assert (found.paused("retrain"), store.calls) == (PAUSE, ["query"])


def test_a_reaction_nobody_named_is_asked_for(store: MemoryStore) -> None:
    """One whose rule is gone, say: not knowing its switch is not "go"."""
    switch(store, replace(PAUSE, reaction="gone"))
    found = switches(store)
    found.paused("retrain")
    assert found.paused("gone") == replace(PAUSE, reaction="gone")


def test_storage_that_does_not_answer_is_never_go(store: MemoryStore) -> None:
    """Not at first, and not when a reading has grown old; afterwards it works again."""
    clock = Seconds()
    found = switches(store, clock=clock)
    store.down = True
    with pytest.raises(StorageError):
        found.paused("retrain")
    store.down = False
    assert found.paused("retrain") is None
    store.down = True
    assert found.paused("retrain") is None
    clock.now += SECONDS
    for _ in range(2):
        with pytest.raises(StorageError):
            found.paused("retrain")


class Slow(MemoryStore):
    """A store whose answers take *seconds* of a clock, or wait until a test lets them go."""

    def __init__(self, clock: Seconds, seconds: float = 0.0) -> None:
        super().__init__(Clock())
        self.seconds, self.monotonic = seconds, clock
        self.asked, self.go = threading.Event(), threading.Event()
        self.go.set()

    def query(self, partition: str, keys: Sequence[str]) -> Page:
        """See Store."""
        page = super().query(partition, keys)
        self.monotonic.now += self.seconds
        self.asked.set()
        assert self.go.wait(30)
        return page


def test_the_age_counts_from_before_the_read() -> None:
    """A reading that took 20 s is good for 10 more."""
    clock = Seconds()
    store = Slow(clock, seconds=20)
    found = switches(store, clock=clock)
    assert found.paused("retrain") is None
    switch(store, PAUSE)
    clock.now += 9 - 20  # writing took its time as well
    assert found.paused("retrain") is None
    clock.now += 1
    assert found.paused("retrain") == PAUSE


def test_nobody_waits_for_anothers_read() -> None:
    """A thread that hangs in the middle of its request holds nobody up: there is no lock around it."""
    store = Slow(Seconds())
    found = switches(store)
    switch(store, PAUSE)
    store.asked.clear()
    store.go.clear()
    answers: list[Pause | None] = []
    hanging = threading.Thread(target=lambda: answers.append(found.paused("retrain")))
    hanging.start()
    assert store.asked.wait(30)
    go, store.go = store.go, threading.Event()
    store.go.set()
    assert found.paused("retrain") == PAUSE
    go.set()
    hanging.join(30)
    assert answers == [PAUSE]


@given(st.text(), st.text())
def test_no_event_can_be_told_into_the_switches(workspace: str, subject: str) -> None:
    """A subject's partition is never theirs."""
    assert partition_key(workspace, subject) != SWITCHES


@pytest.mark.parametrize(
    ("pause", "reason"),
    [
        (PAUSE, "paused by ana@contoso.com since 2026-11-24 09:00:00Z: under review"),
        (
            Pause(reaction=ALL, by="bo", at=START, drop=True),
            "all reactions paused by bo since 2026-11-24 09:00:00Z, --drop",
        ),
        (
            replace(PAUSE, at=datetime.fromisoformat("2026-11-24T10:00:00+01:00"), note=""),
            "paused by ana@contoso.com since 2026-11-24 09:00:00Z",
        ),
    ],
)
def test_reasons(pause: Pause, reason: str) -> None:
    """By whom, since when (UTC), and why; as the ledger and the log tell it."""
    assert pause.reason == reason


def test_a_reason_stays_short() -> None:
    """However long a name or a note somebody wrote into the table by hand."""
    pause = Pause(reaction=ALL, by="b" * 9999, at=datetime.max.replace(tzinfo=UTC), drop=True, note="n" * 9999)
    assert len(pause.reason) < 2 * CHARACTERS + 100


def test_the_columns_of_a_switch() -> None:
    """By their documented names; pausing anew clears who ended the last pause, and ending it keeps who began it."""
    at = datetime(2026, 11, 24, 9, tzinfo=UTC)
    assert write_pause(Pause(reaction="a", by="ann", at=at, drop=True, note="why")) == {
        "state": "paused",
        "by": "ann",
        "at": "2026-11-24T09:00:00+00:00",
        "events": "drop",
        "note": "why",
        "resumed_by": "",
        "resumed_at": "",
    }
    assert write_pause(Pause(reaction="a"))["at"] == ""
    assert write_resumed(by="bob", at=at) == {
        "state": "resumed",
        "resumed_by": "bob",
        "resumed_at": "2026-11-24T09:00:00+00:00",
    }
