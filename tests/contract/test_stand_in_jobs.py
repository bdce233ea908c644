"""The stand-in's Azure ML: jobs and models through plain ARM."""

from collections.abc import Iterator
from typing import Any

import pytest
from azure.core.rest import HttpRequest

from local.azure import KIND, Fault, StandIn, Workspace, World
from tests.fakes.azure import Arm, pipeline, stand_in, told


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


def test_a_name_is_taken_for_ever(workspace: Workspace, arm: Arm) -> None:
    """The same PUT again is 400 JobPropertyImmutable, identical or not."""
    path = f"{workspace.id}/jobs/one"
    assert arm.send("PUT", path, pipeline(workspace)).status_code == 201
    again = arm.send("PUT", path, pipeline(workspace))
    assert again.status_code == 400
    error = again.json()["error"]
    assert error["code"] == "UserError"
    assert "A job with this name already exists" in error["message"]
    (inner,) = [info["info"]["value"] for info in error["additionalInfo"] if info["type"] == "InnerError"]
    assert inner == {"code": "Immutable", "innerError": {"code": "JobPropertyImmutable", "innerError": None}}
    assert [*workspace.jobs] == ["one"]


def test_in_a_kind_world_the_identical_job_is_accepted(monkeypatch: pytest.MonkeyPatch) -> None:
    """200 with the old creation time; tags are merged, never removed; another job is 400 all the same."""
    with stand_in(monkeypatch, world=KIND) as azure:
        workspace, arm = azure.workspace(), Arm(azure)
        workspace.register("components", "offline_test:1")
        path = f"{workspace.id}/jobs/one"
        with arm.client:
            first = arm.send("PUT", path, pipeline(workspace, tags={"a": "1"}, properties={"a": "1"}))
            again = arm.send(
                "PUT", path, pipeline(workspace, tags={"b": "2"}, properties={"b": "2"}), second_token=False
            )
            other = arm.send("PUT", path, pipeline(workspace, settings={"default_compute": "other"}))
    assert (first.status_code, again.status_code, other.status_code) == (201, 200, 400)
    merged = again.json()["properties"]
    assert merged["tags"] == {"a": "1", "b": "2"}
    assert merged["properties"].items() >= {"a": "1", "b": "2"}.items()
    assert again.json()["systemData"]["createdAt"] == first.json()["systemData"]["createdAt"]


def test_a_pipeline_job_needs_the_second_token(workspace: Workspace, arm: Arm) -> None:
    """x-azureml-token, a token for ml.azure.com."""
    path = f"{workspace.id}/jobs/one"
    assert arm.send("PUT", path, pipeline(workspace), second_token=False).status_code == 401
    assert workspace.jobs == {}


@pytest.mark.parametrize(
    ("properties", "names"),
    [
        ({"jobs": {"x": {"componentId": "{ws}/components/offline_test/versions/2"}}}, "offline_test:2"),
        ({"componentId": "{ws}/components/nobody/versions/1"}, "nobody:1"),
        ({"inputs": {"m": {"jobInputType": "mlflow_model", "uri": "{ws}/models/churn/versions/9"}}}, "churn:9"),
        ({"settings": {"default_compute": "{ws}/computes/gone"}}, "gone"),
    ],
)
def test_what_is_not_registered_is_refused(
    workspace: Workspace, arm: Arm, properties: dict[str, Any], names: str
) -> None:
    """Components, models and computes exist as data; a job that refers to others does not start."""
    body = pipeline(workspace, **_in(workspace, properties))
    answer = arm.send("PUT", f"{workspace.id}/jobs/one", body)
    assert answer.status_code == 404
    assert names in answer.json()["error"]["message"]
    assert workspace.jobs == {}


def _in(workspace: Workspace, value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _in(workspace, inner) for key, inner in value.items()}
    return value.replace("{ws}", workspace.id) if isinstance(value, str) else value


def test_a_body_that_breaks_the_contract_is_refused_and_marked(azure: StandIn, workspace: Workspace, arm: Arm) -> None:
    """A tag that is a number; the journal names it, where the contracts lie beside the repository."""
    if "not checked" in azure.journal.contracts:
        pytest.skip(azure.journal.contracts)
    answer = arm.send("PUT", f"{workspace.id}/jobs/one", pipeline(workspace, tags={"depth": 1}))
    assert answer.status_code == 400
    assert any("depth" in violation for violation in azure.journal.violations()[0].violations)
    assert workspace.jobs == {}


def test_a_model_put_twice_is_registered_once(azure: StandIn, workspace: Workspace, arm: Arm) -> None:
    """The second PUT replaces tags; it is no new version and no event."""
    path = f"{workspace.id}/models/risk/versions/1"
    for tags in ({"a": "1"}, {"b": "2"}):
        arm.send("PUT", path, {"properties": {"modelUri": "azureml://x", "modelType": "mlflow_model", "tags": tags}})
    model = arm.send("GET", path).json()
    assert (model["name"], model["properties"]["tags"], model["properties"]["flavors"]) == ("1", {"b": "2"}, {})
    assert [data["modelName"] for data in told(azure, "ModelRegistered")] == ["churn", "risk"]


def test_jobs_are_listed_by_tag_and_property(workspace: Workspace, arm: Arm) -> None:
    """`tag` is a key only; `properties` compares a value."""
    arm.send("PUT", f"{workspace.id}/jobs/one", pipeline(workspace, tags={"a": "1"}))
    arm.send("PUT", f"{workspace.id}/jobs/two", pipeline(workspace, properties={"reactor_operation": "x"}))

    def names(query: str) -> list[str]:
        return [job["name"] for job in arm.send("GET", f"{workspace.id}/jobs?{query}").json()["value"]]

    assert names("listViewType=ActiveOnly") == ["two", "one"]
    assert names("tag=a") == ["one"]
    assert names("properties=reactor_operation=x") == ["two"]
    assert names("properties=reactor_operation=y") == []


def test_long_lists_come_in_pages(azure: StandIn, workspace: Workspace, arm: Arm) -> None:
    """The next page has the same selection."""
    for number in range(60):
        workspace.run_pipeline("credit", f"credit-{number}", steps=1, tags={"a": "1"})
    workspace.run_pipeline("credit", "other", steps=1)
    first = arm.send("GET", f"{workspace.id}/jobs?tag=a").json()
    rest = arm.client.send_request(HttpRequest("GET", first["nextLink"])).json()
    assert (len(first["value"]), len(rest["value"]), "nextLink" in rest) == (50, 10, False)
    assert azure.journal.unknown() == ()


def test_a_job_that_was_committed_before_the_time_out_is_found_again(
    azure: StandIn, workspace: Workspace, arm: Arm
) -> None:
    """The redelivery case: the answer is lost, the second PUT meets the first one's job."""
    azure.faults.add(Fault(method="PUT", status=504, committed=True))
    answers = [arm.send("PUT", f"{workspace.id}/jobs/one", pipeline(workspace)).status_code for _ in range(2)]
    assert answers == [504, 400]
    assert World().identical_job_accepted is False
