"""`python -m ops compile`: writes pipelines/compiled, or tells what is stale there."""

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import msgspec
import typer

from ops.options import HERE, Folder
from ops.rules import REACTIONS_FILE, jobs_named
from ops.terminal import plain, say
from shared.errors import ConfigurationError
from shared.job_templates import JobTemplate, compiled_path, encode
from shared.job_templates.files import label, read

PIPELINES = "pipelines"
MEND = "python -m ops compile"


def command(
    *,
    check: Annotated[
        bool, typer.Option("--check", help="Write nothing; exit 1 when a compiled file is stale.")
    ] = False,
    folder: Folder = HERE,
) -> None:
    """Compile the job files: what azure-ai-ml makes of them, kept beside them and deployed with them.

    They are those in `pipelines`, and those that reactions.yaml names elsewhere.
    """
    sources = job_files(folder)
    compiled, problems = compile_all(sources)
    stale = [path for path, content in compiled.items() if not path.exists() or path.read_bytes() != content]
    orphans = left_over(sources)
    if check:
        problems += [f"{_name(path)} is stale or missing: run `{MEND}` and commit it" for path in stale]
        problems += [f"{_name(path)} belongs to no job file: run `{MEND}`" for path in orphans]
    elif not problems:
        for path in stale:
            path.parent.mkdir(exist_ok=True)
            path.write_bytes(compiled[path])
            say(f"compiled {_name(path)}")
        for path in orphans:
            path.unlink()
            say(f"removed {_name(path)}: it belongs to no job file")
    for problem in problems:
        say(plain(problem))
    raise typer.Exit(1 if problems else 0)


def job_files(folder: Path, file: str = REACTIONS_FILE) -> list[Path]:
    """Return the job files of a project: all in `pipelines`, and those that its reactions name elsewhere."""
    named = {folder / job for job in jobs_named(folder / file)}
    return sorted({*(folder / PIPELINES).glob("*.yml"), *(path for path in named if path.is_file())})


def compile_all(sources: Sequence[Path]) -> tuple[dict[Path, bytes], list[str]]:
    """Return the compiled file of every job file, and the problems of those that cannot be compiled."""
    from shared.job_templates.rehearsal import compile_job  # noqa: PLC0415 - leads to azure-ai-ml

    compiled: dict[Path, bytes] = {}
    problems: list[str] = []
    for job_file in sources:
        try:
            compiled[compiled_path(job_file)] = encode(compile_job(job_file))
        except ConfigurationError as error:
            problems.extend(error.problems)
    return compiled, problems


def outdated(sources: Sequence[Path]) -> list[str]:
    """Return a problem for each job file whose compiled file is missing or of another content; imports no SDK."""
    return [
        f"{label(job_file)}: {_name(compiled_path(job_file))} is stale or missing; run `{MEND}` and commit it"
        for job_file in sources
        if not _fresh(job_file)
    ]


def left_over(sources: Sequence[Path]) -> list[Path]:
    """Return compiled files that belong to no job file."""
    wanted = {compiled_path(job_file) for job_file in sources}
    folders = sorted({path.parent for path in wanted})
    return [path for folder in folders for path in sorted(folder.glob("*.json")) if path not in wanted]


def _fresh(job_file: Path) -> bool:
    try:
        template = msgspec.json.decode(compiled_path(job_file).read_bytes(), type=JobTemplate)
    except (OSError, msgspec.MsgspecError, UnicodeDecodeError):
        return False
    return template.sha256 == read(job_file)[1]


def _name(path: Path) -> str:
    return "/".join(path.parts[-3:])
