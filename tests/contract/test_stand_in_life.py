"""The life of jobs in the stand-in: what happens, what the events tell of it, what run history keeps."""

from collections import Counter
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
from azure.core.rest import HttpRequest

from local.azure import Breach, StandIn, Workspace
from tests.fakes.azure import ARM, PREFIX, Arm, pipeline, stand_in, statuses, told


@pytest.fixture
def azure(monkeypatch: pytest.MonkeyPatch) -> Iterator[StandIn]:
    """A stand-in."""
    with stand_in(monkeypatch) as running:
        yield running


@pytest.fixture
def workspace(azure: StandIn) -> Workspace:
    """A workspace with the components of the jobs below and one model version."""
    made = azure.workspace("mlw-demo")
    made.register("components", "offline_test:1", "register_model:1")
    made.register_model("churn", "7")
    return made


@pytest.fixture
def arm(azure: StandIn) -> Iterator[Arm]:
    """A client of Azure Resource Manager."""
    client = Arm(azure)
    with client.client:
        yield client


type History = Callable[..., dict[str, Any]]


@pytest.fixture
def history(workspace: Workspace, arm: Arm) -> History:
    """Run history of the workspace: method, the path below it, body; the answer's JSON."""
    token = arm.credential.get_token(f"{ARM}/.default").token
    base = f"https://westeurope.api.azureml.ms/history/v1.0{workspace.id}"

    def send(method: str, path: str, body: object = None) -> dict[str, Any]:
        request = HttpRequest(method, base + path, json=body, headers={"Authorization": f"Bearer {token}"})
        found: dict[str, Any] = arm.client.send_request(request).json()
        return found

    return send


def test_the_events_of_a_job_tell_root_from_step(azure: StandIn, workspace: Workspace, arm: Arm) -> None:
    """Root and step carry the run types and properties that Azure ML gives them; success is told twice."""
    arm.send("PUT", f"{workspace.id}/jobs/one", pipeline(workspace, tags={"team": "risk"}))
    assert azure.wait_until_idle(10)
    (step_id,) = (run.run_id for run in workspace.life.runs["one"].children)
    assert statuses(azure, "one") == statuses(azure, step_id) == ["Queued", "Running", "Completed"]
    root, step = (next(d for d in told(azure, "RunCompleted") if d["runId"] == run) for run in ("one", step_id))
    assert (root["runType"], step["runType"]) == ("azureml.PipelineRun", "azureml.StepRun")
    assert root["runTags"] == {"team": "risk"}
    assert root["runProperties"]["azureml.runsource"] == "azureml.PipelineRun"
    assert step["runProperties"]["azureml.rootpipelinerunid"] == step["runProperties"]["azureml.pipelinerunid"] == "one"
    assert "runStatus" not in root
    event = azure.event_grid.published[-1]
    assert event["subject"] == f"experiments/{root['experimentId']}/runs/one"
    assert len(event["eventTime"].rpartition(".")[2]) == len("1234567Z")
    ids = [event["id"] for event in azure.event_grid.published]
    assert len({*ids}) == len(ids)


@pytest.mark.parametrize("handed_on", [True, False])
def test_a_model_that_a_job_registers(azure: StandIn, workspace: Workspace, arm: Arm, *, handed_on: bool) -> None:
    """It has the job's properties of ours only where a component hands them on, and the name of the step always."""
    workspace.knobs.registration_tags = {"stage": "candidate"}
    workspace.knobs.hands_on_properties = handed_on
    body = pipeline(workspace, properties={"reactor_depth": "1", "other": "x"})
    literal = {"job_input_type": "literal", "value": "risk"}
    component = f"{workspace.id}/components/register_model/versions/1"
    body["properties"]["jobs"]["last"] = {"componentId": component, "inputs": {"model_name": literal}}
    arm.send("PUT", f"{workspace.id}/jobs/one", body)
    assert azure.wait_until_idle(10)
    assert told(azure, "ModelRegistered")[-1] == {
        "modelName": "risk",
        "modelVersion": "1",
        "modelTags": {"stage": "candidate"},
        "modelProperties": {"reactor_depth": "1"} if handed_on else {},
    }
    registering = workspace.life.runs["one"].children[-1]
    model = arm.send("GET", f"{workspace.id}/models/risk/versions/1").json()["properties"]
    assert model["jobName"] == registering.run_id
    assert registering.root.run_id == "one"


def test_a_component_may_be_told_to_fail(azure: StandIn, workspace: Workspace, arm: Arm) -> None:
    """Its step fails, the job with it."""
    workspace.knobs.failing = {"offline_test": "ValueError: no such column"}
    arm.send("PUT", f"{workspace.id}/jobs/one", pipeline(workspace))
    assert azure.wait_until_idle(10)
    assert statuses(azure, "one")[-1] == "Failed"
    assert workspace.life.runs["one"].children[0].error == "ValueError: no such column"


def test_a_pipeline_fails_at_its_third_step(azure: StandIn, workspace: Workspace) -> None:
    """Two steps complete, one fails, nine are canceled, and the root fails last."""
    workspace.run_pipeline("credit", "credit-1", steps=12, fails_at=3, error="boom", tags={"team": "risk"})
    assert azure.wait_until_idle(10)
    steps = workspace.life.runs["credit-1"].children
    assert Counter(step.status for step in steps) == {"Completed": 2, "Failed": 1, "Canceled": 9}
    final = [data for data in told(azure, "RunStatusChanged") if data["runStatus"] == "Failed"]
    assert [data["runId"] for data in final] == [steps[2].run_id, "credit-1"]
    assert final[1]["runTags"] == {"team": "risk"}


def test_run_history_has_the_cause(azure: StandIn, workspace: Workspace, history: History) -> None:
    """The root names the step that failed; the step's details have the error; children come in pages."""
    workspace.run_pipeline("credit", "credit-1", steps=12, fails_at=3, error="boom")
    assert azure.wait_until_idle(10)
    assert "step-03" in history("GET", "/runs/credit-1")["error"]["error"]["message"]
    (failed,) = history("GET", "/runs/credit-1/children?$filter=status eq 'Failed'&$top=5")["value"]
    assert (failed["name"], failed["rootRunId"], failed["parentRunId"]) == ("step-03", "credit-1", "credit-1")
    assert history("GET", f"/runs/{failed['runId']}/details")["error"]["error"]["message"] == "boom"
    first = history("GET", "/runs/credit-1/children?$top=10")
    rest = history("GET", f"/runs/credit-1/children?$top=10&$continuationtoken={first['continuationToken']}")
    assert (len(first["value"]), len(rest["value"]), rest["continuationToken"]) == (10, 2, None)


def test_run_history_is_queried_changed_and_read_by_experiment(
    azure: StandIn, workspace: Workspace, history: History
) -> None:
    """The other ways to the same runs; a nested step is found by its root."""
    workspace.run_pipeline("credit", "credit-1", steps=2, fails_at=1, nested=True)
    assert azure.wait_until_idle(10)
    query = {"filter": "rootRunId eq 'credit-1' and status eq 'Failed' and runType eq 'azureml.StepRun'"}
    found = history("POST", "/experiments/credit/runs:query", query)["value"]
    assert [run["name"] for run in found] == ["step-01", "work"]
    assert history("POST", "/rundata", {"runId": "credit-1"})["runMetadata"]["status"] == "Failed"
    history("PATCH", "/experiments/credit/runs/credit-1", {"tags": {"seen": "yes"}})
    assert history("GET", "/experiments/credit/runs/credit-1")["tags"] == {"seen": "yes"}


def test_a_query_is_about_one_experiment_and_has_an_order(
    azure: StandIn, workspace: Workspace, history: History
) -> None:
    """By the experiment's name or id; and a job may have run well before the story, of which nothing is told."""
    workspace.run_pipeline("credit", "old", steps=2, ago=timedelta(days=2), data={"train": "credit:1"})
    workspace.run_pipeline("credit", "older", steps=2, ago=timedelta(days=3))
    workspace.run_pipeline("other", "elsewhere", steps=1, ago=timedelta(days=1))
    query = {"filter": "status eq 'Completed' and runType eq 'azureml.PipelineRun'", "orderBy": "createdUtc desc"}
    by_name = history("POST", "/experiments/credit/runs:query", query)["value"]
    by_id = history("POST", f"/experimentids/{workspace.life.experiment_id('credit')}/runs:query", query)["value"]
    assert [run["runId"] for run in by_name] == [run["runId"] for run in by_id] == ["old", "older"]
    assert by_name[0]["createdBy"]["userName"]
    assert told(azure, "RunStatusChanged") == []
    assert "error" in history("POST", "/experiments/credit/runs:query", query | {"orderBy": "status"})
    job = Arm(azure).send("GET", f"{workspace.id}/jobs/old").json()["properties"]
    assert job["inputs"]["train"]["uri"].endswith("/data/credit/versions/1")
    assert [step["componentId"].rpartition("/components/")[2] for step in job["jobs"].values()] == [
        "step-01/versions/1",
        "step-02/versions/1",
    ]


def test_a_filter_that_is_not_known_is_loud(azure: StandIn, workspace: Workspace, history: History) -> None:
    """It is not taken for no filter."""
    workspace.run_pipeline("credit", "credit-1", steps=1)
    assert "error" in history("GET", "/runs/credit-1/children?$filter=status ne 'Failed'")
    assert len(azure.journal.unknown()) == 1


def test_a_nested_pipeline_is_a_pipeline_run_too(azure: StandIn, workspace: Workspace) -> None:
    """Leaf, nested pipeline, its step and the root fail; only the root has no pipeline above it."""
    workspace.run_pipeline("credit", "credit-1", steps=2, fails_at=1, nested=True)
    assert azure.wait_until_idle(10)
    failed = [d for d in told(azure, "RunStatusChanged") if d["runStatus"] == "Failed"]
    kinds = [data["runType"].removeprefix("azureml.") for data in failed]
    assert kinds == ["StepRun", "PipelineRun", "StepRun", "PipelineRun"]
    assert failed[1]["runProperties"]["runSource"] == "SubGraphCloud"
    assert [data["runProperties"].get("azureml.rootpipelinerunid") for data in failed] == ["credit-1"] * 3 + [None]


def test_a_breach_is_told_four_times(azure: StandIn, workspace: Workspace) -> None:
    """Three times by the step with the tag that can be filtered, once by the root with the dotted one."""
    root = workspace.breach_monitor("churn-monitor", "data_drift", features=[Breach("tenure", 0.9, 0.5)])
    tagged = [
        (event["eventType"].removeprefix(PREFIX), event["data"].get("runStatus"), event["data"]["runId"] == root.run_id)
        for event in azure.event_grid.published
        if any("breached" in tag for tag in event["data"].get("runTags", {}))
    ]
    assert tagged == [
        ("RunStatusChanged", "Finalizing", False),
        ("RunStatusChanged", "Completed", False),
        ("RunCompleted", None, False),
        ("RunStatusChanged", "Completed", True),
    ]
    text = told(azure, "RunCompleted")[-1]["runTags"]["azureml_modelmonitor_threshold_breached"]
    assert text.startswith("The signal 'data_drift' has failed due to one or more features")
    assert '"group":"tenure"' in text
    assert workspace.breach_monitor("churn-monitor").run_id != root.run_id


def test_the_retired_drift_event(azure: StandIn, workspace: Workspace) -> None:
    """One event, with null times as they occur."""
    run_id = workspace.dataset_drift("churn-drift")
    (data,) = told(azure, "DatasetDriftDetected")
    assert (data["dataDriftName"], data["runId"], data["startTime"]) == ("churn-drift", run_id, None)
