"""Compiled job files against azure-ai-ml itself: the request we send is the one it would have sent."""

import json
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest
import yaml

from shared.job_templates import SENTINEL_WORKSPACE, encode, load_template
from shared.job_templates.fill import Request, fill
from shared.job_templates.inputs import Value
from shared.job_templates.recording import NobodysCredential, RecordedError, Recorder
from shared.job_templates.rehearsal import compile_job

# azure-ai-ml 1.35 uses what marshmallow 4 will drop and what Python deprecates; both say so.
pytestmark = [
    pytest.mark.filterwarnings("ignore::marshmallow.warnings.Marshmallow4Warning"),
    pytest.mark.filterwarnings("ignore:datetime.datetime.utcnow:DeprecationWarning"),
]

ROOT = Path(__file__).resolve().parents[2]
CORPUS = sorted((Path(__file__).parent / "corpus").glob("*.yml"))
CONTRACTS = ROOT.parent / "shared" / "contracts"
WORKSPACE = (
    "/subscriptions/8d1c5a3e-7f0b-4b4e-9a55-1f6f0c2e7b10/resourceGroups/rg-(churn).prod"
    "/providers/Microsoft.MachineLearningServices/workspaces/ws-churn"
)
NAME = "offline-test-churn-7-0123456789ab"
OTHER_ID = WORKSPACE.replace("ws-churn", "elsewhere")

#: What a reaction gives, by job file: real values of every kind that the file declares.
GIVEN: Mapping[str, Mapping[str, Value]] = {
    "pipeline-steps.yml": {"model": "azureml:churn:7", "threshold": 0.9},
    "pipeline-literals.yml": {
        "text": "",
        "whole": 8,
        "negative": -0.0,
        "fraction": 1e-07,
        "huge": 2**70,
        "yes_no": False,
        "no_yes": True,
        "wrapped": 6,
        "wrapped_text": "six",
        "colon": "azureml:x:1",
        "multiline": f"not an id: {SENTINEL_WORKSPACE}/models/churn/versions/1",
    },
    "pipeline-optional-inputs.yml": {"note": "seen", "drift_signal": "", "depth": 4},
    "pipeline-model-inputs.yml": {
        "plain": "azureml:churn:7",
        "custom": f"azureml:{OTHER_ID}/models/weights/versions/2",
        "by_id": f"{OTHER_ID}/models/churn/versions/5",
        "shared": "azureml://registries/azureml/models/bert/versions/10",
    },
    "pipeline-model-without-path.yml": {"model": "azureml:churn-v2.large_x:2026.1", "data": "azureml:events:9"},
    "pipeline-data-inputs.yml": {
        "file": "azureml:holidays:3",
        "folder": f"{OTHER_ID}/data/events/versions/5",
        "table": "azureml:features:12",
        "untyped": "azureml://datastores/workspaceblobstore/paths/events",
    },
    "pipeline-uri-inputs.yml": {
        "datastore": "azureml:events:4",
        "web": "https://example.blob.core.windows.net/public/other.csv?sv=1&sig=a%2Fb",
        "wasbs": "abfss://system@account.dfs.core.windows.net/other",
    },
    "pipeline-top-level-component.yml": {"model": "azureml:churn:8", "threshold": "0.7"},
    "pipeline-top-level-registry.yml": {"model": "azureml:churn:8"},
    "pipeline-nested.yml": {"model": "azureml:churn:8"},
    "pipeline-parallel-step.yml": {"data": "azureml:features:2"},
    "pipeline-sweep-step.yml": {"data": "azureml:events:5"},
    "command-inputs.yml": {
        "data": "azureml:events:5",
        "model": "azureml:churn:8",
        "rate": 0.5,
        "deep": False,
        "rounds": 3,
    },
    "command-empty-input.yml": {"note": ""},
    "sweep.yml": {"data": "azureml:events:5", "epochs": 20},
    "spark.yml": {"data": "azureml:events:5"},
}

#: Where azure-ai-ml itself (1.35.2) leaves the published contract: what it sends is what we send.
LEAVES_THE_CONTRACT: Mapping[str, tuple[str, ...]] = {
    "command-empty-input.yml": (
        "$.properties.inputs.note.value: '' does not match '[a-zA-Z0-9_]'",
        "$.properties.inputs.note.value: '' should be non-empty",
        "$.properties.inputs.other.value: '' does not match '[a-zA-Z0-9_]'",
        "$.properties.inputs.other.value: '' should be non-empty",
    ),
    "sweep.yml": (
        "$.properties.earlyTermination.slackFactor: 0.1 is not of type 'integer'",
        "$.properties.objective.goal: 'maximize' is not one of ['Minimize', 'Maximize']",
    ),
}


def by_azure_ai_ml(path: Path, inputs: Mapping[str, Value]) -> Request:
    """What azure-ai-ml sends for the file with real workspace, name and inputs, put in by its own overrides."""
    from azure.ai.ml import MLClient, load_job  # noqa: PLC0415 - a second: not for tests that do without

    declared = yaml.safe_load(path.read_text("utf-8"))
    overrides: list[dict[str, object]] = [{"name": NAME}]
    if "experiment_name" not in declared:
        overrides.append({"experiment_name": path.stem})
    for name, value in inputs.items():
        shape = declared["inputs"][name]
        member = "" if not isinstance(shape, dict) else ".value" if "value" in shape else ".path"
        overrides.append({f"inputs.{name}{member}": value})
    _, _, subscription, _, group, *_, workspace = WORKSPACE.split("/")
    recorder = Recorder(_quoted(WORKSPACE))
    client = MLClient(
        NobodysCredential(),
        subscription,
        group,
        workspace,
        show_progress=False,
        enable_telemetry=False,
        retry_total=0,
        transport=recorder,
    )
    with pytest.raises(RecordedError):
        client.jobs.create_or_update(load_job(path, params_override=overrides), skip_validation=True)
    (request,) = recorder.requests
    return Request(
        method=request.method,
        url=request.url.removeprefix("https://management.azure.com"),
        body=json.loads(request.content),
    )


def _quoted(workspace: str) -> str:
    return workspace.replace("(", "%28").replace(")", "%29")


def canonical(request: Request) -> tuple[str, str, bytes]:
    """The request with the body as bytes, keys sorted."""
    return request.method, request.url, json.dumps(request.body, sort_keys=True).encode()


@pytest.fixture(autouse=True)
def _outside_git(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """azure-ai-ml describes the git checkout that is the working directory."""
    monkeypatch.chdir(tmp_path)


def test_the_corpus_is_large_enough() -> None:
    """At least 25 different jobs, of every type that starts from a file."""
    types = {yaml.safe_load(path.read_text("utf-8")).get("type", "command") for path in CORPUS}
    assert len(CORPUS) >= 25
    assert types == {"pipeline", "command", "sweep", "automl", "spark"}
    assert set(GIVEN) <= {path.name for path in CORPUS}


@pytest.mark.parametrize("path", CORPUS, ids=lambda path: path.stem)
def test_ours_is_what_azure_ai_ml_sends(path: Path) -> None:
    """Byte for byte after sorting keys: the file as it is, and with everything a reaction gives."""
    template = compile_job(path)
    cases = [GIVEN[path.name]] if path.name in GIVEN else [{}]
    if all(declared.optional for declared in template.inputs):
        cases.append({})
    for inputs in cases:
        ours = fill(template, workspace=WORKSPACE, name=NAME, inputs=inputs, properties={})
        assert canonical(ours) == canonical(by_azure_ai_ml(path, inputs))


@pytest.mark.parametrize("path", sorted((ROOT / "pipelines").glob("*.yml")), ids=lambda path: path.stem)
def test_the_job_files_we_ship_are_what_azure_ai_ml_sends(path: Path) -> None:
    """The templates in pipelines/compiled, as they are committed."""
    ours = fill(load_template(path), workspace=WORKSPACE, name=NAME, inputs={}, properties={})
    assert canonical(ours) == canonical(by_azure_ai_ml(path, {}))


@pytest.mark.skipif(not CONTRACTS.is_dir(), reason="the published ARM contracts are not beside the repository")
@pytest.mark.parametrize("path", CORPUS, ids=lambda path: path.stem)
def test_ours_keeps_the_published_contract(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The filled and stamped body is valid against the ARM schema of its api-version."""
    monkeypatch.syspath_prepend(str(CONTRACTS))
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    from validate_request import validate  # type: ignore[import-not-found] # noqa: PLC0415 - lies beside the repository

    ours = fill(
        compile_job(path),
        workspace=WORKSPACE,
        name=NAME,
        inputs=GIVEN.get(path.name, {}),
        properties={"reactor_reaction": "offline-test", "reactor_operation": "0" * 64},
    )
    assert validate(ours.method, f"https://management.azure.com{ours.url}", ours.body) == list(
        LEAVES_THE_CONTRACT.get(path.name, ())
    )


def test_the_stamp_is_what_azure_ai_ml_would_send(tmp_path: Path) -> None:
    """Properties and tags stamped on are those the file would have carried itself; its own stay."""
    plain = next(path for path in CORPUS if path.stem == "pipeline-tags-properties")
    declared = yaml.safe_load(plain.read_text("utf-8"))
    stamp = {"reactor_reaction": "retrain", "team": "reactor"}
    for stamped in ("tags", "properties"):
        declared[stamped] |= stamp
    by_hand = tmp_path / plain.name
    by_hand.write_text(yaml.safe_dump(declared), encoding="utf-8")
    ours = fill(compile_job(plain), workspace=WORKSPACE, name=NAME, inputs={}, properties=stamp)
    assert canonical(ours) == canonical(by_azure_ai_ml(by_hand, {}))


def test_compiling_twice_gives_the_same_bytes() -> None:
    """Nothing of the moment, the folder or the machine is in a template."""
    for path in CORPUS:
        assert encode(compile_job(path)) == encode(compile_job(path))


def test_git_leaves_no_trace(monkeypatch: pytest.MonkeyPatch) -> None:
    """What azure-ai-ml knows of a checkout stays out, whatever the working directory; the file's own words stay."""
    path = next(path for path in CORPUS if path.stem == "pipeline-minimal")
    clean = encode(compile_job(path))
    monkeypatch.setenv("AZUREML_GIT_COMMIT", "3cf8f82bbff6c29a05d0201b875f0c73583efb5b")
    monkeypatch.setenv("AZUREML_GIT_DIRTY", "True")
    assert "mlflow.source.git.commit" in by_azure_ai_ml(path, {}).body["properties"]["properties"]
    assert encode(compile_job(path)) == clean


def test_a_property_named_like_git_is_the_files_own(tmp_path: Path) -> None:
    """What the file itself says about its source is sent."""
    path = tmp_path / "job.yml"
    path.write_text(
        "type: pipeline\nproperties: {mlflow.source.git.branch: main}\njobs: {a: {component: 'azureml:a:1'}}\n"
    )
    assert compile_job(path).body["properties"]["properties"] == {"mlflow.source.git.branch": "main"}
