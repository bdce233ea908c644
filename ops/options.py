"""Options and exit codes that several commands share."""

from pathlib import Path
from typing import Annotated

import typer

AsJson = Annotated[bool, typer.Option("--json", help="One JSON document on stdout; messages go to stderr.")]
Folder = Annotated[
    Path,
    typer.Option(
        "--folder",
        metavar="DIR",
        exists=True,
        file_okay=False,
        help="The project: job files are relative to it.",
        show_default="here",
    ),
]
File = Annotated[
    str | None,
    typer.Option(
        "--file", metavar="NAME", help="The reactions, in that folder; else setting REACTIONS_FILE, or reactions.yaml."
    ),
]
SettingsFile = Annotated[
    Path | None,
    typer.Option(
        "--settings",
        metavar="FILE",
        help="Settings in the form of a local.settings.json; else those in the environment.",
    ),
]
HERE = Path()
CODES = "Exit codes: 0 done, 1 something is wrong and told, 2 usage (a wrong option, an input that cannot be read)."
ACCESS_CODES = f"{CODES[:-1]}, 3 cannot reach the account or not allowed."
