"""The simulation itself: the same for the same seed, every promise kept, every limit held, and it would tell."""

from dataclasses import replace
from datetime import timedelta
from itertools import pairwise

import msgspec
import pytest

from shared.reactions.guard_rules import DAILY
from tests.simulate.edges import MINUTE, Bucket, most_within
from tests.simulate.load import SHARES, STORM_EVENTS, Load
from tests.simulate.play import Play
from tests.simulate.promise import problems
from tests.simulate.result import Result, report, result
from tests.simulate.state import BEGIN

EVENTS, INSTANCES = 4_000, 40


def played(seed: int = 1, **more: object) -> Play:
    """Return a load that was played."""
    play = Play(Load(events=EVENTS, seed=seed, storms_a_day=60, **more), instances=INSTANCES)  # type: ignore[arg-type]
    play.play()
    return play


@pytest.fixture(scope="module")
def play() -> Play:
    """A few hours with a storm of each kind."""
    return played()


@pytest.fixture(scope="module")
def told(play: Play) -> Result:
    """What came of it."""
    return result(1, play)


def test_all_promises_are_kept(told: Result) -> None:
    """Each event is done, skipped or a dead letter; one job for each; mails within the allowance; no budget passed."""
    assert told.broken == []
    assert {"job started", "mail sent", "mail merged into a summary", "folded into an incident"} <= told.ended.keys()
    assert told.refused["jobs: 429"] > 0
    assert told.refused["jobs: 503"] > 0
    assert told.refused["mails: 429"] == 0


def test_the_same_seed_is_the_same_run(told: Result) -> None:
    """And another seed is another one."""
    assert result(1, played()) == told
    assert result(1, played(seed=2)) != told


def test_events_are_told_in_order_and_more_than_once() -> None:
    """What happens is told at least once; some of it twice, some late, none of it early."""
    load = Load(events=EVENTS)
    deliveries = list(load.told())
    assert [one.at for one in deliveries] == sorted(one.at for one in deliveries)
    first = [one.fact for one in deliveries if one.first]
    assert len(first) == len(set(first)) == len({one.number for one in first}) >= EVENTS
    assert {fact.kind for fact in first} == set(SHARES)
    assert 0.02 < len(deliveries) / len(first) - 1 < 0.05
    assert all(one.at >= one.fact.at for one in deliveries)
    overtaken = sum(one.number > other.number for one, other in pairwise(first))
    assert overtaken > len(first) / 100


def test_every_load_has_its_storms() -> None:
    """Of each kind, in the same proportion."""
    kinds = [storm for _at, storm, _workspace in Load(events=EVENTS, storms_a_day=100).storms()]
    assert {kinds.count(kind) for kind in kinds} <= {len(kinds) // 4, len(kinds) // 4 + 1}
    quiet = {storm for _at, storm, _workspace in Load(events=EVENTS, outages=False).storms()}
    assert quiet == {"failures", "registrations"}
    assert STORM_EVENTS > 200  # more than Azure Resource Manager takes at once


def test_a_bucket_fills_again() -> None:
    """As many at once as it holds, then as fast as it fills."""
    bucket = Bucket(size=2, rate=0.5, left=2)
    assert [bucket.take(BEGIN) for _ in range(3)] == [0, 0, 2]
    assert bucket.take(BEGIN + timedelta(seconds=1)) == 1
    assert bucket.take(BEGIN + timedelta(seconds=2)) == 0


def test_most_within_a_window() -> None:
    """A window is open at its end."""
    times = [BEGIN + timedelta(seconds=at) for at in (0, 30, 59, 60, 200)]
    assert most_within(times, MINUTE) == 3
    assert most_within([], MINUTE) == 0


def test_what_is_broken_is_told() -> None:
    """A row that waits, a job too many, a mail twice, an event without a row, a letter too few: each has a line."""
    play = played()
    row = next(row for row in play.state.rows if "r_offline_test" in row.values)
    waits = replace(row, values={**row.values, "wake": '{"token":"t","due":"2026-11-24T00:00:00Z"}'})
    play.state._rows[row.partition, row.key] = waits
    play.arm.jobs["somebody-elses"] = next(iter(play.arm.jobs.values()))
    play.office.delivered.append(play.office.delivered[0])
    play.office.times += [play.office.times[-1]] * 11
    lost = next(row for row in play.state.rows if row.values.get("family") == "data-drift")
    del play.state._rows[lost.partition, lost.key]
    play.letters.blobs.clear()
    drift = next(row for row in play.state.rows if '"admitted"' in str(row.values.get("r_retrain")))
    for number in range(DAILY.runs):
        key = f"{drift.key}-{number}"
        play.state._rows[drift.partition, key] = replace(drift, key=key)
        play.state.created[drift.partition, key] = play.state.created[drift.partition, drift.key]
    memory = next(row for row in play.state.rows if '"sent":true' in str(row.values.get("memory")))
    unsent = {"memory": str(memory.values["memory"]).replace('"sent":true', '"sent":false')}
    play.state._rows[memory.partition, memory.key] = replace(memory, values=unsent)
    broken = "\n".join(problems(play))
    for words in (
        "it still waits",
        "jobs were decided on",
        "mailed twice",
        "requests to send",
        "no row",
        "dead letters",
        "a second one",
        "jobs in a day",
        "again after 0:00:00",
        "failures are told",
    ):
        assert words in broken


def test_the_report_says_it_in_words(told: Result) -> None:
    """Cost, latency, and whether all promises were kept."""
    text = "\n".join(report(told))
    assert f"{told.cost['storage requests']:,} storage requests" in text
    assert "job, seconds: p50 " in text
    assert text.endswith("promises: all kept")
    broken = msgspec.structs.replace(told, broken=["a: it still waits"])
    assert "\n".join(report(broken)).endswith("promises: a: it still waits")
