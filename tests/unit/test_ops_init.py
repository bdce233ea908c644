"""`python -m ops init`: what it writes works right away, and nothing is overwritten unasked."""

import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner

from local.samples import SAMPLES
from ops.__main__ import app
from ops.rules import read_rules
from ops.starting_set import PACKS, Pack, composed, starting_set
from tests.fakes.service import START
from tests.markdown import DOCS, ROOT, code, section, table

RUNNER = CliRunner()
#: What init is asked for: nothing (all packs), and each pack alone.
CHOICES: list[tuple[Pack, ...]] = [(), *((pack,) for pack in Pack)]


def init(*words: str) -> tuple[int, str, str]:
    """Run the command; exit code, stdout, stderr."""
    result = RUNNER.invoke(app, ["init", *words])
    assert result.exception is None or isinstance(result.exception, SystemExit)
    return result.exit_code, result.stdout, result.stderr


def options(packs: tuple[Pack, ...]) -> Iterator[str]:
    """Return the words that choose packs."""
    for pack in packs:
        yield from ("--pack", pack)


def content(folder: Path) -> dict[str, bytes]:
    """Return every file of a folder by its path."""
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.parametrize("packs", CHOICES, ids=lambda packs: "+".join(packs) or "all")
def test_what_is_written_works(tmp_path: Path, packs: tuple[Pack, ...]) -> None:
    """The reactions can be used, every job file is compiled as it stands, and the tests pass: of each pack, of all."""
    folder = tmp_path / "my automation"
    code, told, said = init(str(folder), *options(packs))
    assert code == 0, said
    assert set(told.splitlines()) == set(content(folder))
    checked = RUNNER.invoke(app, ["validate", "--folder", str(folder)])
    assert checked.exit_code == 0, checked.stderr
    (command,) = (line for line in said.splitlines() if " -m pytest " in line)
    environ = {name: value for name, value in os.environ.items() if not name.startswith(("PYTEST", "PYTHON"))}  # noqa: TID251
    words = [sys.executable, *shlex.split(command)[1:], "-q", "-p", "no:cacheprovider", "-W", "error"]
    done = subprocess.run(words, cwd=ROOT, env=environ, capture_output=True, text=True, check=False, timeout=100)
    assert done.returncode == 0, done.stdout


def test_all_packs_are_there() -> None:
    """One folder for each word after --pack, with reactions, sample events and tests of its own."""
    assert {path.name for path in PACKS.iterdir()} == set(Pack)
    for pack in Pack:
        files = content(PACKS / pack)
        assert {Path(name).parts[0] for name in files} - {"tests"} == {"reactions.yaml", "samples"}
        assert f"tests/test_{pack.replace('-', '_')}.py" in files


def test_sample_events_are_those_of_the_project() -> None:
    """A file of the same name is the same; every other one is used by its pack's tests, and so is every one."""
    for pack in Pack:
        (tests,) = (PACKS / pack / "tests").glob("*.py")
        for path in (PACKS / pack / "samples").iterdir():
            assert f"samples/{path.name}" in tests.read_text(encoding="utf-8")
            known = SAMPLES / path.name
            assert not known.exists() or known.read_bytes() == path.read_bytes(), path.name


def test_the_mission_is_what_is_shipped() -> None:
    """The pack of the mission has the reactions of the project's own file: same names, families, jobs, mails."""
    shipped, pack = read_rules(ROOT).rules, read_rules(ROOT, file=str(PACKS / Pack.MISSION / "reactions.yaml")).rules
    assert [(rule.name, rule.on, rule.run, rule.mail, rule.guards) for rule in pack] == [
        (rule.name, rule.on, rule.run, rule.mail, rule.guards) for rule in shipped
    ]


def test_what_packs_share_is_written_once() -> None:
    """All rules of all packs, in their order, each once; and every comment."""
    texts = [(PACKS / pack / "reactions.yaml").read_text(encoding="utf-8") for pack in Pack]
    together = composed(texts)
    names = [re.findall(r"^  - name: (.+)$", text, re.MULTILINE) for text in (*texts, together)]
    assert names[-1] == list(dict.fromkeys(name for one in names[:-1] for name in one))
    assert {line for text in texts for line in text.splitlines() if line.startswith(" ")} <= set(together.splitlines())


def test_a_pack_that_cannot_be_composed() -> None:
    """Is told to who wrote it."""
    with pytest.raises(ValueError, match=r"a pack's reactions\.yaml is"):
        composed(["reactions: []\n"])


def test_the_project_may_be_anywhere() -> None:
    """Also where the way to it has spaces: pytest and the editor's schema are told so that they understand."""
    files = starting_set([Pack.MISSION], project="../a b")
    assert "pythonpath = '../a b'\n" in files["pytest.ini"].decode()
    first = files["reactions.yaml"].decode().splitlines()[0]
    assert first == "# yaml-language-server: $schema=../a%20b/docs/reactions.schema.json"


def test_nothing_is_overwritten_unasked(tmp_path: Path) -> None:
    """A file that is there and differs: nothing at all is written, and the file is named."""
    (tmp_path / "tests").mkdir()
    (tmp_path / "tests" / "test_mission.py").write_text("mine")
    before = content(tmp_path)
    code, told, said = init(str(tmp_path))
    assert (code, told, content(tmp_path)) == (1, "", before)
    assert "nothing was written, because there is already: tests/test_mission.py" in said
    assert "--force" in said
    code, told, _ = init(str(tmp_path), "--force")
    assert code == 0
    assert content(tmp_path) == dict(starting_set(list(Pack), project=os.path.relpath(ROOT, tmp_path)))


def test_again_is_no_trouble(tmp_path: Path) -> None:
    """What is there as it would be written stays, untouched."""
    init(str(tmp_path))
    for path in tmp_path.rglob("*"):
        os.utime(path, (START.timestamp(), START.timestamp()))
    code, told, said = init(str(tmp_path))
    assert (code, told) == (0, "")
    assert "Everything is there already." in said
    assert {path.stat().st_mtime for path in tmp_path.rglob("*")} == {START.timestamp()}


def test_only_what_is_missing_is_written(tmp_path: Path) -> None:
    """And told."""
    init(str(tmp_path))
    (tmp_path / "pytest.ini").unlink()
    assert init(str(tmp_path))[:2] == (0, "pytest.ini\n")


def test_where_it_is_not_for(tmp_path: Path) -> None:
    """The project's own folder, a file, a folder under a file, a pack that there is not: the remedy, and no change."""
    file = tmp_path / "file"
    file.write_text("")
    for words, number, problem in (
        ((str(ROOT),), 2, "the project's own folder"),
        ((str(file),), 1, "name a folder that you may write to"),
        ((str(file / "folder"), "--force"), 1, "name a folder that you may write to"),
        ((str(tmp_path), "--pack", "missing"), 2, "'mission'"),
    ):
        code, told, said = init(*words)
        assert (code, told) == (number, ""), words
        assert problem in said
    assert content(tmp_path) == {"file": b""}


def test_it_goes_to_where_one_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a folder; the next commands name it as the project sees it."""
    monkeypatch.chdir(tmp_path)
    code, _, said = init("--pack", "mission")
    assert code == 0
    assert (tmp_path / "reactions.yaml").exists()
    assert f"--folder {os.path.relpath(tmp_path, ROOT)}" in said


def test_the_page_tells_the_packs() -> None:
    """docs/ops.md names each."""
    page = (DOCS / "ops.md").read_text(encoding="utf-8")
    assert [code(name) for name, _ in table(section(page, "init"), "`--pack`")] == [[pack] for pack in Pack]
