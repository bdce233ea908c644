"""Foreign words made harmless for a mail: one line or a few, visible characters only, never longer than agreed."""

import re
import unicodedata
from datetime import UTC, datetime

#: Stands for a character that must not be in a mail (control, bidirectional override, lone surrogate, ...).
REPLACEMENT = "\N{REPLACEMENT CHARACTER}"
ELLIPSIS = "\N{HORIZONTAL ELLIPSIS}"

#: Line ends of every kind that a mail client might honour.
LINE_END = re.compile(r"\r\n|[\r\n\v\f\x1c-\x1e\x85\u2028\u2029]")


def line(text: str, limit: int) -> str:
    """*text* as one line of at most *limit* characters; an ellipsis shows where it was cut."""
    text = text.strip()
    # Collapsing white space only shortens; a window of some times the limit is enough to look at.
    window = text[: limit * 4]
    shown = " ".join("".join(_visible(character) for character in window).split())
    if len(shown) > limit or (len(window) < len(text) and shown):
        return shown[: limit - 1].rstrip() + ELLIPSIS
    return shown


def lines(text: str, *, limit: int, width: int) -> tuple[str, ...]:
    """*text* as at most *limit* lines of at most *width* characters, blank ones at both ends left out.

    Where there were more, the last entry says "and N more lines".
    """
    if not (text := text.strip()):
        return ()
    every = LINE_END.split(text, maxsplit=limit)
    shown = tuple(_indented(part, width) for part in every[:limit])
    if len(every) <= limit:
        return shown
    rest = len(LINE_END.findall(every[limit])) + 1
    return (*shown, f"and {rest} more line{'s' if rest > 1 else ''}")


def moment(text: str) -> str:
    """A time of ISO 8601 as people write it, in UTC: ``20 Nov 2026, 05:00 UTC``; any other text as a line."""
    try:
        time = datetime.fromisoformat(text.strip())
        # Azure's times without an offset are UTC.
        time = time.replace(tzinfo=UTC) if time.tzinfo is None else time.astimezone(UTC)
    except (ValueError, OverflowError):
        return line(text, 60)
    return f"{time.day} {time:%b} {time.year}, {time:%H:%M:%S} UTC"


def _indented(text: str, width: int) -> str:
    """A line of a traceback or log keeps its indentation; everything else is as in `line`."""
    margin = text[: len(text) - len(text.lstrip(" \t"))][:width]
    indent = min(len(margin.expandtabs(4)), width // 4)
    return " " * indent + line(text, width - indent)


def _visible(character: str) -> str:
    if character.isspace():
        return " "
    # Categories C*: control, format (bidirectional and zero-width characters), surrogate, private, unassigned.
    return REPLACEMENT if unicodedata.category(character).startswith("C") else character


def counted(number: int, one: str) -> str:
    """*number* of what is called *one*, where a plural has an s."""
    return f"{number} {one}" if number == 1 else f"{number} {one}s"
