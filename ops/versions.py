"""Reactions to compare: as they are in a folder now, in another file or folder, or as of a commit."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from ops.git import at_commit
from ops.problems import usage
from ops.rules import rules_or_complaint
from shared.reactions import Reactions
from shared.reactions.recipients import Addresses

SHORT = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Version:
    """Reactions, the digests of the job files they name, and *name*: what to call them."""

    name: str
    reactions: Reactions
    digests: Mapping[str, str]

    def changed_jobs(self, other: "Version") -> frozenset[str]:
        """Return the job files that both name, and whose text differs."""
        both = self.digests.keys() & other.digests.keys()
        return frozenset(job for job in both if self.digests[job] != other.digests[job])


def version_of(folder: Path, file: str, *, addresses: Addresses | None, name: str = "") -> Version:
    """Read a version from a folder. Raises OpsError with every problem."""
    reactions = rules_or_complaint(folder, file, addresses=addresses, name=name)
    jobs = sorted({rule.run.job for rule in reactions.rules if rule.run})
    return Version(name=name or file, reactions=reactions, digests={job: _digest(folder / job) for job in jobs})


def version_against(what: str, folder: Path, file: str, *, addresses: Addresses | None) -> Version:
    """Read the version that *what* names.

    A file is read with the job files of *folder*, another project's folder with its own, and anything else is a
    commit of *folder*'s repository. Raises OpsError.
    """
    if not what.strip():
        raise usage("--against is empty", "name a commit, a file or a folder; is a variable not set?")
    if Path(what).is_file():
        path = Path(what).resolve()
        return version_of(folder, str(path), addresses=addresses, name=what)
    if (Path(what) / file).is_file():
        return version_of(Path(what), file, addresses=addresses, name=what)
    with at_commit(what, folder, file) as (there, commit):
        return version_of(there, file, addresses=addresses, name=f"{what} ({commit[:SHORT]})")


def _digest(job_file: Path) -> str:
    """Digest the text; line ends, which git may write in either way, do not count."""
    return hashlib.sha256(job_file.read_bytes().replace(b"\r\n", b"\n")).hexdigest()
