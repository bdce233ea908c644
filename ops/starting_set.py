"""The files of a starting set: the packs' reactions in one file, their job files, sample events and tests."""

import re
import shlex
from collections.abc import Iterable, Iterator, Mapping
from enum import StrEnum
from pathlib import Path
from urllib.parse import quote

from ops.rules import REACTIONS_FILE
from shared.job_templates import compiled_path

PROJECT = Path(__file__).resolve().parents[1]
PACKS = Path(__file__).with_name("packs")

FORM = re.compile(r"(?:#.*\n)*recipients:\n(?P<recipients>(?: .*\n)+)\nreactions:\n(?P<reactions>(?s:.+))")
JOB = re.compile(r"^ +job: (\S+)$", re.MULTILINE)

HEAD = """\
# yaml-language-server: $schema={project}/docs/reactions.schema.json
# What this workspace does by itself. Reviewed in git and deployed with the code: an event must meet every condition
# under `when`, and then the job starts, the mail goes, or both. docs/reactions.md of Workspace Reactor tells all
# there is. Try a change with `python -m pytest`; the tests are yours as well.
"""
CONFTEST = '''\
"""What all tests share: `reactor`, to try this repository's reactions with; see tests/."""

pytest_plugins = ["testkit"]
'''
PYTEST = """\
[pytest]
testpaths = tests
# The checkout of Workspace Reactor, from this folder. Its Python environment runs these tests.
pythonpath = {project}
"""


class Pack(StrEnum):
    """The packs, by the names of their folders."""

    MISSION = "mission"
    DRIFT_BY_SIGNAL = "drift-by-signal"
    CRITICAL_PIPELINES = "critical-pipelines"


def starting_set(packs: Iterable[Pack], *, project: str) -> Mapping[str, bytes]:
    """Return the files by their path; *project* is where the new folder finds the checkout of this project."""
    folders = [PACKS / pack for pack in packs]
    rules = composed([(folder / REACTIONS_FILE).read_text(encoding="utf-8") for folder in folders])
    reactions = HEAD.format(project=quote(project)) + rules
    files = {
        REACTIONS_FILE: reactions.encode(),
        "conftest.py": CONFTEST.encode(),
        "pytest.ini": PYTEST.format(project=shlex.quote(project)).encode(),
        **dict(_job_files(dict.fromkeys(JOB.findall(reactions)))),
    }
    for folder in folders:
        for path in sorted([*folder.glob("samples/*.json"), *folder.glob("tests/*.py")]):
            files[path.relative_to(folder).as_posix()] = path.read_bytes()
    return files


def composed(texts: Iterable[str]) -> str:
    """Return several files of reactions as one, with their comments: what two of them say alike is said once."""
    recipients: dict[str, str] = {}
    reactions: dict[str, None] = {}
    for text in texts:
        found = FORM.fullmatch(text)
        if found is None:
            raise ValueError(f"a pack's {REACTIONS_FILE} is comments, `recipients`, an empty line, `reactions`")
        recipients |= {line.partition(":")[0]: line for line in found["recipients"].splitlines()}
        reactions |= dict.fromkeys(found["reactions"].strip("\n").split("\n\n"))
    told, rules = "\n".join(recipients.values()), "\n\n".join(reactions)
    return f"recipients:\n{told}\n\nreactions:\n{rules}\n"


def _job_files(jobs: Iterable[str]) -> Iterator[tuple[str, bytes]]:
    """Yield the job files of the project that reactions name, and what they are compiled to."""
    for job in jobs:
        for path in (PROJECT / job, compiled_path(PROJECT / job)):
            yield path.relative_to(PROJECT).as_posix(), path.read_bytes()
