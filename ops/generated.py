"""Files in docs/ that are made of the code: written, or told to be stale."""

from pathlib import Path

import typer

from ops.problems import DONE, NOT_ALL
from ops.terminal import say


def keep(file: Path, text: str, *, check: bool, command: str) -> typer.Exit:
    """Write *file* where it is stale, or with *check* only say so; return the exit that goes with it."""
    stale = not file.exists() or file.read_text(encoding="utf-8") != text
    if stale and check:
        say(f"docs/{file.name} is stale or missing: run `python -m ops {command}` and commit it")
    elif stale:
        file.write_text(text, encoding="utf-8", newline="\n")
        say(f"wrote docs/{file.name}")
    return typer.Exit(NOT_ALL if stale and check else DONE)
