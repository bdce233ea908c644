"""What only a rehearsal shows of a job file: azure-ai-ml's own verdict, and requests beyond the one PUT."""

from pathlib import Path

import pytest

from shared.errors import ConfigurationError
from shared.job_templates import SENTINEL_NAME
from shared.job_templates.rehearsal import compile_job

# azure-ai-ml 1.35 uses what marshmallow 4 will drop and what Python deprecates; both say so.
pytestmark = [
    pytest.mark.filterwarnings("ignore::marshmallow.warnings.Marshmallow4Warning"),
    pytest.mark.filterwarnings("ignore:datetime.datetime.utcnow:DeprecationWarning"),
]

PIPELINE = "type: pipeline\njobs: {a: {component: 'azureml:a:1'}}\n"


def test_no_folder_is_read(tmp_path: Path) -> None:
    """A component file that lies beside the job file does not get in, nor is the folder named in the template."""
    (tmp_path / "train.yml").write_text("type: command\nname: a\nversion: 1\ncommand: x\nenvironment: azureml:e:1\n")
    path = tmp_path / "job.yml"
    path.write_text("type: pipeline\njobs: {a: {component: ./train.yml}}\n")
    with pytest.raises(ConfigurationError, match="file of this folder; register the component"):
        compile_job(path)


def test_no_folder_is_read_even_where_the_text_hides_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The rehearsal itself finds nothing beside the file: it would ask for the component if it did."""
    monkeypatch.setattr("shared.job_templates.file_rules._tied", lambda *_: ())
    monkeypatch.chdir(tmp_path)
    (tmp_path / "train.yml").write_text("type: command\nname: a\nversion: 1\ncommand: x\nenvironment: azureml:e:1\n")
    path = tmp_path / "job.yml"
    path.write_text("type: pipeline\njobs: {a: {component: ./train.yml}}\n")
    with pytest.raises(ConfigurationError, match="azure-ai-ml does not accept it"):
        compile_job(path)


#: Found by azure-ai-ml, not in the text: what it says, with the line.
REFUSED_BY_AZURE_AI_ML = {
    "unknown key": (f"{PIPELINE}foo: 1\n", "job.yml:3: .*foo: Unknown field"),
    "a number as tag": (f"{PIPELINE}tags:\n  n: 1\n", "job.yml:4: .*tags.n: Not a valid string"),
    "no environment": ("command: echo\n", "job.yml:1: .*environment: Missing data"),
    "unknown mode": (
        f"{PIPELINE}inputs:\n  d: {{type: uri_folder, path: 'azureml:d:1', mode: teleport}}\n",
        "job.yml:4: .*inputs.d: not as it should be",
    ),
}


@pytest.mark.parametrize("case", REFUSED_BY_AZURE_AI_ML)
def test_what_azure_ai_ml_refuses_is_told_by_line(case: str, tmp_path: Path) -> None:
    """Its own verdict, without its page of advice."""
    text, problem = REFUSED_BY_AZURE_AI_ML[case]
    path = tmp_path / "job.yml"
    path.write_text(text)
    with pytest.raises(ConfigurationError, match=problem) as refused:
        compile_job(path)
    assert all(len(each) < 300 and "\n" not in each for each in refused.value.problems)


def test_a_look_up_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Were a label not seen in the text, the look-up would give it away."""
    monkeypatch.setattr("shared.job_templates.file_rules._tied", lambda *_: ())
    path = tmp_path / "job.yml"
    for reference, kind, remedy in (
        ("component: azureml:a@latest", "components", "register the component"),
        ("command: x, environment: 'azureml:e:1'", "components", "register the component"),
        ("component: 'azureml:a:1', inputs: {d: {path: 'azureml:d@latest'}}", "data", "write the version"),
    ):
        path.write_text(f"type: pipeline\njobs:\n  a: {{{reference}}}\n")
        with pytest.raises(ConfigurationError, match=f"more than one request .*'{kind}'.*{remedy}"):
            compile_job(path)


def test_a_sentinel_inside_a_text_is_refused(tmp_path: Path) -> None:
    """It could not be replaced, and would be sent."""
    path = tmp_path / "job.yml"
    path.write_text(f"type: pipeline\ndescription: like {SENTINEL_NAME}\njobs: {{a: {{component: 'azureml:a:1'}}}}\n")
    with pytest.raises(ConfigurationError, match="into a text"):
        compile_job(path)
