"""Templates of mails: ours beside this file, and the team's, which win."""

import textwrap
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from shared.mail.kinds import KINDS

if TYPE_CHECKING:
    from jinja2 import Environment, Template

OURS = Path(__file__).parent / "layout"

#: The template of every kind that has none of its own.
GENERAL = "mail"

#: What fits a text mail in a terminal of 80 columns with the margin mail programs leave.
TEXT_WIDTH = 78

#: These would let a value of an event into the HTML as it is, or make a link of it.
UNSAFE_FILTERS = ("safe", "tojson", "urlize", "xmlattr")


def find(kind: str, form: str, folder: Path | None) -> "Template":
    """Return the template for *kind* in *form* (``html`` or ``txt``): its own, or the one of all kinds."""
    names = [f"{name}.{form}" for name in (kind, GENERAL) if name in KINDS or name == GENERAL]
    return environment(folder).select_template(names)


@cache
def environment(folder: Path | None) -> "Environment":
    """Jinja2, imported and set up at the first mail: most events send none."""
    from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape  # noqa: PLC0415 - see above

    made = Environment(
        loader=FileSystemLoader([*([folder] if folder else []), OURS]),
        autoescape=select_autoescape(enabled_extensions=("html",), default=False),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
    )
    for unsafe in UNSAFE_FILTERS:
        del made.filters[unsafe]
    made.filters["wrap"] = _wrap
    return made


def _wrap(text: str, first: str = "", rest: str = "") -> str:
    """*text* in lines of TEXT_WIDTH, the first one after *first*, the others after *rest*."""
    return (
        textwrap.fill(text, TEXT_WIDTH, initial_indent=first, subsequent_indent=rest, break_on_hyphens=False) or first
    )
