"""When a template is compiled, when it is not, and the command that does it beforehand."""

import json
import logging
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from typer.testing import CliRunner

from ops.__main__ import app
from shared.errors import ConfigurationError
from shared.job_templates import compiled_path, encode, load_template
from shared.job_templates.rehearsal import compile_job

# azure-ai-ml 1.35 uses what marshmallow 4 will drop and what Python deprecates; both say so.
pytestmark = [
    pytest.mark.filterwarnings("ignore::marshmallow.warnings.Marshmallow4Warning"),
    pytest.mark.filterwarnings("ignore:datetime.datetime.utcnow:DeprecationWarning"),
]

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def job_file(tmp_path: Path) -> Path:
    """A job file without a compiled template."""
    path = tmp_path / "job.yml"
    path.write_text("type: pipeline\njobs: {a: {component: 'azureml:a:1'}}\n")
    return path


def compiled_in_process(caplog: pytest.LogCaptureFixture) -> int:
    """How often a warning told of it."""
    return sum(
        "job_file.compiled_in_process" in record.getMessage() and record.levelno == logging.WARNING
        for record in caplog.records
    )


def test_a_missing_template_is_compiled_once(job_file: Path, caplog: pytest.LogCaptureFixture) -> None:
    """Sixteen threads at once: one rehearsal, one warning, one template."""
    with ThreadPoolExecutor(16) as pool:
        templates = list(pool.map(lambda _: load_template(job_file), range(16)))
    assert templates == [compile_job(job_file)] * 16
    assert compiled_in_process(caplog) == 1


def test_a_stale_template_is_compiled_again(job_file: Path, caplog: pytest.LogCaptureFixture) -> None:
    """The hash decides: the compiled file is of another text, or unreadable."""
    compiled_path(job_file).parent.mkdir()
    compiled_path(job_file).write_bytes(encode(compile_job(job_file)))
    load_template(job_file)
    assert compiled_in_process(caplog) == 0
    job_file.write_text(job_file.read_text().replace("azureml:a:1", "azureml:a:2"))
    assert load_template(job_file).body["properties"]["jobs"]["a"]["componentId"].endswith("/versions/2")
    assert compiled_in_process(caplog) == 1
    job_file.write_text(job_file.read_text().replace("azureml:a:2", "azureml:a:3"))
    compiled_path(job_file).write_bytes(b'{"torn')
    assert load_template(job_file).body["properties"]["jobs"]["a"]["componentId"].endswith("/versions/3")


def test_a_broken_file_is_compiled_once(job_file: Path, caplog: pytest.LogCaptureFixture) -> None:
    """Every event asks again; the answer is kept until the file changes."""
    job_file.write_text("type: pipeline\nfoo: 1\njobs: {a: {component: 'azureml:a:1'}}\n")
    for _ in range(3):
        with pytest.raises(ConfigurationError, match="foo"):
            load_template(job_file)
    assert compiled_in_process(caplog) == 1


@pytest.mark.parametrize(("fresh", "imported"), [(True, "False"), (False, "True")])
def test_azure_ai_ml_is_imported_only_when_it_must_be(job_file: Path, fresh: bool, imported: str) -> None:  # noqa: FBT001 - a table
    """A fresh template spares a second and 60 MB; a stale one needs them."""
    if fresh:
        compiled_path(job_file).parent.mkdir()
        compiled_path(job_file).write_bytes(encode(compile_job(job_file)))
    program = (
        "import pathlib, sys; sys.path.insert(0, sys.argv[1]); import shared.gateways.jobs\n"
        "from shared.job_templates import load_template\n"
        "load_template(pathlib.Path(sys.argv[2])); print('azure.ai.ml' in sys.modules)"
    )
    ended = subprocess.run(
        [sys.executable, "-c", program, str(ROOT), str(job_file)],
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    assert ended.stdout.strip() == imported


def compiling(folder: Path, *words: str) -> tuple[int, str]:
    """Run `python -m ops compile`; exit code and what it said."""
    result = CliRunner().invoke(app, ["compile", "--folder", str(folder), *words])
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return result.exit_code, result.stderr


@pytest.fixture
def project(job_file: Path) -> Path:
    """A project of one job file in `pipelines`, and one elsewhere that its reactions name."""
    project = job_file.parent / "project"
    for name in ("pipelines/job.yml", "jobs/other.yml"):
        path = project / name
        path.parent.mkdir(parents=True)
        path.write_text(job_file.read_text())
    (project / "reactions.yaml").write_text("reactions: [{ run: { job: jobs/other.yml } }, { run: { job: gone.yml } }]")
    return project


def test_the_committed_templates_are_fresh() -> None:
    """`python -m ops compile --check` passes on what is committed."""
    assert compiling(ROOT, "--check") == (0, "")


def test_check_names_the_stale_file_and_the_remedy(project: Path) -> None:
    """Missing, stale and left over are each told; compiling mends all three."""
    job_file = project / "pipelines" / "job.yml"
    gone = compiled_path(job_file).with_name("gone.json")
    gone.parent.mkdir()
    gone.write_text("{}")
    code, told = compiling(project, "--check")
    assert code == 1
    for name in ("pipelines/compiled/job.json", "jobs/compiled/other.json"):
        assert f"{name} is stale or missing: run `python -m ops compile` and commit it" in told
    assert "compiled/gone.json belongs to no job file" in told
    assert not compiled_path(job_file).exists()
    assert compiling(project)[0] == 0
    assert not gone.exists()
    assert compiling(project, "--check") == (0, "")
    job_file.write_text(f"# a comment is enough: the hash is of the bytes\n{job_file.read_text()}")
    assert compiling(project, "--check")[0] == 1
    assert json.loads(compiled_path(job_file).read_text())["inputs"] == []


def test_a_file_that_cannot_be_compiled_fails_both_ways(project: Path) -> None:
    """The problem is told, and nothing is written, not even for the files that are well."""
    job_file = project / "pipelines" / "job.yml"
    job_file.write_text("type: pipeline\njobs: {a: {component: 'azureml:a@latest'}}\n")
    for words in ((), ("--check",)):
        code, told = compiling(project, *words)
        assert code == 1
        assert "job.yml:2: a label such as @latest" in told
    assert list(project.rglob("*.json")) == []


def test_a_folder_that_is_not_there_is_2() -> None:
    """Wrong usage, as of every command."""
    code, told = compiling(Path("nowhere"))
    assert code == 2
    assert "does not exist" in told
