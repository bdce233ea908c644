"""`python -m ops init`: a starting set of reactions for a repository of one's own."""

import os
import shlex
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

import typer

from ops.problems import NOT_ALL, OpsError, usage
from ops.starting_set import PROJECT, Pack, starting_set
from ops.terminal import complain, console, plain, say


def command(
    folder: Annotated[Path, typer.Argument(metavar="FOLDER", help="Where to; made when it is not there.")] = Path(),
    *,
    pack: Annotated[
        list[Pack] | None, typer.Option("--pack", help="Only this pack; may be repeated. Without: all.")
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Overwrite what is there.")] = False,
) -> None:
    """Write a commented starting set: reactions, job files, sample events, and tests that pass right away."""
    packs = [one for one in Pack if pack is None or one in pack]
    try:
        target = folder.resolve()
        if target == PROJECT:
            raise usage(
                "this is the project's own folder, which has reactions, job files and samples",
                "name a folder of your own, such as `python -m ops init ../my-automation`",
            )
        written = _write(starting_set(packs, project=_way(target, PROJECT)), target, force=force)
    except OpsError as error:
        raise complain(error, as_json=False) from None
    out = console()
    for name in written:
        out.print(plain(name), soft_wrap=True)
    way = plain(shlex.quote(_way(PROJECT, target)))
    say(f"Wrote {len(written)} files." if written else "Everything is there already.")
    say(f"Next, in the project's folder:\n  python -m ops validate --folder {way}\n  python -m pytest {way}")


def _way(start: Path, end: Path) -> str:
    """Return the path from one folder to another; where there is none, as between drives, the whole path."""
    try:
        return Path(os.path.relpath(end, start)).as_posix()
    except ValueError:
        return end.as_posix()


def _write(files: Mapping[str, bytes], folder: Path, *, force: bool) -> list[str]:
    """Write what is not there yet as it is; all or nothing, as far as can be known before. Raises OpsError."""
    try:
        changed = {name: content for name, content in files.items() if _content(folder / name) != content}
        taken = [name for name in changed if (folder / name).exists()]
        if taken and not force:
            problem = f"nothing was written, because there is already: {', '.join(taken)}"
            raise OpsError(problem, "name another folder, or say --force to overwrite them", code=NOT_ALL)
        for name, content in changed.items():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_bytes(content)
    except OSError as error:
        remedy = "name a folder that you may write to"
        where = error.filename or folder
        raise OpsError(f"{where} cannot be written ({type(error).__name__})", remedy, code=NOT_ALL) from None
    return list(changed)


def _content(path: Path) -> bytes | None:
    return path.read_bytes() if path.exists() else None
