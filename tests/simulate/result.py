"""What a simulated load cost, and how long it took: in quantities, not in money."""

import math
from collections.abc import Iterator, Mapping, Sequence

import msgspec

from tests.fakes.store import row_bytes
from tests.simulate.load import Load
from tests.simulate.play import AT_ONCE, Play
from tests.simulate.promise import ends, problems

#: The first loads a month of a base; the others come as so many times as many events in the same workspaces.
TIMES = (1, 10, 100, 1000)
PERCENTILES = (0.5, 0.9, 0.99, 1.0)
EFFECTS = ("job", "opened", "reminder", "resolved", "digest")
#: Put, get, delete.
QUEUE_REQUESTS = 3


class Seconds(msgspec.Struct, frozen=True):
    """How many effects there were, and how many seconds they took: the PERCENTILES."""

    count: int
    percentiles: tuple[float, ...]


class Result(msgspec.Struct, frozen=True, kw_only=True):
    """One load, *times* as busy as the base. *cost* is per 1,000 events, *seconds* by effect, *peaks* by what it is of.

    *ended* counts how the reactions ended, *refused* what Azure's limits and outages sent back.
    """

    times: int
    seed: int
    events: int
    deliveries: int
    workspaces: int
    subjects: int
    hours: float
    ended: Mapping[str, int]
    refused: Mapping[str, int]
    cost: Mapping[str, float]
    seconds: Mapping[str, Seconds]
    peaks: Mapping[str, int]
    broken: Sequence[str]


def simulated(times: int, *, events: int, seed: int, instances: int) -> Result:
    """Play a load, and look whether all promises were kept."""
    base = Load(events=events, seed=seed)
    load = Load(
        events=events,
        seed=seed,
        a_day=base.a_day * times,
        storms_a_day=base.storms_a_day * times,
        outages=times == 1,
    )
    play = Play(load, instances=instances)
    play.play()
    return result(times, play)


def result(times: int, play: Play) -> Result:
    """Return what came of a load that was played."""
    asked, played = play.asked(), play.played
    happened = played.facts.total()
    spent = {
        "storage requests": asked.storage,
        "Azure ML requests": asked.azure_ml,
        "mail requests": asked.mail,
        "queue messages": played.deliveries,
        "row bytes": sum(map(row_bytes, play.state.rows)),
    }
    return Result(
        times=times,
        seed=play.load.seed,
        events=happened,
        deliveries=played.deliveries,
        workspaces=play.load.workspaces,
        subjects=len({(workspace, fact.subject) for (workspace, _row), fact in played.acting.items()}),
        hours=round(play.load.seconds / 3600, 1),
        ended=dict(sorted(ends(play).items())),
        refused={
            "jobs: 429": play.arm.counts["throttled"],
            "jobs: 503": play.arm.counts["away"],
            "mails: 429": play.office.counts["over quota"],
            "mails: 503": play.office.counts["away"],
        },
        cost={name: round(count * 1000 / happened, 1) for name, count in spent.items()},
        seconds={name: _seconds(sorted(played.seconds.get(name, ()))) for name in EFFECTS},
        peaks={
            "messages in hand": played.most_busy,
            "deliveries in a second": played.most_a_second,
            "messages waiting": play.line.most,
            "entities in a second": play.state.busiest,
            "entities of one partition in a second": play.state.hottest,
        },
        broken=problems(play),
    )


def _seconds(times: Sequence[float]) -> Seconds:
    found = tuple(round(times[math.ceil(share * len(times)) - 1], 1) for share in PERCENTILES) if times else ()
    return Seconds(count=len(times), percentiles=found)


def report(one: Result) -> Iterator[str]:
    """Tell a result in lines."""
    yield (
        f"{one.times:,}x: {one.events:,} events of {one.workspaces} workspaces, {one.subjects:,} subjects in "
        f"{one.hours:,} h; {one.deliveries:,} deliveries"
    )
    yield "  ended: " + ", ".join(f"{count:,} {how}" for how, count in one.ended.items())
    yield "  sent back by: " + ", ".join(f"{count:,} {how}" for how, count in one.refused.items())
    yield "  per 1,000 events: " + ", ".join(f"{count:,} {what}" for what, count in one.cost.items())
    instances = -(-one.peaks["messages in hand"] // AT_ONCE)
    yield "  at most: " + ", ".join(f"{count:,} {what}" for what, count in one.peaks.items())
    yield f"  instances at most: {instances}"
    for effect, seconds in one.seconds.items():
        if seconds.count:
            told = ", ".join(
                f"p{share * 100:g} {value:,}" for share, value in zip(PERCENTILES, seconds.percentiles, strict=True)
            )
            yield f"  {effect}, seconds: {told} (of {seconds.count:,})"
    yield "  promises: " + ("; ".join(one.broken[:5]) or "all kept")
