"""Draws a closed loop with and without guards as docs/guards-closed-loop.svg: ``python -m tests.faults.loop_plot``."""

import sys
from collections.abc import Iterator
from datetime import timedelta
from math import log10
from pathlib import Path

from tests.faults.closed_loop import DAY, ClosedLoop, Decision, played

PLOT = Path(__file__).parents[2] / "docs" / "guards-closed-loop.svg"
EVENTS = 10_000
BUDGET = 10
#: The panels, by pixels: both from LEFT to RIGHT, each from its top to its bottom.
LEFT, RIGHT = 84, 960
JOBS, DAYS = (112, 372), (486, 666)
#: What the first panel shows: as long as it takes without guards, and jobs up to here.
MOST = 1000
STEP = 10
SVG = """\
<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 1000 740" role="img" aria-labelledby="title desc">
  <title id="title">{title}</title>
  <desc id="desc">{desc}</desc>
  <style>
    .card {{ fill: #ffffff; stroke: #d0d7de; }}
    .ink {{ fill: #1f2933; }}
    .soft {{ fill: #55636f; }}
    .grid {{ stroke: #e3e8ed; }}
    .wild {{ stroke: #c0443c; }} .wild-ink {{ fill: #a5352e; }}
    .held {{ stroke: #1f7a55; }} .held-ink {{ fill: #1f7a55; }}
    .tested {{ fill: #6fbf9c; }}
    .trained {{ fill: #7fb2e5; }}
    .limit {{ stroke: #b0650a; }} .limit-ink {{ fill: #8a4f07; }}
    text {{ font-size: 15px;
      font-family: -apple-system, BlinkMacSystemFont, "Segoe UI", "Noto Sans", Helvetica, Arial, sans-serif; }}
    .head {{ font-size: 17px; font-weight: 600; }}
    .mid {{ text-anchor: middle; }}
    .end {{ text-anchor: end; }}
    .line {{ fill: none; stroke-width: 2.5; stroke-linejoin: round; }}
    .dashed {{ stroke-width: 2; stroke-dasharray: 6 6; }}
    @media (prefers-color-scheme: dark) {{
      .card {{ fill: #161b22; stroke: #30363d; }}
      .ink {{ fill: #e6edf3; }}
      .soft {{ fill: #a5b3c0; }}
      .grid {{ stroke: #2b323b; }}
      .wild {{ stroke: #ef8078; }} .wild-ink {{ fill: #f59a93; }}
      .held {{ stroke: #5cc39a; }} .held-ink {{ fill: #5cc39a; }}
      .tested {{ fill: #3c8a6c; }}
      .trained {{ fill: #3f78b0; }}
      .limit {{ stroke: #e0a14a; }} .limit-ink {{ fill: #f0b968; }}
    }}
  </style>
  <rect class="card" x="1" y="1" width="998" height="738" rx="14" stroke-width="1.5"/>
{body}
</svg>
"""


def with_guards() -> ClosedLoop:
    """Play as many events as the bar asks for, with the guards that every rule has by default."""
    return played(events=EVENTS, within=90 * DAY)


def without_guards() -> ClosedLoop:
    """Play an hour of it without guards, which is enough."""
    return played("guards: none", events=EVENTS, within=timedelta(hours=1))


def plot(held: ClosedLoop, wild: ClosedLoop) -> str:
    """Return the picture: the first hour of both, and every day of *held*, which has the default guards."""
    body = "\n".join(f"  {line}" for line in (*hour(held, wild), *days(held)))
    return SVG.format(title="A closed loop with and without guards", desc=told(held, wild), body=body)


def told(held: ClosedLoop, wild: ClosedLoop) -> str:
    """Say in words what there is to see; docs/guards.md says it as well."""
    first = first_day(held)
    most = max(one.depth for one in held.started)
    return (
        f"Without guards {len(wild.started):,} jobs after {minutes(wild.elapsed):.0f} minutes, and no end. "
        f"With the default guards {len(first)} jobs, the last after {minutes(first[-1].at):.0f} minutes. "
        f"Begun anew once a day, in {held.delivered:,} events on {days_of(held)} days: {len(held.started):,} jobs, "
        f"at most {held.most('offline-test')} of offline-test and {held.most('retrain')} of retrain a day, "
        f"no chain longer than {most}. {summary(held)}"
    )


def first_day(loop: ClosedLoop) -> list[Decision]:
    """Return what was started before the loop is begun anew."""
    return [one for one in loop.started if one.at < DAY]


def hour(held: ClosedLoop, wild: ClosedLoop) -> Iterator[str]:
    """Draw the jobs of both loops since they began, on a logarithmic scale."""
    top, bottom = JOBS
    last = wild.elapsed

    def x(at: timedelta) -> float:
        return LEFT + (RIGHT - LEFT) * (at / last)

    def y(jobs: float) -> float:
        return bottom - (bottom - top) * log10(jobs) / log10(MOST)

    yield text(
        40,
        44,
        "A person registers one model version; each version is tested by a job that registers another",
        "ink head",
    )
    yield text(
        40,
        66,
        "and makes the monitor see drift, which retrains and registers one more. Jobs started since then:",
        "soft",
    )
    for jobs in (1, 10, 100, 1000):
        yield line(LEFT, y(jobs), RIGHT, y(jobs), "grid")
        yield text(LEFT - 10, y(jobs) + 5, f"{jobs:,}", "soft end")
    for step in range(0, int(minutes(last)) + 1, STEP):
        yield text(x(timedelta(minutes=step)), bottom + 24, f"{step} min", "soft mid")
    for loop, kind in ((wild, "wild"), (held, "held")):
        times = [one.at for one in loop.started if one.at < last]
        points = [(x(at), y(number)) for number, at in enumerate(times, start=1) if at not in times[number:]]
        points.append((RIGHT, points[-1][1]))
        steps = "".join(f"H{right:.1f}V{height:.1f}" for right, height in points[1:])
        yield f'<path class="{kind} line" d="M{points[0][0]:.1f} {points[0][1]:.1f}{steps}"/>'
    jobs = len(first_day(held))
    yield text(RIGHT - 12, y(jobs) - 12, f"guards as they are by default: {jobs} jobs, and an end", "held-ink end")
    yield text(x(last * 0.7), y(MOST * 0.5), f"guards: none; {len(wild.started)} jobs, and no end", "wild-ink end")


def days(held: ClosedLoop) -> Iterator[str]:
    """Draw the jobs of each day, and the budget."""
    top, bottom = DAYS
    count = days_of(held)
    width, unit = (RIGHT - LEFT) / count, (bottom - top) / (BUDGET + 2)
    yield text(
        40, 436, f"Begun anew once a day, for {held.delivered:,} events: {len(held.started)} jobs, by day", "ink head"
    )
    yield text(40, 458, summary(held), "soft")
    for jobs in (0, 5, BUDGET):
        yield line(
            LEFT, bottom - jobs * unit, RIGHT, bottom - jobs * unit, "limit dashed" if jobs == BUDGET else "grid"
        )
        yield text(LEFT - 10, bottom - jobs * unit + 5, str(jobs), "soft end")
    for day in range(count):
        below = 0.0
        for reaction, kind in (("offline-test", "tested"), ("retrain", "trained")):
            jobs = sum(one.reaction == reaction and one.at // DAY == day for one in held.started)
            left, high = LEFT + day * width, jobs * unit
            yield (
                f'<rect class="{kind}" x="{left + 1:.1f}" y="{bottom - below - high:.1f}" width="{width - 2:.1f}" '
                f'height="{high:.1f}"/>'
            )
            below += high
        if day % STEP == 0:
            yield text(LEFT + (day + 0.5) * width, bottom + 24, f"day {day + 1}", "soft mid")
    yield text(RIGHT - 4, bottom - BUDGET * unit - 10, f"the budget of each reaction: {BUDGET} a day", "limit-ink end")
    yield f'<rect class="tested" x="{LEFT}" y="{bottom + 42}" width="14" height="14"/>'
    yield text(LEFT + 22, bottom + 54, "offline-test", "soft")
    yield f'<rect class="trained" x="{LEFT + 130}" y="{bottom + 42}" width="14" height="14"/>'
    yield text(LEFT + 152, bottom + 54, "retrain", "soft")


def summary(held: ClosedLoop) -> str:
    """Say what was refused."""
    guards = {name: sum(one.guard == name for one in held.refused) for name in ("loop", "cooldown", "budget")}
    refused = ", ".join(f"{number:,} by {name}" for name, number in guards.items() if number)
    return f"{len(held.refused):,} events refused, each with its reason: {refused}."


def days_of(held: ClosedLoop) -> int:
    """Return on how many days it was played, the last one not to its end."""
    return -(-held.elapsed // DAY)


def minutes(time: timedelta) -> float:
    """Return a time in minutes."""
    return time / timedelta(minutes=1)


def text(x: float, y: float, words: str, kind: str) -> str:
    """Return words at a place."""
    return f'<text class="{kind}" x="{x:.1f}" y="{y:.1f}">{words}</text>'


def line(x: float, y: float, right: float, end: float, kind: str) -> str:
    """Return a straight line."""
    return f'<line class="{kind}" x1="{x:.1f}" y1="{y:.1f}" x2="{right:.1f}" y2="{end:.1f}"/>'


def main() -> int:
    """Play both loops, and draw them."""
    PLOT.write_text(plot(with_guards(), without_guards()), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
