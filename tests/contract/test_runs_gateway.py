"""Looking into a failed job, at HTTP level: which reads, in which order, and what is said where one is refused."""

import time
from collections.abc import Iterator
from datetime import timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import requests
import responses
from azure.core.pipeline.transport import RequestsTransport
from azure.identity import CredentialUnavailableError, ManagedIdentityCredential

from local.azure import Fault, StandIn, Workspace
from shared.errors import DeadlineError
from shared.gateways.runs import AGAIN, DEPTH, PAGES, PART, SECONDS, AzureMlRuns
from shared.notices import Change, Diagnosis
from shared.transport import build_transport, deadline
from tests.fakes.arm_jobs import SECRET, WORKSPACE, Credential
from tests.fakes.azure import stand_in

DAY, HOUR = timedelta(days=1), timedelta(hours=1)
ARM = f"https://management.azure.com{WORKSPACE}"
HISTORY = f"https://westeurope.api.azureml.ms/history/v1.0{WORKSPACE}"
VERSION = "?api-version=2024-01-01-preview"
PIPELINE, STEP = "azureml.PipelineRun", "azureml.StepRun"
DISCOVERY = {"properties": {"discoveryUrl": "https://westeurope.api.azureml.ms/discovery"}}


def run(
    name: str, *, kind: str = STEP, status: str = "Failed", at: int = 0, error: str = "", **told: Any
) -> dict[str, Any]:
    """A run as run history shows it."""
    time = f"2026-11-24T05:{at:02}:00.0000000+00:00"
    cause = {"error": {"error": {"code": "UserError", "message": error}}} if error else {"error": None}
    return {
        "runId": name, "rootRunId": "job-1", "displayName": name.upper(), "runType": kind, "status": status,
        "createdUtc": time, "endTimeUtc": time, "properties": {}, **cause, **told,
    }  # fmt: skip


ROOT = run("job-1", kind=PIPELINE, at=30, error="a step failed", createdBy={"userName": "Dana"})
GOOD = run("job-0", kind=PIPELINE, at=10, status="Completed", rootRunId="job-0")
JOB = {"properties": {"inputs": {"data": {"uri": "azureml:churn:2"}}, "jobs": {}}}
BEFORE = {"properties": {"inputs": {"data": {"uri": "azureml:churn:1"}}, "jobs": {}}}
#: What answers in a job with one failed step, by what is asked.
ANSWERS: dict[str, tuple[str, str, Any]] = {
    "workspace": ("GET", f"{ARM}{VERSION}", DISCOVERY),
    "root": ("GET", f"{HISTORY}/runs/job-1", ROOT),
    "steps": ("GET", f"{HISTORY}/runs/job-1/children", {"value": [run("s-1", error="boom")]}),
    "job": ("GET", f"{ARM}/jobs/job-1{VERSION}", JOB),
    "query": ("POST", f"{HISTORY}/experiments/churn/runs:query", {"value": [ROOT, GOOD]}),
    "before": ("GET", f"{ARM}/jobs/job-0{VERSION}", BEFORE),
}
WHOLE = Diagnosis(
    step="s-1",
    step_name="S-1",
    code="UserError",
    error="boom",
    started_by="Dana",
    last_success="job-0",
    last_success_at="2026-11-24T05:10:00+00:00",
    changes=(Change(what="input data", before="churn:1", after="churn:2"),),
    inputs={"data": "churn:2"},
)


@pytest.fixture
def cloud() -> Iterator[responses.RequestsMock]:
    """Answers by URL; anything else is an error of the test."""
    with responses.RequestsMock(assert_all_requests_are_fired=False) as mock:
        yield mock


@pytest.fixture
def runs() -> Iterator[AzureMlRuns]:
    """The gateway on a real transport."""
    with RequestsTransport() as transport:
        yield AzureMlRuns(transport=transport, credential=Credential())


def answering(cloud: responses.RequestsMock, **other: dict[str, Any]) -> None:
    """Have everything answered, but what is named here in another way."""
    for name, (method, url, body) in ANSWERS.items():
        cloud.add(method, url, **other.get(name, {"json": body}))


def look(runs: AzureMlRuns) -> Diagnosis:
    """Look into the job."""
    return runs.diagnose(WORKSPACE, "job-1", experiment="churn")


def asked(cloud: responses.RequestsMock) -> list[str]:
    """What was asked for, in order, by the end of its path."""
    return [urlsplit(call.request.url or "").path.rpartition(WORKSPACE)[2] for call in cloud.calls]


def test_a_failed_pipeline_is_five_reads(cloud: responses.RequestsMock, runs: AzureMlRuns) -> None:
    """The run, its steps, its definition, the last success, its definition; once, where run history is."""
    answering(cloud)
    assert look(runs) == look(runs) == WHOLE
    reads = ["/runs/job-1", "/runs/job-1/children", "/jobs/job-1", "/experiments/churn/runs:query", "/jobs/job-0"]
    assert asked(cloud) == ["", *reads, *reads]
    (query,) = {call.request.body for call in cloud.calls if call.request.method == "POST"}
    assert "status eq 'Completed' and runType eq 'azureml.PipelineRun'" in str(query)


UNREAD = {
    "workspace": ["run, steps and last success"],
    "root": ["run, steps and last success"],
    "steps": ["steps"],
    "job": ["inputs"],
    "query": ["last success"],
    "before": ["what changed"],
}
REFUSALS: dict[str, tuple[dict[str, Any], str]] = {
    "forbidden": (
        {"status": 403, "json": {"error": {"code": "AuthorizationFailed", "message": SECRET}}},
        "forbidden (AuthorizationFailed): the identity may not read the ",
    ),
    "throttled": ({"status": 429, "headers": {"Retry-After": "60"}}, "azure-ml 429"),
    "failure": ({"status": 500, "json": {"error": {"code": SECRET}}}, "azure-ml 500"),
    "bad request": ({"status": 400, "json": {"error": {"code": "UserError"}}}, "azure-ml 400 (UserError)"),
    "unknown": ({"status": 404}, "azure-ml knows no such "),
    "no json": ({"body": "<html>"}, "an answer of azure-ml that is no JSON"),
    "unreachable": ({"body": requests.ConnectionError(SECRET)}, "azure-ml unreachable: the request was not sent"),
    "no answer": ({"body": requests.ReadTimeout(SECRET)}, "azure-ml did not answer"),
    "deadline": ({"body": DeadlineError()}, "azure-ml did not answer"),
}  # fmt: skip


@pytest.mark.parametrize("where", UNREAD)
@pytest.mark.parametrize("case", REFUSALS)
def test_what_cannot_be_read_is_told(case: str, where: str, cloud: responses.RequestsMock, runs: AzureMlRuns) -> None:
    """Which it is, why, without Azure's text; all else is told as ever, and nothing is asked twice."""
    answer, words = REFUSALS[case]
    if where == "workspace" and case == "unknown":
        words = "the workspace does not tell where its run history is"
    answering(cloud, **{where: answer})
    found = look(runs)
    told = [line.partition(": ") for line in found.unread]
    assert [thing for thing, _, _ in told] == UNREAD[where]
    assert all(reason.startswith(words) for _, _, reason in told)
    assert "TOPSECRET" not in str(found)
    assert AGAIN not in str(found)
    assert len(set(asked(cloud))) == len(asked(cloud))
    if where in {"steps", "job", "query", "before"}:
        assert found.started_by == "Dana"
        assert found.error == ("a step failed" if where == "steps" else "boom")
    if where != "job":
        assert found.inputs == WHOLE.inputs


def test_without_a_token_nothing_is_told(cloud: responses.RequestsMock) -> None:
    """And nothing raises."""
    with RequestsTransport() as transport:
        found = look(AzureMlRuns(transport=transport, credential=Credential(CredentialUnavailableError(SECRET))))
    assert {line.partition(": ")[2] for line in found.unread} == {
        "identity: no token to be had from the managed identity"
    }
    assert not cloud.calls


@pytest.mark.parametrize(
    "body",
    [
        [],
        "text",
        None,
        7,
        {"value": None},
        {"value": [None, 7, {}]},
        {"value": "x", "continuationToken": 3},
        {"runId": 7},
    ],
)
@pytest.mark.parametrize("where", ["root", "steps", "job", "query", "before"])
def test_answers_of_another_shape_are_borne(
    where: str, body: object, cloud: responses.RequestsMock, runs: AzureMlRuns
) -> None:
    """What is not told as it should be is not told."""
    answering(cloud, **{where: {"json": body}})
    assert isinstance(look(runs), Diagnosis)


def test_the_first_failed_step_is_found_below_nested_pipelines(
    cloud: responses.RequestsMock, runs: AzureMlRuns
) -> None:
    """Level by level: the step, the pipeline that it is, its step. A step that did not fail first is left alone."""
    nested = run("s-2", at=4, properties={"StepType": "SubGraphCloudStep"}, error="nested failed")
    below = {
        "job-1": [run("s-9", at=9, error="consequence"), nested, run("s-3", status="Canceled", at=1)],
        "s-2": [run("g-1", kind=PIPELINE, at=4, properties={"runSource": "SubGraphCloud"}, error="step failed")],
        "g-1": [run("w-1", at=3, error="the cause"), run("w-0", at=1, status="Completed")],
    }
    answering(cloud, steps={"json": {"value": below["job-1"]}})
    for name in ("s-2", "g-1"):
        cloud.get(f"{HISTORY}/runs/{name}/children", json={"value": below[name]})
    found = look(runs)
    assert (found.step, found.error, found.unread) == ("w-1", "the cause", ())


def test_pipelines_are_not_followed_for_ever(cloud: responses.RequestsMock, runs: AzureMlRuns) -> None:
    """Nor pages: what was not looked at is told."""
    loop = run("job-1", kind=PIPELINE, error="x")
    answering(cloud, steps={"json": {"value": [loop], "continuationToken": "a b"}})
    found = look(runs)
    children = [call.request.url or "" for call in cloud.calls if "/children" in (call.request.url or "")]
    assert len(children) == PAGES * DEPTH
    assert parse_qs(urlsplit(children[1]).query) == {"$continuationtoken": ["a b"]}
    assert f"steps: only the first {PAGES} were looked at" in found.unread


def test_an_error_that_the_list_of_steps_leaves_out_is_read(cloud: responses.RequestsMock, runs: AzureMlRuns) -> None:
    """With one read more; without it the root's own is told."""
    answering(cloud, steps={"json": {"value": [run("s-1")]}})
    cloud.get(f"{HISTORY}/runs/s-1", json=run("s-1", error="the cause"))
    assert look(runs).error == "the cause"
    cloud.replace("GET", f"{HISTORY}/runs/s-1", status=500)
    found = look(runs)
    assert (found.step, found.step_name, found.error) == ("s-1", "S-1", "a step failed")
    assert found.unread == ("error: azure-ml 500",)


def test_a_command_has_no_steps(cloud: responses.RequestsMock, runs: AzureMlRuns) -> None:
    """They are not asked for; the error is its own."""
    answering(cloud, root={"json": {**ROOT, "runType": "azureml.scriptrun"}})
    found = look(runs)
    assert (found.step, found.error, found.last_success) == ("", "a step failed", "")
    assert "/runs/job-1/children" not in asked(cloud)


def test_names_are_put_into_paths_as_they_are(cloud: responses.RequestsMock, runs: AzureMlRuns) -> None:
    """An experiment's name is any text."""
    cloud.get(f"{ARM}{VERSION}", json=DISCOVERY)
    cloud.get(f"{HISTORY}/runs/a%2Fb", json={**ROOT, "runId": "a/b", "runType": "it's"})
    cloud.get(f"{ARM}/jobs/a%2Fb{VERSION}", json=JOB)
    cloud.post(f"{HISTORY}/experiments/a%20b%3F/runs:query", json={"value": []})
    assert runs.diagnose(WORKSPACE, "a/b", experiment="a b?").unread == ()
    assert all("it's" not in str(call.request.body) for call in cloud.calls)


@pytest.fixture
def azure(monkeypatch: pytest.MonkeyPatch) -> Iterator[StandIn]:
    """A stand-in."""
    with stand_in(monkeypatch) as running:
        yield running


@pytest.fixture
def workspace(azure: StandIn) -> Workspace:
    """A workspace in which a pipeline of twelve steps fails at the third, a day after it went well."""
    made = azure.workspace("mlw-demo")
    made.run_pipeline("churn", "job-0", data={"train": "churn:1"}, commit="abc", ago=DAY)
    made.run_pipeline("other", "other-0", ago=HOUR)
    made.run_pipeline("churn", "job-1", data={"train": "churn:2"}, commit="def", fails_at=3, error="boom token=hunter2")
    assert azure.wait_until_idle(10)
    return made


@pytest.fixture
def on_stand_in(azure: StandIn) -> Iterator[AzureMlRuns]:
    """The gateway as it ships, with the managed identity, at the stand-in."""
    with build_transport() as transport:
        client_id = azure.environment["AZURE_CLIENT_ID"]
        credential = ManagedIdentityCredential(client_id=client_id, transport=transport, retry_total=0)
        yield AzureMlRuns(transport=transport, credential=credential)


def test_an_azure_that_behaves_tells_the_third_step(
    azure: StandIn, workspace: Workspace, on_stand_in: AzureMlRuns
) -> None:
    """Its error without the secret, and what changed since the day before."""
    found = on_stand_in.diagnose(workspace.id, "job-1", experiment="churn")
    assert (found.step_name, found.error, found.last_success) == ("step-03", "boom token=[redacted]", "job-0")
    assert found.step == workspace.life.runs["job-1"].children[2].run_id
    assert found.changes == (
        Change(what="commit", before="abc", after="def"),
        Change(what="input train", before="churn:1", after="churn:2"),
    )
    assert (found.inputs, found.started_by, found.unread) == ({"train": "churn:2"}, "Dana Somebody", ())
    assert azure.journal.unknown() == azure.journal.violations() == ()


def test_a_nested_pipeline_of_the_stand_in(azure: StandIn, workspace: Workspace, on_stand_in: AzureMlRuns) -> None:
    """The leaf is named, not the step around it."""
    workspace.run_pipeline("credit", "job-2", steps=3, fails_at=2, nested=True, error="boom")
    assert azure.wait_until_idle(10)
    found = on_stand_in.diagnose(workspace.id, "job-2", experiment="credit")
    assert (found.step_name, found.error, found.last_success, found.unread) == ("work", "boom", "", ())


def test_an_azure_that_hangs_costs_a_few_seconds(
    azure: StandIn, workspace: Workspace, on_stand_in: AzureMlRuns
) -> None:
    """At most a part of what is left to the run; what was read before is told, and the rest is named."""
    on_stand_in.diagnose(workspace.id, "job-1", experiment="churn")
    azure.faults.add(Fault(method="GET", url="/children", delay=30.0))
    started = time.monotonic()
    with deadline(2.0):
        found = on_stand_in.diagnose(workspace.id, "job-1", experiment="churn")
    assert time.monotonic() - started < 2.0 * PART + 0.8
    assert (found.error[:10], found.started_by) == ("The pipeli", "Dana Somebody")
    assert [line.partition(":")[0] for line in found.unread] == ["steps", "inputs", "last success"]
    assert found.unread[1] == "inputs: no time was left"
    assert SECONDS <= 6


def test_after_the_deadline_nothing_is_asked(azure: StandIn, workspace: Workspace, on_stand_in: AzureMlRuns) -> None:
    """It is told so, and nothing raises: the mail has its own answer to that."""
    before = len(azure.journal.entries)
    with deadline(0.0):
        found = on_stand_in.diagnose(workspace.id, "job-1", experiment="churn")
    assert set(found.unread) == {"run, steps and last success: no time was left", "inputs: no time was left"}
    assert len(azure.journal.entries) == before
