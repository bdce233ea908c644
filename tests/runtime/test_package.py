"""What is deployed: the tracked files that .funcignore leaves, and the packages of requirements.txt."""

import re
import shutil
import subprocess
import tomllib
from pathlib import Path

import pytest

from local.locks import ROOT, problems
from local.twin import Twin

pytestmark = pytest.mark.xdist_group("package")


def git_files(*options: str) -> set[str]:
    """Return what git lists, tracked and new files."""
    command = ["git", "-c", "safe.directory=*", "ls-files", "--cached", "--others", "-z", *options]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True, timeout=60)
    return set(filter(None, done.stdout.split("\0")))


def deployed() -> set[str]:
    """Return the files of a deployment."""
    known = git_files("--exclude-standard")
    return {name for name in known - git_files("--ignored", "--exclude-from=.funcignore") if (ROOT / name).exists()}


def test_what_is_deployed() -> None:
    """The app, its rules and its compiled job files; nothing of the twin, the tests, the docs."""
    top = {name.partition("/")[0] for name in deployed()}
    assert top == {
        "function_app.py",
        "host.json",
        "requirements.txt",
        "reactions.yaml",
        "handlers",
        "shared",
        "pipelines",
    }
    kinds = {Path(name).suffix for name in deployed()}
    assert kinds == {".py", ".json", ".txt", ".yaml", ".yml", ".html"}


def test_the_deployed_files_are_enough(tmp_path: Path) -> None:
    """The app runs from a copy of just those files: a model is tested, a failure is mailed."""
    for name in deployed():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, tmp_path / name)
    with Twin(app=tmp_path) as twin:
        twin.workspace.register_model("churn", "7")
        twin.workspace.run_pipeline("churn-training", "train-1", steps=1, fails_at=1)
        twin.quiet()
        assert [entry.status for entry in twin.azure.journal.jobs_put()] == [201]
        assert len(twin.azure.mailbox.mails) == 1
        assert twin.dead_letters() == {}


def test_what_azure_installs() -> None:
    """requirements.txt holds the runtime dependencies and what they need, and no tool of development."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    pinned = set(re.findall(r"^([a-z0-9._-]+)==", (ROOT / "requirements.txt").read_text(), re.MULTILINE))
    wanted = {re.split(r"[<>=]", name)[0] for name in project["project"]["dependencies"]}
    tools = {re.split(r"[<>=]", name)[0] for name in project["dependency-groups"]["dev"]}
    assert wanted <= pinned
    # these come with azure-ai-ml, azure-functions and msal as well
    assert tools & pinned <= {"cryptography", "jsonschema", "werkzeug"}


def test_the_locks_are_fresh() -> None:
    """Compiled from pyproject.toml as it is, hashed, and without registry addresses."""
    assert problems() == []


def test_both_locks_agree() -> None:
    """What the tests ran is what production runs."""
    pins = [
        dict(re.findall(r"^([a-z0-9._-]+)==([^\s;]+)", (ROOT / name).read_text(), re.MULTILINE))
        for name in ("requirements.txt", "requirements-dev.txt")
    ]
    assert {name: version for name, version in pins[0].items() if pins[1].get(name) != version} == {}
