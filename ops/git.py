"""A project's files as of a commit, in a folder of their own."""

import io
import subprocess
import tarfile
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath

from ops.problems import NOT_ALL, OpsError, usage
from ops.rules import jobs_named
from shared.job_templates import compiled_path

SECONDS = 120
FETCH = "name a branch, tag or commit that is there (`git fetch origin main`; in a pipeline: a full clone), or a file"


@contextmanager
def at_commit(ref: str, folder: Path, file: str) -> Iterator[tuple[Path, str]]:
    """Give a folder with the reactions *file*, its job files and what was compiled of them as of *ref*, and the commit.

    Raises OpsError.
    """
    commit = _git(folder, "rev-parse", "--verify", "--quiet", "--end-of-options", f"{ref}^{{commit}}").decode().strip()
    if not commit:
        _git(folder, "rev-parse", "--git-dir", needed="it is no git repository, and no file has that name")
        raise usage(f"--against {ref}: there is no such file, and no such commit in this clone", FETCH)
    with tempfile.TemporaryDirectory(prefix="reactor-") as name:
        there = Path(name)
        if not _extract(folder, commit, [PurePosixPath(file)], there):
            raise OpsError(f"{ref} has no {file}", "name the file with --file, or another commit", code=NOT_ALL)
        jobs = [PurePosixPath(job) for job in sorted(jobs_named(there / file)) if _inside(job)]
        _extract(folder, commit, [*jobs, *(PurePosixPath(compiled_path(Path(job))) for job in jobs)], there)
        yield there, commit


def _inside(job: str) -> bool:
    path = PurePosixPath(job)
    return not path.is_absolute() and ".." not in path.parts


def _extract(folder: Path, commit: str, paths: list[PurePosixPath], into: Path) -> bool:
    """Write those of *paths* that the commit has; tell whether there are any."""
    names = [str(path) for path in paths]
    listed = _git(folder, "ls-tree", "-z", "--name-only", commit, "--", *names) if names else b""
    if not listed:
        return False
    found = listed.decode().rstrip("\0").split("\0")
    archive = _git(folder, "archive", "--format=tar", commit, "--", *found, needed="its files cannot be read")
    try:
        with tarfile.open(fileobj=io.BytesIO(archive)) as tar:
            tar.extractall(into, filter="data")
    except tarfile.TarError:
        raise OpsError(f"{commit} has links where files should be", "name another one", code=NOT_ALL) from None
    return True


def _git(folder: Path, *words: str, needed: str = "") -> bytes:
    """Return what git says; with *needed*, raise OpsError when it fails, else return nothing."""
    command = ["git", "-C", str(folder), "--literal-pathspecs", *words]
    try:
        done = subprocess.run(command, capture_output=True, timeout=SECONDS, check=False)  # noqa: S603 - no shell
    except FileNotFoundError:
        raise usage("git is not installed", "install it, or name a file instead of a commit") from None
    except subprocess.TimeoutExpired:
        raise OpsError(f"git took longer than {SECONDS} s", "try again, or name a file", code=NOT_ALL) from None
    if done.returncode and needed:
        first = done.stderr.decode(errors="backslashreplace").strip().partition("\n")[0]
        raise usage(f"git: {needed} ({first})", FETCH)
    return b"" if done.returncode else done.stdout
