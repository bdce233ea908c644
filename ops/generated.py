"""Files that are generated and committed: written where they differ, or told to be stale."""

from pathlib import Path

import typer

from ops.problems import DONE, NOT_ALL
from ops.terminal import say

ROOT = Path(__file__).parents[1]


def keep(path: Path, text: str, *, command: str, check: bool) -> typer.Exit:
    """Write *text* where *path* differs, or with *check* tell to run *command*; return the exit that goes with it."""
    name = "/".join(path.parts[-2:])
    stale = not path.exists() or path.read_text(encoding="utf-8") != text
    if stale and check:
        say(f"{name} is stale or missing: run `python -m ops {command}` and commit it")
    elif stale:
        path.write_text(text, encoding="utf-8", newline="\n")
        say(f"wrote {name}")
    return typer.Exit(NOT_ALL if stale and check else DONE)
