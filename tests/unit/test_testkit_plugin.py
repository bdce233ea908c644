"""The test kit in a repository of its own: pytest runs there, and finds this project by its `pythonpath`."""

import inspect
import os
import re
import shutil
import subprocess
import sys
from itertools import pairwise
from pathlib import Path

import pytest

from testkit import events
from testkit.scenario import Scenario
from tests.markdown import DOCS, ROOT, blocks

PAGE = (DOCS / "testing-reactions.md").read_text(encoding="utf-8")
BLOCKS = blocks(PAGE)
FILES = {words[1]: block.text for block in BLOCKS if "." in (words := [*block.info.split(), ""])[1]}


def run(folder: Path, *words: str) -> tuple[int, str]:
    """Run pytest in *folder*, which knows of this project only by its own files; exit code and output."""
    environ = {name: value for name, value in os.environ.items() if not name.startswith(("PYTEST", "PYTHON"))}  # noqa: TID251
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "--color=no", "-q", *words],
        cwd=folder,
        env={**environ, "PYTHONDONTWRITEBYTECODE": "1", "COLUMNS": "200"},
        capture_output=True,
        text=True,
        check=False,
        timeout=100,
    )
    return done.returncode, done.stdout + done.stderr


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """Return the repository of the page's example, with this project inside."""
    folder = tmp_path / "my automation"
    for name, text in FILES.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text, encoding="utf-8")
    shutil.copytree(ROOT / "pipelines", folder / "pipelines")
    (folder / "workspace-reactor").symlink_to(ROOT)
    return folder


def test_the_example_of_the_page_passes(repository: Path) -> None:
    """Every test in it, and with warnings as errors."""
    assert set(FILES) == {"reactions.yaml", "conftest.py", "pytest.ini", "tests/test_reactions.py"}
    count = len(re.findall(r"^def test_", FILES["tests/test_reactions.py"], re.MULTILINE))
    code, told = run(repository, "-W", "error")
    assert (code, f"{count} passed" in told) == (0, True), told


def test_the_project_may_stand_beside_it(repository: Path) -> None:
    """Any folder will do, also one that is not this project's parent."""
    ini = FILES["pytest.ini"].replace("= workspace-reactor", f"= '{os.path.relpath(ROOT, repository)}'")
    (repository / "workspace-reactor").unlink()
    (repository / "pytest.ini").write_text(ini)
    code, told = run(repository)
    assert code == 0, told


def test_a_failure_says_what_was_decided(repository: Path) -> None:
    """As on the page, and shows the test instead of the kit."""
    ((wrong, expected),) = ((block, after) for block, after in pairwise(BLOCKS) if block.info == "python wrong")
    (repository / "tests" / "test_wrong.py").write_text(f"from testkit import events\n\n\n{wrong.text}")
    code, told = run(repository, "tests/test_wrong.py")
    assert code == 1
    assert expected.text in told
    assert "scenario.py" not in told


def test_reactions_that_cannot_be_used(repository: Path) -> None:
    """Fail with every mistake, its line and its remedy, and nothing of the kit's own."""
    broken = FILES["reactions.yaml"].replace("monitor:", "moniter:").replace("to: ops", "to: opps")
    (repository / "reactions.yaml").write_text(broken)
    code, told = run(repository, "-k", "told_twice")
    assert code == 1
    assert "the reactions cannot be used" in told
    assert "reactions.yaml:8: unknown key 'moniter'; did you mean 'monitor'?" in told
    assert "unknown recipient 'opps'; did you mean 'ops'?" in told
    assert "Traceback" not in told
    assert "rules.py" not in told


def test_settings(repository: Path) -> None:
    """The reactions may stand in another folder, under another name; sample events are looked for beside them."""
    elsewhere = repository / "automation"
    elsewhere.mkdir()
    (repository / "reactions.yaml").rename(elsewhere / "rules.yaml")
    (repository / "pipelines").rename(elsewhere / "pipelines")
    shutil.copy(ROOT / "samples" / "monitor-breach.json", elsewhere)
    (repository / "pytest.ini").write_text(
        f"{FILES['pytest.ini']}reactor_folder = automation\nreactor_file = rules.yaml\n"
    )
    (repository / "tests" / "test_file.py").write_text(
        'def test_it(reactor):\n    reactor.when("monitor-breach.json").starts("retrain")\n'
    )
    code, told = run(repository, "--strict-config")
    assert code == 0, told


def test_the_page_tells_every_method_and_builder() -> None:
    """By their names and arguments."""
    methods = {
        name: value for name, value in vars(Scenario).items() if inspect.isfunction(value) and not name.startswith("_")
    }
    builders = {f"events.{name}": getattr(events, name) for name in events.__all__ if name.islower()}
    told = {found[1]: found[2] for found in re.finditer(r"^\| `([a-z_.]+)\((.*?)\)` \|", PAGE, re.MULTILINE)}
    assert told.keys() == methods.keys() | builders.keys()
    for name, function in methods.items():
        options = [one for one, how in inspect.signature(function).parameters.items() if how.kind is how.KEYWORD_ONLY]
        assert re.findall(r"(\w+)=", told[name]) == options, name
    for builders_of in events.BUILDERS.values():
        for build in builders_of:
            assert re.findall(r"(\w+)=", told[f"events.{build.__name__}"]) == list(inspect.signature(build).parameters)
