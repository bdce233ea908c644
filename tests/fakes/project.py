"""A team's project in a folder: reactions, job files and what is compiled from them; and the command line on it."""

import json
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from typer.testing import CliRunner

from ops.__main__ import app
from tests.markdown import ROOT

#: What a developer's own environment must not add.
NO_SETTINGS: dict[str, str | None] = dict.fromkeys(
    ("WORKSPACES", "OPS_EMAIL", "MAIL_ENDPOINT", "MAIL_SENDER", "INSTALLATION", "REACTIONS_FILE", "StateStorage")
)


def project(folder: Path, reactions: str = "") -> Path:
    """Write a project with the shipped job files, and return its folder; *reactions* replaces the shipped ones."""
    folder.mkdir(exist_ok=True)
    shutil.copytree(ROOT / "pipelines", folder / "pipelines", dirs_exist_ok=True)
    text = reactions or (ROOT / "reactions.yaml").read_text(encoding="utf-8")
    (folder / "reactions.yaml").write_text(text, encoding="utf-8")
    return folder


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """What a command said; *document* is its JSON, None where it said none."""

    code: int
    out: str
    err: str
    document: Any


def ops(*words: str, stdin: str | bytes = "", **environ: str) -> Said:
    """Run `python -m ops` in this process."""
    result = CliRunner().invoke(app, words, env={**NO_SETTINGS, "COLUMNS": "100", **environ}, input=stdin)
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    document = json.loads(result.stdout) if "--json" in words and result.stdout else None
    return Said(code=result.exit_code, out=result.stdout, err=result.stderr, document=document)
