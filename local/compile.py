"""Compiles the job files: `python -m local.compile` writes pipelines/compiled, `--check` tells what is stale there."""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from shared.errors import ConfigurationError
from shared.job_templates import compiled_path, encode
from shared.job_templates.rehearsal import compile_job

PIPELINES = Path(__file__).resolve().parent.parent / "pipelines"
MEND = "python -m local.compile"


def compile_all(folder: Path) -> tuple[dict[Path, bytes], list[str]]:
    """The compiled file of every job file in *folder*, and the problems of those that cannot be compiled."""
    compiled: dict[Path, bytes] = {}
    problems: list[str] = []
    for job_file in sorted(folder.glob("*.yml")):
        try:
            compiled[compiled_path(job_file)] = encode(compile_job(job_file))
        except ConfigurationError as error:
            problems.extend(error.problems)
    return compiled, problems


def main(arguments: Sequence[str] | None = None) -> int:
    """Write or check; 1 when something is stale or cannot be compiled."""
    parser = argparse.ArgumentParser(prog=MEND, description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing; exit 1 when a compiled file is stale")
    parser.add_argument("--folder", type=Path, default=PIPELINES, help="where the job files are")
    options = parser.parse_args(arguments)
    compiled, problems = compile_all(options.folder)
    stale = [path for path, content in compiled.items() if not path.exists() or path.read_bytes() != content]
    sources = {path.stem for path in options.folder.glob("*.yml")}
    orphans = [path for path in sorted((options.folder / "compiled").glob("*.json")) if path.stem not in sources]
    if options.check:
        problems += [f"{_name(path)} is stale or missing: run `{MEND}` and commit it" for path in stale]
        problems += [f"{_name(path)} belongs to no job file: run `{MEND}`" for path in orphans]
    elif not problems:
        for path in stale:
            path.parent.mkdir(exist_ok=True)
            path.write_bytes(compiled[path])
            print(f"compiled {_name(path)}")
        for path in orphans:
            path.unlink()
            print(f"removed {_name(path)}: it belongs to no job file")
    for problem in problems:
        print(problem, file=sys.stderr)
    return 1 if problems else 0


def _name(path: Path) -> str:
    return "/".join(path.parts[-3:])


if __name__ == "__main__":
    sys.exit(main())
