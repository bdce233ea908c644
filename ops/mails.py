"""`python -m ops mails`: the HTML of mails, compiled from MJML."""

import re
from pathlib import Path
from typing import Annotated

import typer

from ops.problems import DONE, NOT_ALL
from ops.terminal import say
from shared.mail.templates import OURS

#: Line ends before what opens a row or a box: the compiler writes none, and a mistake needs a line to be told by.
INDENT = re.compile(r"\n\s+")
OPENING = re.compile(r"(?=<(?:tr|table|div|td|style|!--\[if))")


def command(
    folder: Annotated[
        Path | None,
        typer.Argument(help="The team's own templates; left out: those of the project.", show_default=False),
    ] = None,
    *,
    check: Annotated[bool, typer.Option("--check", help="Write nothing; exit 1 when a file is stale.")] = False,
) -> None:
    """Compile the MJML of mails into the HTML that is sent. Files that begin with `_` are for including."""
    place, wrong = folder or OURS, False
    for source in sorted(place.glob("[!_]*.mjml")):
        try:
            html = compiled(source)
        except ValueError as error:
            say(f"{source.name}: {error}")
            wrong = True
            continue
        target = source.with_suffix(".html")
        if target.exists() and target.read_text(encoding="utf-8") == html:
            continue
        if check:
            say(f"{target.name} is stale or missing: run `python -m ops mails` and commit it")
            wrong = True
        else:
            target.write_text(html, encoding="utf-8", newline="\n")
            say(f"wrote {target.name}")
    raise typer.Exit(NOT_ALL if wrong else DONE)


def compiled(source: Path) -> str:
    """Return the HTML of *source*; what it includes stands beside it, else among ours. Raises ValueError."""
    # A development dependency, needed by this command alone.
    from mjml import mjml2html  # noqa: PLC0415 - see above

    def include(path: str) -> str:
        beside = source.parent / path
        return (beside if beside.exists() else OURS / path).read_text(encoding="utf-8")

    # No fonts: the compiler would have them fetched from elsewhere.
    html = mjml2html(source.read_text(encoding="utf-8"), fonts={}, include_loader=include)
    return INDENT.sub("\n", OPENING.sub("\n", html)).strip() + "\n"
