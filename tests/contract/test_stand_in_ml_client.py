"""The stand-in's Azure ML, through azure-ai-ml as it is."""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from azure.core.pipeline.transport import RequestsTransport
from azure.identity import ManagedIdentityCredential

from local.azure import StandIn, Workspace
from tests.fakes.azure import Arm, pipeline, stand_in, statuses, told

if TYPE_CHECKING:
    from azure.ai.ml import MLClient

# azure-ai-ml warns of its own code and dependencies, and takes a second to import: it is imported in the tests.
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")

RETRAIN = """\
type: pipeline
experiment_name: retrain
inputs: {model_name: churn}
settings: {default_compute: azureml:cpu-cluster}
jobs:
  prepare: {type: command, component: azureml:prepare:1}
  train: {type: command, component: azureml:train:1}
  register: {type: command, component: azureml:register_model:1, inputs: {model_name: "${{parent.inputs.model_name}}"}}
"""


@pytest.fixture
def azure(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[StandIn]:
    """A stand-in; the working directory is outside of any git repository, so that no commit gets into the jobs."""
    monkeypatch.chdir(tmp_path)
    with stand_in(monkeypatch) as running:
        yield running


@pytest.fixture
def workspace(azure: StandIn) -> Workspace:
    """A workspace with the components of the jobs below and one model version."""
    made = azure.workspace("mlw-demo")
    made.register("components", "offline_test:1", "prepare:1", "train:1", "register_model:1")
    made.register("components", "retrain_pipeline:3", steps=("train", "register_model"))
    made.register_model("churn", "7")
    return made


@pytest.fixture
def ml(azure: StandIn, workspace: Workspace) -> Iterator["MLClient"]:
    """Microsoft's own client, on one transport that is closed in the end."""
    from azure.ai.ml import MLClient  # noqa: PLC0415 - see pytestmark

    _, _, subscription, _, group, *_ = workspace.id.split("/")
    credential = ManagedIdentityCredential(client_id=azure.environment["AZURE_CLIENT_ID"])
    with RequestsTransport() as transport, credential:
        yield MLClient(
            credential,
            subscription,
            group,
            workspace.name,
            transport=transport,
            retry_total=0,
            show_progress=False,
            enable_telemetry=False,
        )


def test_ml_client_starts_a_job_from_a_file(
    azure: StandIn, workspace: Workspace, ml: "MLClient", tmp_path: Path
) -> None:
    """A pipeline of registered components; it runs, and registers the next version of the model."""
    from azure.ai.ml import load_job  # noqa: PLC0415 - see pytestmark

    (tmp_path / "retrain.yml").write_text(RETRAIN)
    job = load_job(tmp_path / "retrain.yml", params_override=[{"name": "retrain-1"}])
    started = ml.jobs.create_or_update(job, skip_validation=True)
    assert (started.name, started.status) == ("retrain-1", "Preparing")
    assert azure.wait_until_idle(10)
    assert ml.jobs.get("retrain-1").status == "Completed"
    assert statuses(azure, "retrain-1") == ["Queued", "Running", "Completed"]
    assert [(d["modelName"], d["modelVersion"]) for d in told(azure, "ModelRegistered")] == [
        ("churn", "7"),
        ("churn", "8"),
    ]
    assert azure.event_grid.published[-1]["subject"] == "models/churn:8"
    assert ml.models.get("churn", "8").version == "8"
    assert azure.journal.unknown() == azure.journal.violations() == ()
    assert len(azure.journal.jobs_put()) == 1
    assert [run.name for run in workspace.life.runs["retrain-1"].children] == ["prepare", "train", "register"]


def test_ml_client_starts_a_registered_pipeline(azure: StandIn, workspace: Workspace, ml: "MLClient") -> None:
    """By the ARM id of a pipeline component and literal inputs: one PUT, the same life."""
    from azure.ai.ml.entities import PipelineJob  # noqa: PLC0415 - see pytestmark

    component = f"{workspace.id}/components/retrain_pipeline/versions/3"
    job = PipelineJob(component=component, name="by-component", inputs={"model_name": "churn"}, properties={})
    ml.jobs.create_or_update(job, skip_validation=True)
    assert azure.wait_until_idle(10)
    assert told(azure, "ModelRegistered")[-1]["modelVersion"] == "8"
    assert [entry.method for entry in azure.journal.entries if entry.host == "management.azure.com"] == ["PUT"]


def test_ml_client_reads_a_step_by_run_history(azure: StandIn, workspace: Workspace, ml: "MLClient") -> None:
    """A step is no job of ARM's; the SDK finds the regional host by discovery and asks run history."""
    run = workspace.run_pipeline("credit", "credit-1", steps=2, fails_at=1)
    assert azure.wait_until_idle(10)
    step = ml.jobs.get(run.children[0].run_id)
    assert step.status == "Failed"
    children = [child.status for child in ml.jobs.list(parent_job_name="credit-1")]
    assert children == ["Failed", "Canceled"]
    assert azure.journal.unknown() == ()


def test_ml_client_cancels_a_job(azure: StandIn, workspace: Workspace, ml: "MLClient") -> None:
    """202, then Canceled at the next step of its life."""
    arm = Arm(azure)
    with arm.client:
        arm.send("PUT", f"{workspace.id}/jobs/one", pipeline(workspace))
    poller = ml.jobs.begin_cancel("one")
    poller.wait(timeout=10)
    assert poller.done()
    assert azure.wait_until_idle(10)
    assert statuses(azure, "one")[-1] == "Canceled"


def test_ml_client_reads_and_tags_what_is_registered(azure: StandIn, ml: "MLClient") -> None:
    """Components, computes and models are what the SDK expects; a tag is a PUT of the same version, and no event."""
    assert ml.components.get("train", "1").version == "1"
    assert ml.compute.get("cpu-cluster").type == "amlcompute"
    model = ml.models.get("churn", "7")
    model.tags["stage"] = "production"
    ml.models.create_or_update(model)
    assert ml.models.get("churn", "7").tags == {"stage": "production"}
    assert [found.version for found in ml.models.list("churn")] == ["7"]
    assert [found.name for found in ml.models.list()] == ["churn"]
    assert len(told(azure, "ModelRegistered")) == 1
    assert azure.journal.unknown() == azure.journal.violations() == ()
