"""`python -m ops preview`: old reactions from a commit, a file or a folder, what it prints, and what is wrong usage."""

import json
import os
import re
import shutil
import subprocess
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest
import yaml

from ops.backtest import Tellings
from ops.comparison import Change, Comparison, Reason
from ops.preview_markdown import CHARACTERS, MARK, markdown
from ops.preview_rendering import Preview
from shared import job_templates
from shared.yaml_document import Yaml12
from tests.fakes.events import SAMPLES
from tests.fakes.project import ops, project
from tests.fakes.service import WORKSPACE
from tests.markdown import DOCS, ROOT, blocks, pages

# azure-ai-ml 1.35 uses what marshmallow 4 will drop and what Python deprecates; both say so.
pytestmark = [
    pytest.mark.filterwarnings("ignore::marshmallow.warnings.Marshmallow4Warning"),
    pytest.mark.filterwarnings("ignore:datetime.datetime.utcnow:DeprecationWarning"),
]

#: Nothing of the machine's own settings, and no repository but the one in the folder.
GIT = {
    "GIT_CONFIG_GLOBAL": os.devnull,
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_AUTHOR_NAME": "a",
    "GIT_AUTHOR_EMAIL": "a@b.example",
    "GIT_COMMITTER_NAME": "a",
    "GIT_COMMITTER_EMAIL": "a@b.example",
}
HASH = re.compile(r"\([0-9a-f]{10}\)")
CANDIDATES = ('model: "*"', 'model: "*"\n      tags: { stage: candidate }')


def git(folder: Path, *words: str, stdin: str = "") -> None:
    """Run git in a folder."""
    environ = {key: value for key, value in os.environ.items() if not key.startswith("GIT_")}  # noqa: TID251 - as a shell
    subprocess.run(["git", *words], cwd=folder, env={**environ, **GIT}, input=stdin.encode(), check=True, timeout=60)  # noqa: S607 - wherever it is


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Give the shipped project, committed on the branch main, with the sample events."""
    folder = project(tmp_path / "project")
    shutil.copytree(SAMPLES, folder / "samples")
    git(folder, "init", "--quiet", "--initial-branch", "main")
    git(folder, "add", "--all")
    git(folder, "commit", "--quiet", "--message", "x")
    return folder


def edit(file: Path, *pairs: tuple[str, str]) -> None:
    """Replace texts of a file; each is there."""
    text = file.read_text(encoding="utf-8")
    for old, new in pairs:
        assert old in text
        text = text.replace(old, new)
    file.write_text(text, encoding="utf-8")


def transcripts() -> list[Path]:
    """Return the pages that show a preview of the shipped project."""
    return [page for page in pages() if "Against main (" in page.read_text(encoding="utf-8")]


@pytest.mark.parametrize("page", [pytest.param(page, id=page.name) for page in transcripts()])
def test_the_transcript_is_real(page: Path, folder: Path) -> None:
    """The patch of the page, applied to the shipped reactions, gives what the page shows; so does each line of it."""
    found = blocks(page.read_text(encoding="utf-8"))
    (patch,) = (block.text for block in found if block.info == "diff")
    (shown,) = (block.text for block in found if block.text.startswith("Against main ("))
    git(folder, "apply", "-", stdin=patch)
    said = ops("preview", "--against", "main", "--folder", str(folder), COLUMNS="110")
    assert said.code == 0
    assert [line.rstrip() for line in HASH.sub("()", said.out).splitlines()] == HASH.sub("()", shown).splitlines()


def test_there_is_a_transcript() -> None:
    """In the page about pull requests at least."""
    assert DOCS / "pull-requests.md" in transcripts()


def test_a_commit_has_its_own_job_files(folder: Path) -> None:
    """As of that commit; what is not committed counts on the new side only."""
    edit(folder / "pipelines/retrain.yml", ("model_name: churn", "model_name: other"))
    (folder / "pipelines/new.yml").write_text((folder / "pipelines/offline-test.yml").read_text())
    edit(folder / "reactions.yaml", ("pipelines/offline-test.yml", "pipelines/new.yml"))
    said = ops("preview", "--against", "HEAD", "--folder", str(folder), "--json")
    assert said.code == 0
    details = {(one["how"], one["reaction"], *one["details"]) for one in said.document["changes"]}
    assert details == {
        ("changes", "offline-test", "job file: pipelines/offline-test.yml → pipelines/new.yml"),
        ("changes", "retrain", "job file: pipelines/retrain.yml itself was changed"),
    }
    assert said.document["jobs"] == {"before": 4, "after": 4}


def test_what_is_compiled_is_read_too(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As of that commit: nothing has to be compiled for a preview of what is fresh."""

    def refuse(*_args: object) -> None:
        raise AssertionError

    monkeypatch.setattr(job_templates, "_compile", refuse)
    assert ops("preview", "--against", "main", "--folder", str(folder)).code == 0


def test_a_project_below_the_repository(folder: Path) -> None:
    """Paths are those of the project's folder, not of the repository; a sub-folder has all of it."""
    inner = folder / "deep" / "er"
    inner.mkdir(parents=True)
    for name in ("reactions.yaml", "pipelines", "samples"):
        git(folder, "mv", name, str(inner / name))
    git(folder, "commit", "--quiet", "--message", "y")
    edit(inner / "reactions.yaml", CANDIDATES)
    said = ops("preview", "--against", "main", "--folder", str(inner), "--json")
    assert [one["how"] for one in said.document["changes"]] == ["goes"]
    missing = ops("preview", "--against", "main~1", "--folder", str(inner), "--json")
    assert (missing.code, missing.document["problem"]) == (1, "main~1 has no reactions.yaml")


def test_a_file_and_a_folder(folder: Path, tmp_path: Path) -> None:
    """A file is read with the project's job files, a folder with its own."""
    old = tmp_path / "old.yaml"
    shutil.copy(folder / "reactions.yaml", old)
    other = project(tmp_path / "other")
    edit(other / "pipelines/retrain.yml", ("model_name: churn", "model_name: other"))
    edit(folder / "reactions.yaml", CANDIDATES)
    same = (other / "pipelines/offline-test.yml").read_bytes().replace(b"\n", b"\r\n")
    (other / "pipelines/offline-test.yml").write_bytes(same)  # as git may write it on Windows
    for against, changed in ((str(old), {"offline-test"}), (str(other), {"offline-test", "retrain"})):
        said = ops("preview", "--against", against, "--folder", str(folder), "--json")
        assert (said.code, {one["reaction"] for one in said.document["changes"]}) == (0, changed)
        assert "offline-test.yml itself" not in json.dumps(said.document)
        assert said.document["against"] == against


def test_the_workspaces_count_where_they_are_known(folder: Path) -> None:
    """The sample of another workspace is passed over then, as the app does; recipients are the real ones."""
    edit(folder / "reactions.yaml", CANDIDATES)
    words = ("preview", "--against", "main", "--folder", str(folder), "--json")
    assert [one["workspace"] for one in ops(*words).document["changes"]] == ["mlw-somebody-else"]
    known = ops(*words, WORKSPACES=WORKSPACE, OPS_EMAIL="me@contoso.com").document
    assert known["changes"] == []
    assert known["passed"] == ops(*words).document["passed"] + 1


def test_fail_on_change(folder: Path) -> None:
    """1 when a job or mail differs, 0 when only a reason does, or nothing."""
    words = ("preview", "--against", "main", "--folder", str(folder), "--fail-on-change")
    assert ops(*words).code == 0
    edit(folder / "reactions.yaml", CANDIDATES)
    assert ops(*words).code == 1
    assert ops(*words, "--events", str(folder / "samples/model-registered.json")).code == 0


def test_events_of_a_folder_a_file_and_none(folder: Path, tmp_path: Path) -> None:
    """Those below it too; without any it says so, and an event that the app would refuse is no obstacle."""
    words = ("preview", "--against", "main", "--folder", str(folder))
    events = tmp_path / "events"
    (events / "below").mkdir(parents=True)
    assert "no event file" in ops(*words, "--events", str(events)).err
    shutil.copy(SAMPLES / "model-registered.json", events / "below")
    (events / "broken.json").write_text('{"id": "1"}')
    said = ops(*words, "--events", str(events))
    assert said.out.startswith("Against main (")
    assert "1 event, told 1 time: jobs 1 → 1, mails 0 → 0." in said.out
    assert f"warning: {events / 'broken.json'}: the app would keep it as a dead letter" in said.err
    assert "there is no such folder" in ops(*words, "--events", str(tmp_path / "gone")).err
    (events / "broken.json").write_text("reactions")
    assert ops(*words, "--events", str(events)).code == 2


def test_broken_reactions_are_told_on_both_sides(folder: Path) -> None:
    """All their problems, and which side they are on; exit 1."""
    edit(folder / "reactions.yaml", ("on: data-drift", "on: data-drft"))
    git(folder, "commit", "--quiet", "--all", "--message", "broken")
    edit(folder / "reactions.yaml", ("job: pipelines/offline-test.yml", "job: pipelines/gone.yml"))
    said = ops("preview", "--against", "main", "--folder", str(folder), "--json")
    assert said.code == 1
    assert HASH.sub("()", said.document["problem"]) == "main () cannot be used; reactions.yaml cannot be used"
    assert [problem.partition(": ")[0] for problem in said.document["problems"]].count("reactions.yaml:19") == 2
    assert any("gone.yml: there is no such job file" in problem for problem in said.document["problems"])
    edit(folder / "reactions.yaml", ("on: data-drft", "on: data-drift"), ("gone.yml", "offline-test.yml"))
    one_side = ops("preview", "--against", "main", "--folder", str(folder), "--json")
    assert (one_side.code, HASH.sub("()", one_side.document["problem"])) == (1, "main () cannot be used")


@pytest.mark.parametrize(
    ("words", "problem"),
    [
        (("--against", "nonsense"), "no such commit in this clone"),
        (("--against", "--all"), "no such commit in this clone"),
        (("--against", "main:reactions.yaml"), "no such commit in this clone"),
        (("--against", ""), "--against is empty"),
        (("--against", "main", "--markdown", "--json"), "exclude each other"),
        (("--against", "main", "--events", "samples", "--since", "1d"), "exclude each other"),
        (("--against", "main", "--account", "x"), "are for --since"),
        (("--against", "main", "--since", "soon"), "--since is a number"),
        (("--against", "main", "--since", "1d"), "StateStorage__queueServiceUri"),
        ((), "--against"),
    ],
)
def test_wrong_usage_is_2(folder: Path, words: tuple[str, ...], problem: str) -> None:
    """With what would be right."""
    said = ops("preview", *words, "--folder", str(folder), COLUMNS="300")
    assert (said.code, problem in said.err) == (2, True)


def test_without_a_repository(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """And without git."""
    shutil.rmtree(folder / ".git")
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path))
    said = ops("preview", "--against", "main", "--folder", str(folder))
    assert (said.code, "no git repository" in said.err) == (2, True)
    said = ops("preview", "--against", "main", "--folder", str(folder), PATH="")
    assert (said.code, "git is not installed" in said.err) == (2, True)


def test_links_of_a_commit_lead_nowhere(folder: Path) -> None:
    """A job file that is a link out of the commit, or named by a path out of the project, is not read."""
    secret = folder.parent / "secret.yml"
    secret.write_text("type: pipeline\n")
    (folder / "pipelines/retrain.yml").unlink()
    (folder / "pipelines/retrain.yml").symlink_to(secret)
    git(folder, "commit", "--quiet", "--all", "--message", "a link")
    said = ops("preview", "--against", "main", "--folder", str(folder))
    assert (said.code, "links where files should be" in said.err) == (1, True)
    edit(folder / "reactions.yaml", ("pipelines/retrain.yml", "../secret.yml"))
    (folder / "pipelines/retrain.yml").unlink()
    git(folder, "commit", "--quiet", "--all", "--message", "a path")
    git(folder, "checkout", "--quiet", "main~2", "--", "reactions.yaml", "pipelines")
    said = ops("preview", "--against", "main", "--folder", str(folder), "--json")
    (problem,) = said.document["problems"]
    assert "`job` must be a job file's path from the project's folder" in problem


def preview(changes: int, text: str = "churn:7", reasons: int = 0) -> Preview:
    """Return a preview with so many changes and reasons."""
    at = datetime(2026, 11, 24, 9, tzinfo=UTC)
    place: Callable[[], dict[str, str]] = lambda: {"event": text, "family": "f", "workspace": text, "reaction": "r"}  # noqa: E731 - short
    return Preview(
        against=text,
        events=1,
        tellings=Tellings(all=(), refused=(text,) * 9),
        comparison=Comparison(
            changes=tuple(
                Change(**place(), at=at, how="goes", kind="job", what=text, details=(text,) * 9) for _ in range(changes)
            ),
            reasons=tuple(Reason(**place(), at=at, before=text, after=text) for _ in range(reasons)),
            before={"job": changes, "mail": 0},
            after={"job": 0, "mail": 0},
        ),
    )


def test_markdown_is_a_comment(folder: Path) -> None:
    """It begins with the mark by which a pipeline finds it; every cell from outside is code."""
    edit(folder / "reactions.yaml", CANDIDATES)
    said = ops("preview", "--against", "main", "--folder", str(folder), "--markdown")
    assert said.out.startswith(f"{MARK}\n### ")
    assert "| **goes** | `churn:7`<br>`mlw-somebody-else`, 2026-11-24 09:00 | `offline-test` |" in said.out
    same = ops("preview", "--against", "HEAD", "--folder", str(project(folder)), "--markdown")
    assert "No job and no mail comes, goes or changes." in same.out


def test_hostile_text_cannot_leave_its_cell() -> None:
    """No markup, no mention, no cell, no line of its own; an empty text has a cell too."""
    text = markdown(preview(1, "`|@all <script>\n| x | [a](https://x) \u202e", reasons=1))
    rows = [line for line in text.splitlines() if "@all" in line]
    assert rows
    for row in rows:
        bare = re.sub(r"`[^`]*`", "", row)
        assert not set("@<>[]()\u202e`") & set(bare.replace("<br>", ""))
        columns = len(re.findall(r"(?<!\\)\|", row))
        assert columns in {0, 5, 6}
    assert "| - |" in markdown(preview(1, "")).replace("`r` | job - |", "| - |")


def test_a_comment_has_a_limit() -> None:
    """Rows are counted instead of told, and whatever comes a service takes it."""
    text = markdown(preview(80, reasons=80))
    assert text.count("**goes**") == 50
    assert text.count("and 30 more") == 2
    assert "and 3 more" in text
    longest = markdown(preview(200, "x" * 1000, reasons=200))
    assert len(longest) < CHARACTERS + 100
    assert longest.endswith("and more than fits a comment\n")


@pytest.mark.parametrize("name", ["preview.github.yml", "preview.azure-pipelines.yml"])
def test_pipelines_to_copy(name: str) -> None:
    """They are YAML, look for the comment's own mark, and their scripts are scripts."""
    text = (DOCS / "ci" / name).read_text(encoding="utf-8")
    content = yaml.load(text, Loader=Yaml12)  # noqa: S506 - a SafeLoader
    steps = content["jobs"]["preview"]["steps"] if "jobs" in content else content["steps"]
    scripts = [step.get("run") or step.get("script") for step in steps]
    assert [script.partition(" > ")[0] for script in scripts if script and "python -m ops" in script] == [
        ".venv/bin/python -m ops validate",
        ".venv/bin/python -m ops preview --against HEAD^1 --markdown",
    ]
    assert MARK in scripts[-1]
    for script in filter(None, scripts):
        plain = re.sub(r"\$\(([A-Z][A-Za-z]+\.[A-Za-z.]+)\)", "x", script)  # what Azure Pipelines fills in
        subprocess.run(["bash", "-n"], input=plain.encode(), check=True, timeout=60)  # noqa: S607 - wherever it is
        assert "${{" not in script  # filled into a script, a title could be a command


def test_the_token_can_do_no_more_than_comment() -> None:
    """No permission for the whole workflow, and two for the job."""
    content = yaml.load((DOCS / "ci/preview.github.yml").read_text(), Loader=Yaml12)  # noqa: S506 - a SafeLoader
    assert content["permissions"] == {}
    assert content["jobs"]["preview"]["permissions"] == {"contents": "read", "pull-requests": "write"}
    assert "pull_request_target" not in json.dumps(content)
    assert (ROOT / "docs/pull-requests.md").exists()
