"""Text that others wrote, made safe for a terminal, and JSON for scripts."""

import json
import logging
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import typer
from rich.console import Console

from ops.problems import NOT_ALL, OpsError


def plain(text: str, limit: int | None = None) -> str:
    """Return *text* on one line, with everything that does not print shown as an escape, cut at *limit*.

    Control characters could move the cursor or forge a line, bidirectional marks show it in another order.
    """
    cut = text if limit is None or len(text) <= limit else f"{text[: limit - 1]}…"
    return "".join(
        char if char.isprintable() else char.encode("unicode_escape", "backslashreplace").decode() for char in cut
    )


def lines(text: str) -> str:
    """Return *text* made safe, with its lines as they are."""
    return "\n".join(plain(line) for line in text.replace("\r\n", "\n").split("\n"))


def console() -> Console:
    """Return where people read. Text goes there as Text: nothing that others wrote is taken for markup."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")  # a terminal without UTF-8 is no reason to fail
    return Console(highlight=False, emoji=False, markup=False)


def say(text: str = "") -> None:
    """Say something besides the result: to the error stream, so that a result can be piped."""
    typer.echo(text, err=True)


def json_text(value: object) -> str:
    """Return JSON of ASCII without control characters, for a pipe and for a terminal."""
    return json.dumps(value, indent=2, ensure_ascii=True)


def put_json(value: object) -> None:
    """Print the one JSON document of a command."""
    typer.echo(json_text(value))


def complain(error: OpsError, *, as_json: bool) -> typer.Exit:
    """Tell *error*, and return the exit that goes with it."""
    for detail in error.details:
        say(plain(f"problem: {detail}"))
    say(plain(f"error: {error.problem}"))
    if error.remedy:
        say(plain(f"remedy: {error.remedy}"))
    if as_json:
        document: dict[str, object] = {"problem": error.problem, "remedy": error.remedy}
        put_json({**document, "problems": list(error.details)} if error.details else document)
    return typer.Exit(error.code)


def confirm(warning: str, *, otherwise: str, remedy: str) -> None:
    """Have what *warning* says confirmed. Raises OpsError when it is not."""
    say(warning)
    try:
        typer.confirm("Go on?", abort=True, err=True)
    except typer.Abort:
        raise OpsError(f"not confirmed; {otherwise}", remedy, code=NOT_ALL) from None


@contextmanager
def silenced(*names: str) -> Iterator[None]:
    """Keep loggers quiet: they repeat others' words on the terminal, or ours in the form of a log."""
    loggers = [logging.getLogger(name) for name in names]
    levels = [logger.level for logger in loggers]
    try:
        for logger in loggers:
            logger.setLevel(logging.CRITICAL)
        yield
    finally:
        for logger, level in zip(loggers, levels, strict=True):
            logger.setLevel(level)
