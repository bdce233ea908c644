"""Cards with lines of text, and frames around them, as SVG for light and dark pages."""

from collections.abc import Iterable
from dataclasses import dataclass
from html import escape

SANS = '-apple-system, BlinkMacSystemFont, "Segoe UI", "Noto Sans", Helvetica, Arial, sans-serif'
MONO = 'ui-monospace, SFMono-Regular, Menlo, Consolas, "DejaVu Sans Mono", monospace'
STYLE = f"""
    .page {{ fill: #ffffff; }} .card {{ fill: #ffffff; stroke: #d0d7de; }} .frame {{ fill: #f6f8fa; stroke: #d0d7de; }}
    .app {{ fill: #edf8f3; stroke: #6fbf9c; }} .state {{ fill: #f5f1fc; stroke: #a98fdc; }}
    .azure {{ fill: #eef5fc; stroke: #7fb2e5; }}
    .ink {{ fill: #1f2933; }} .soft {{ fill: #55636f; }} .who {{ fill: #1f7a55; }}
    .way {{ stroke: #52606d; }} .tip {{ fill: #52606d; }}
    text {{ font-family: {SANS}; font-size: 13px; }}
    .head {{ font-size: 16px; font-weight: 600; }}
    .mono {{ font-family: {MONO}; font-size: 13px; }}
    .box {{ stroke-width: 1.5; }} .line {{ fill: none; stroke-width: 2; stroke-linejoin: round; }}
    @media (prefers-color-scheme: dark) {{
      .page {{ fill: #0d1117; }} .card {{ fill: #161b22; stroke: #30363d; }}
      .frame {{ fill: #11161d; stroke: #30363d; }}
      .app {{ fill: #12302a; stroke: #3c8a6c; }} .state {{ fill: #261f3a; stroke: #7a62b3; }}
      .azure {{ fill: #14273b; stroke: #3f78b0; }}
      .ink {{ fill: #e6edf3; }} .soft {{ fill: #a5b3c0; }} .who {{ fill: #6fcf9f; }}
      .way {{ stroke: #8b98a5; }} .tip {{ fill: #8b98a5; }}
    }}
"""
LINE = 18
PAD = 14
GAP = 16


@dataclass(frozen=True, slots=True)
class Text:
    """A line of a card: its words, how they look, and how far they are moved in."""

    words: str
    look: str = "soft"
    indent: int = 0


@dataclass(frozen=True, slots=True)
class Card:
    """A box with a heading and lines."""

    title: str
    look: str
    lines: tuple[Text, ...]

    @property
    def height(self) -> int:
        """How tall it is."""
        return PAD * 2 + LINE + 2 + LINE * len(self.lines)

    def draw(self, x: int, y: int, width: int) -> str:
        """Return the SVG of the card, its upper left corner at *x* and *y*."""
        parts = [
            f'<rect class="box {self.look}" x="{x}" y="{y}" width="{width}" height="{self.height}" rx="8"/>',
            f'<text class="head ink" x="{x + PAD}" y="{y + PAD + 13}">{escape(self.title)}</text>',
        ]
        for number, line in enumerate(self.lines, start=1):
            left, base = x + PAD + line.indent, y + PAD + 15 + LINE * number
            parts.append(f'<text class="{line.look}" x="{left}" y="{base}">{escape(line.words)}</text>')
        return "\n".join(parts)


def column(cards: Iterable[Card], x: int, y: int, width: int) -> tuple[str, list[int], int]:
    """Draw *cards* one below another; return the SVG, the middle of each, and where the column ends."""
    drawn, middles = [], []
    for card in cards:
        drawn.append(card.draw(x, y, width))
        middles.append(y + card.height // 2)
        y += card.height + GAP
    return "\n".join(drawn), middles, y


def frame(title: str, x: int, y: int, width: int, height: int) -> str:
    """Return the SVG of a frame with its title."""
    return (
        f'<rect class="box frame" x="{x}" y="{y}" width="{width}" height="{height}" rx="10"/>\n'
        f'<text class="head ink" x="{x + PAD}" y="{y + 26}">{escape(title)}</text>'
    )


def arrow(*points: tuple[int, int]) -> str:
    """Return the SVG of a line through *points*, with a tip at its end."""
    (before, above), (x, y) = points[-2], points[-1]
    across, down = (x > before) - (x < before), (y > above) - (y < above)
    back = (x - 9 * across, y - 9 * down)
    path = " ".join(f"{'M' if number == 0 else 'L'}{left} {top}" for number, (left, top) in enumerate(points))
    tip = f"{x},{y} {back[0] - 5 * down},{back[1] - 5 * across} {back[0] + 5 * down},{back[1] + 5 * across}"
    return f'<path class="line way" d="{path}"/>\n<polygon class="tip" points="{tip}"/>'


def label(words: str, x: int, y: int) -> str:
    """Return the SVG of a word beside an arrow, ending at *x*."""
    return f'<text class="soft" text-anchor="end" x="{x}" y="{y}">{escape(words)}</text>'


def document(body: Iterable[str], *, width: int, height: int, title: str, told: str) -> str:
    """Return the whole picture."""
    head = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" role="img"'
    return "\n".join(
        [
            f'{head} aria-labelledby="title desc">',
            f'<title id="title">{escape(title)}</title>',
            f'<desc id="desc">{escape(told)}</desc>',
            f"<style>{STYLE}</style>",
            f'<rect class="page" width="{width}" height="{height}"/>',
            *body,
            "</svg>\n",
        ]
    )
