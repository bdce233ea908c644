"""What is refused in the text of a job file, with file, line and remedy: pure, without azure-ai-ml."""

from pathlib import Path

import pytest

from shared.errors import ConfigurationError
from shared.job_templates import files, load_template

WORKSPACE = "/subscriptions/s/resourceGroups/rg/providers/Microsoft.MachineLearningServices/workspaces/ws"
PIPELINE = "type: pipeline\njobs:\n  a:\n    "
INPUTS = f"{PIPELINE}component: azureml:a:1\ninputs:\n  "
REFUSED = {
    "local code": ("command: x\nenvironment: azureml:e:1\ncode: ./src\n", "3: local code .*register the component"),
    "code from git": ("command: x\nenvironment: azureml:e:1\ncode: git+https://example.com/a\n", "3: local code"),
    "code by short name": ("command: x\nenvironment: azureml:e:1\ncode: azureml:c:1\n", "3: local code"),
    "label of a component": (f"{PIPELINE}component: azureml:a@latest\n", "4: a label .*azureml:<name>:<version>"),
    "label of an environment": ("command: x\nenvironment: azureml:e@latest\n", "2: a label"),
    "label of data": (f"{INPUTS}d: {{type: uri_folder, path: 'azureml:d@latest'}}\n", "6: a label"),
    "label in an id": (f"{PIPELINE}component: azureml:{WORKSPACE}/components/a/labels/default\n", "4: a label"),
    "no version": (f"{PIPELINE}component: azureml:a\n", "4: the version is missing"),
    "short top-level component": ("type: pipeline\ncomponent: azureml:a:3\n", "2: .*write the full id"),
    "label of a top-level component": ("type: pipeline\ncomponent: azureml:a@latest\n", "2: a label"),
    "top-level component file": ("type: pipeline\ncomponent: ./a.yml\n", "2: .*write the full id"),
    "component file": (f"{PIPELINE}component: ./a.yml\n", "4: the component is a file .*register"),
    "component by file:": (f"{PIPELINE}component: file:./a.yml\n", "4: the component is a file"),
    "inline component": (f"{PIPELINE}component: {{command: x, code: ./src}}\n", "4: the component is written inline"),
    "inline component's code": (f"{PIPELINE}component: {{command: x, code: ./src}}\n", "4: local code"),
    "a step named tags": ("type: pipeline\njobs: {tags: {component: ./a.yml}}\n", "2: the component is a file"),
    "inline step": (f"{PIPELINE}command: x\n", "3: the step is written inline"),
    "inline trial": (f"{PIPELINE}type: sweep\n    trial: {{command: x}}\n", "5: the component is written inline"),
    "inline environment": ("command: x\nenvironment: {image: python}\n", "2: the environment is written inline"),
    "environment file": ("command: x\nenvironment: file:./e.yml\n", "2: the environment is a file"),
    "local data": (f"{INPUTS}d: {{type: uri_folder, path: ./data}}\n", "6: the path is one of this folder"),
    "absolute data": (f"{INPUTS}d: {{type: uri_folder, path: /data}}\n", "6: the path is one of this folder"),
    "data of a step": (f"{PIPELINE}component: azureml:a:1\n    inputs: {{d: {{path: data}}}}\n", "5: the path is one"),
    "local compute": ("command: x\nenvironment: azureml:e:1\ncompute: local\n", "3: compute: local"),
    "null input": (f"{INPUTS}n:\n", "6: input n has no value"),
    "date": (f"{INPUTS}n: 2026-01-31\n", "6: input n is no text, number or boolean; put it in quotes"),
    "list": (f"{INPUTS}n: [1]\n", "6: input n is no text"),
    "declared literal": (f"{INPUTS}n: {{type: string, default: a}}\n", "6: input n is declared as in a component"),
    "optional": (f"{INPUTS}n: {{type: mlflow_model, optional: true}}\n", "6: input n is declared as in a component"),
    "triton": (f"{INPUTS}n: {{type: triton_model, path: 'azureml:n:1'}}\n", "6: .* takes it for data"),
    "a step that is no mapping": ("type: pipeline\njobs:\n  a: 1\n", "3: a step is a mapping"),
    "a list of steps": ("type: pipeline\njobs: [1]\n", "1: `jobs` maps the name"),
    "an anchor's label": (
        "type: pipeline\njobs:\n  a: &a {component: 'azureml:a@latest'}\n  b:\n    <<: *a\n", "3: a label"),
    "an anchor that contains itself": ("type: pipeline\njobs: &a\n  x: *a\n", " nested too deeply"),
    "no steps": ("type: pipeline\n", "1: a pipeline needs steps"),
    "an environment": ("name: e\nimage: python\n", "1: not a job: it has neither"),
    "mistyped": ("type: pipelin\n", "1: not a job: .*did you mean 'pipeline'"),
    "a schedule": ("type: schedule\n", "1: not a job: .*known: pipeline, command"),
    "a list of jobs": ("- type: pipeline\n", " not a job"),
    "empty": ("", " not a job"),
    "broken": ("type: pipeline\njobs: {a: [\n", "3: not YAML"),
    "two documents": ("type: pipeline\n---\ntype: pipeline\n", "2: not YAML"),
    "a tag": ("type: pipeline\nx: !!python/object:os.system {}\n", "2: not YAML"),
}  # fmt: skip


@pytest.mark.parametrize("case", REFUSED)
def test_what_works_only_from_its_folder_is_refused(case: str) -> None:
    """With file, line and remedy, before azure-ai-ml is asked."""
    text, problem = REFUSED[case]
    with pytest.raises(ConfigurationError, match=rf"- pipelines/job\.yml:{problem}"):
        files.parse(Path("pipelines/job.yml"), text.encode(), "")


ACCEPTED = {
    "words that look like references": (
        "type: pipeline\ntags: {code: ./src, path: x, compute: local}\nproperties: {component: azureml:a@latest}\n"
        "description: azureml:a@latest\njobs:\n  a:\n    component: azureml:a:1\n"
        "    environment_variables: {code: ./src}\n"
    ),
    "inputs named like fields": f"{INPUTS}code: ./src\n  path: data\n  environment: {{value: x}}\n  compute: local\n",
    "steps named like fields": (
        "type: pipeline\njobs:\n  environment: {component: 'azureml:a:1'}\n  trial: {component: 'azureml:a:1'}\n"
        "  tags: {component: 'azureml:a:1'}\n"
    ),
    "outputs": f"{PIPELINE}component: azureml:a:1\noutputs: {{o: {{path: azureml://datastores/b/paths/x}}}}\n",
    "a registry": f"{PIPELINE}component: azureml://registries/r/components/a/versions/1\n",
    "a registry on top": "type: pipeline\ncomponent: azureml://registries/r/components/a/versions/1\n",
    "an anchor": "type: pipeline\njobs:\n  a: &a {component: 'azureml:a:1'}\n  b: *a\n",
    "a merged anchor": (
        "type: pipeline\njobs:\n  a: &a {component: 'azureml:a:1'}\n  b:\n    <<: *a\n    compute: azureml:c\n"
    ),
    "a path to be filled in": f"{INPUTS}d: {{type: mlflow_model, path: ''}}\n",
    "an automl step": f"{PIPELINE}type: automl\n",
    "a byte order mark": "\ufefftype: pipeline\njobs: {a: {component: 'azureml:a:1'}}\n",
}  # fmt: skip


@pytest.mark.parametrize("case", ACCEPTED)
def test_what_only_looks_like_it_is_accepted(case: str) -> None:
    """Free text, names of the team's own, and references that say which version."""
    assert files.parse(Path("pipelines/job.yml"), ACCEPTED[case].encode(), "").content["type"] == "pipeline"


def test_every_problem_is_told_at_once() -> None:
    """A file is mended in one go."""
    text = f"{PIPELINE}component: azureml:a@latest\n    environment: azureml:e\n  b: {{component: ./b.yml}}\n"
    with pytest.raises(ConfigurationError) as refused:
        files.parse(Path("job.yml"), text.encode(), "")
    assert [problem.split(":")[1] for problem in refused.value.problems] == ["4", "5", "6"]


def test_a_file_that_is_not_utf8_is_refused() -> None:
    """As every other mistake in it."""
    with pytest.raises(ConfigurationError, match=r"pipelines/job\.yml: not UTF-8"):
        files.parse(Path("pipelines/job.yml"), "description: Übung".encode("latin-1"), "")


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    """Named by its folder and name, wherever the project lies."""
    with pytest.raises(ConfigurationError, match=r"- pipelines/gone\.yml: there is no such job file") as refused:
        load_template(tmp_path / "pipelines" / "gone.yml")
    assert str(tmp_path) not in str(refused.value)
