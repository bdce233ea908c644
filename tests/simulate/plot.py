"""Draws how long effects take and what events cost, by load."""

from collections.abc import Iterator, Sequence
from math import log10

from tests.faults.loop_plot import LEFT, RIGHT, SVG, line, text
from tests.simulate.result import Result

#: The panels, by pixels from top to bottom; the scales of both are logarithmic, from *least* to *most*.
LATENCY, COST = (104, 372), (482, 672)
SECONDS, REQUESTS = (0.1, 100_000.0), (0.1, 10_000.0)
#: What is drawn of the latencies: the effect, which percentile, its colour, and what it is called.
LINES = (
    ("job", 0, "held", "jobs"),
    ("job", 2, "held", "jobs, p99"),
    ("opened", 0, "limit", "first mails"),
    ("digest", 0, "wild", "summaries"),
    ("digest", 2, "wild", "summaries, p99"),
)
BARS = (
    ("queue messages", "trained"),
    ("storage requests", "tested"),
    ("Azure ML requests", "limit-ink"),
    ("mail requests", "wild-ink"),
)
#: From here on a number is told without what follows its point.
WHOLE = 10
NAMES = {0.1: "0.1 s", 1.0: "1 s", 10.0: "10 s", 100.0: "100 s", 1e3: "17 min", 1e4: "2.8 h", 1e5: "28 h"}


def plot(results: Sequence[Result]) -> str:
    """Return the picture."""
    body = "\n".join(f"  {part}" for part in (*latencies(results), *costs(results)))
    return SVG.format(title="Latency and cost by load", desc=told(results), body=body)


def told(results: Sequence[Result]) -> str:
    """Say in words what there is to see."""
    return " ".join(
        f"{one.times:,} times the load: half of the jobs within {one.seconds['job'].percentiles[0]:,} s, half of the "
        f"summaries within {one.seconds['digest'].percentiles[0]:,} s, {one.cost['storage requests']:,} storage "
        "requests for 1,000 events."
        for one in results
    )


def latencies(results: Sequence[Result]) -> Iterator[str]:
    """Draw the seconds from the first telling of an event to its effect."""
    yield text(40, 44, "From the first telling of an event to its effect, by load", "ink head")
    yield text(40, 66, "half of them (solid) and 99 of 100 (dashed) are quicker; both scales are logarithmic", "soft")
    yield from _scale(LATENCY, SECONDS, NAMES)
    for effect, which, colour, name in LINES:
        found = [(turn, one.seconds[effect].percentiles) for turn, one in enumerate(results)]
        points = [(_x(turn, len(results)), _y(all_[which], LATENCY, SECONDS)) for turn, all_ in found if all_]
        path = "L".join(f"{x:.1f} {y:.1f}" for x, y in points)
        dashed = " dashed" if which else ""
        yield f'<path class="{colour} line{dashed}" d="M{path}"/>'
        above = 14.0 if which == 0 and effect == "job" else -8.0
        yield text(points[-1][0] + 8, points[-1][1] + above, name, f"{colour}-ink")
    yield from _loads(results, LATENCY[1])


def costs(results: Sequence[Result]) -> Iterator[str]:
    """Draw what 1,000 events take."""
    yield text(40, 432, "What 1,000 events take", "ink head")
    for turn, (name, colour) in enumerate(BARS):
        left = LEFT + turn * 190.0
        yield f'<rect class="{colour}" x="{left}" y="446" width="14" height="14"/>'
        yield text(left + 22, 458, name, "soft")
    yield from _scale(COST, REQUESTS, {10.0**power: f"{10**power:,}" for power in range(5)})
    for turn, one in enumerate(results):
        for bar, (name, colour) in enumerate(BARS):
            left, top = _x(turn, len(results)) - 96 + bar * 48, _y(one.cost[name], COST, REQUESTS)
            yield f'<rect class="{colour}" x="{left:.1f}" y="{top:.1f}" width="44" height="{COST[1] - top:.1f}"/>'
            words = f"{one.cost[name]:,.0f}" if one.cost[name] >= WHOLE else f"{one.cost[name]}"
            yield text(left + 22, top - 5, words, "soft mid")
    yield from _loads(results, COST[1])


def _scale(panel: tuple[int, int], scale: tuple[float, float], names: dict[float, str]) -> Iterator[str]:
    for number, name in names.items():
        y = _y(number, panel, scale)
        yield line(LEFT, y, RIGHT, y, "grid")
        yield text(LEFT - 10, y + 5, name, "soft end")


def _loads(results: Sequence[Result], bottom: int) -> Iterator[str]:
    for turn, one in enumerate(results):
        yield text(_x(turn, len(results)), bottom + 24, f"{one.times:,}x", "soft mid")


def _x(turn: int, count: int) -> float:
    return LEFT + (RIGHT - LEFT) * (turn + 0.5) / count


def _y(value: float, panel: tuple[int, int], scale: tuple[float, float]) -> float:
    top, bottom = panel
    least, most = scale
    return bottom - (bottom - top) * log10(max(value, least) / least) / log10(most / least)
