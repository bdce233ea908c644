"""The bench's pictures: cold starts as stacked bars, and how the cost of an event grows."""

from collections.abc import Iterator, Sequence
from html import escape
from statistics import median

from tests.bench.cold import CONDITIONS
from tests.bench.growth import EACH, ONE
from tests.bench.results import Growth, Results, Starts, Step
from tests.infra.drawing import document

WIDTH = 1000
LEFT, RIGHT = 270, 940
BAR, ROW, TOP = 22, 32, 96
#: Stages of a cold start by their looks, in order; each ends at that field of a Start.
STAGES = (
    ("runtime", "frame", "Python, Microsoft's runtime"),
    ("indexed", "azure", "functions indexed"),
    ("taken_in", "state", "event enqueued"),
    ("effect", "app", "job started, or mail sent"),
)
#: Panels of the growth, from top to bottom: the field of a Step, what it is, and in which unit a value is shown.
PANELS = (
    ("seconds", "milliseconds for an event, median", 1000.0),
    ("requests", "requests to storage for an event", 1.0),
)
LOOKS = {EACH: "app", ONE: "state"}
PANEL, SPACE, HEADROOM = 190, 90, 116


def cold_start(results: Results) -> str:
    """Return the cold starts: under a heading for each condition a bar for each contestant and effect, in stages."""
    shown: list[Starts | str] = []
    for condition in CONDITIONS:
        starts = [one for one in results.starts if one.conditions == condition and one.runs]
        shown += [condition, *starts] if starts else []
    bars = [one for one in shown if isinstance(one, Starts)]
    longest = max(_stage(one, "effect") for one in bars)
    bottom = TOP + ROW * len(shown)
    body = [*_legend(), *_grid(longest, bottom)]
    for number, one in enumerate(shown):
        top = TOP + ROW * number
        body += [_text(40, top + 18, one, "ink head")] if isinstance(one, str) else _bar(top, one, longest)
    told = "; ".join(f"{_name(one)}, {one.conditions}: {_stage(one, 'effect'):.2f} s" for one in bars)
    title = "Cold start to the first job and the first mail"
    return document(body, width=WIDTH, height=bottom + 50, title=title, told=told)


def _legend() -> Iterator[str]:
    yield _text(40, 36, "From the start of a process to its first effect, seconds, medians", "head ink")
    x = 40.0
    for _field, look, words in STAGES:
        yield f'<rect class="box {look}" x="{x:.0f}" y="52" width="14" height="14"/>'
        yield _text(x + 20, 64, words)
        x += 42 + 6.6 * len(words)


def _grid(longest: float, bottom: float) -> Iterator[str]:
    step = next(step for step in (0.25, 0.5, 1, 2, 5, 10) if longest / step <= 8)
    for number in range(int(longest / step) + 1):
        x = LEFT + (RIGHT - LEFT) * number * step / longest
        yield f'<line class="card" x1="{x:.1f}" y1="{TOP - 10}" x2="{x:.1f}" y2="{bottom}"/>'
        yield _text(x, bottom + 20, f"{number * step:g} s", anchor="middle")


def _bar(top: float, starts: Starts, longest: float) -> Iterator[str]:
    before = 0.0
    yield _text(LEFT - 12, top + 16, _name(starts), "ink", anchor="end")
    scale = (RIGHT - LEFT) / longest
    for field, look, _words in STAGES:
        until = _stage(starts, field)
        if until > before:
            x, width = LEFT + before * scale, (until - before) * scale
            yield f'<rect class="box {look}" x="{x:.1f}" y="{top}" width="{width:.1f}" height="{BAR}"/>'
            before = until
    yield _text(LEFT + before * scale + 8, top + 16, f"{before:.2f}")


def _stage(starts: Starts, field: str) -> float:
    return float(median(getattr(run, field) for run in starts.runs))


def _name(starts: Starts) -> str:
    return f"first {starts.effect} of the {starts.contestant}"


def cost_growth(results: Results) -> str:
    """Return the growth: a panel each for time and requests, a line for each story."""
    most = max(step.number for one in results.growth for step in one.steps)
    body = [_text(40, 36, "What an event costs, by the number of events before it", "head ink")]
    for number, one in enumerate(results.growth):
        x = 40 + 440 * number
        body.append(f'<rect class="box {LOOKS[one.story]}" x="{x}" y="52" width="14" height="14"/>')
        body.append(_text(x + 22, 64, one.story))
    for number, (field, words, unit) in enumerate(PANELS):
        body += _panel(results.growth, HEADROOM + number * (PANEL + SPACE), most, (field, words, unit))
    told = "; ".join(
        f"{one.story}: {one.steps[0].seconds * 1000:.1f} ms at first, "
        f"{one.steps[-1].seconds * 1000:.1f} ms after {most} events"
        for one in results.growth
    )
    return document(
        body,
        width=WIDTH,
        height=HEADROOM + 2 * (PANEL + SPACE),
        title="The cost of an event as events add up",
        told=told,
    )


def _panel(growth: Sequence[Growth], top: float, most: int, shown: tuple[str, str, float]) -> Iterator[str]:
    field, words, unit = shown
    bottom, left = top + PANEL, 84
    highest = 1.15 * max(getattr(step, field) * unit for one in growth for step in one.steps)

    def x(number: float) -> float:
        return left + (RIGHT - left) * number / most

    def y(step: Step) -> float:
        return float(bottom - PANEL * getattr(step, field) * unit / highest)

    yield _text(40, top - 12, words, "ink")
    ticks = next(step for step in (1, 2, 5, 10, 20, 50, 100, 200, 500, 1000) if highest / step <= 6)
    for value in range(0, int(highest) + 1, ticks):
        height = bottom - PANEL * value / highest
        yield f'<line class="card" x1="{left}" y1="{height:.1f}" x2="{RIGHT}" y2="{height:.1f}"/>'
        yield _text(left - 8, height + 4, str(value), anchor="end")
    for number in range(0, most + 1, max(1, most // 5)):
        yield _text(x(number), bottom + 20, f"{number} events", anchor="middle")
    for one in growth:
        points = " ".join(f"{'L' if n else 'M'}{x(step.number):.1f} {y(step):.1f}" for n, step in enumerate(one.steps))
        yield f'<path class="{LOOKS[one.story]}" style="fill:none;stroke-width:2.5" d="{points}"/>'


def _text(x: float, y: float, words: str, look: str = "soft", *, anchor: str = "start") -> str:
    return f'<text class="{look}" x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">{escape(words)}</text>'
