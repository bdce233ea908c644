"""Reading which job made a model or a run, at HTTP level: which requests, how many, and what each answer means."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit

import pytest
import requests
import responses
from azure.core.pipeline.transport import RequestsTransport
from azure.identity import CredentialUnavailableError, ManagedIdentityCredential

from local.azure import Fault, StandIn, Workspace
from shared.actions import Deferred
from shared.errors import DeadlineError
from shared.gateways.lineage import AzureMlLineages
from shared.lineage import ModelVersion, Origin, RootRun
from shared.transport import build_transport
from tests.fakes.arm_jobs import SECRET, WORKSPACE, Credential
from tests.fakes.azure import Arm, pipeline, stand_in

MODEL = ModelVersion(name="churn", version="8")
VERSION = "?api-version=2024-01-01-preview"
ARM = f"https://management.azure.com{WORKSPACE}"
MODEL_URL = f"{ARM}/models/churn/versions/8{VERSION}"
WORKSPACE_URL = f"{ARM}{VERSION}"
RUNS = f"https://westeurope.api.azureml.ms/history/v1.0{WORKSPACE}/runs"
DISCOVERY = {"properties": {"discoveryUrl": "https://westeurope.api.azureml.ms/discovery"}}
STAMP = {"reactor_depth": "2", "reactor_chain": "retrain,offline-test", "reactor_root_event": "e1"}


@pytest.fixture
def cloud() -> Iterator[responses.RequestsMock]:
    """Answers by URL; anything else is an error of the test, and so is an answer that nobody asks for."""
    with responses.RequestsMock(assert_all_requests_are_fired=True) as mock:
        yield mock


@pytest.fixture
def lineages() -> Iterator[AzureMlLineages]:
    """The gateway on a real transport."""
    with RequestsTransport() as transport:
        yield AzureMlLineages(transport=transport, credential=Credential())


def model(**properties: object) -> dict[str, Any]:
    """A model version as Azure Resource Manager shows it."""
    return {"name": "8", "properties": {"flavors": {}, "properties": {}, "jobName": None, **properties}}


def run(name: str, *, root: str = "", **properties: str) -> dict[str, Any]:
    """A run as run history shows it."""
    return {"runId": name, "rootRunId": root or name, "properties": {"azureml.runsource": "x", **properties}}


def asked(cloud: responses.RequestsMock) -> list[str]:
    """What was asked for, in order, by the end of its path."""
    return [urlsplit(call.request.url or "").path.rpartition(f"{WORKSPACE}")[2] for call in cloud.calls]


def test_a_model_that_a_step_made_is_three_reads(cloud: responses.RequestsMock, lineages: AzureMlLineages) -> None:
    """The version, its step, the root of that; and once for a workspace where its run history is."""
    cloud.get(MODEL_URL, json=model(jobName="step-1"))
    cloud.get(WORKSPACE_URL, json=DISCOVERY)
    cloud.get(f"{RUNS}/step-1", json=run("step-1", root="job-1"))
    cloud.get(f"{RUNS}/job-1", json=run("job-1", **STAMP))
    assert lineages.read(WORKSPACE, MODEL) == STAMP
    assert asked(cloud) == ["/models/churn/versions/8", "", "/runs/step-1", "/runs/job-1"]


def test_where_run_history_is_is_asked_once(cloud: responses.RequestsMock, lineages: AzureMlLineages) -> None:
    """For each workspace; another spelling of its id is the same one."""
    other = WORKSPACE.replace("ws-churn", "WS-Churn")
    cloud.get(WORKSPACE_URL, json=DISCOVERY)
    cloud.get(f"{RUNS}/job-1", json=run("job-1", **STAMP))
    cloud.get(f"{RUNS.replace(WORKSPACE, other)}/job-1", json=run("job-1", **STAMP))
    assert [lineages.read(name, RootRun(id="job-1")) for name in (WORKSPACE, WORKSPACE, other)] == [STAMP] * 3
    assert sum(call.request.url == WORKSPACE_URL for call in cloud.calls) == 1


def test_each_service_gets_its_own_token(cloud: responses.RequestsMock, lineages: AzureMlLineages) -> None:
    """Azure Resource Manager one, run history that of Azure ML, as azure-ai-ml sends them; and no second token."""
    cloud.get(WORKSPACE_URL, json=DISCOVERY)
    cloud.get(f"{RUNS}/job-1", json=run("job-1"))
    lineages.read(WORKSPACE, RootRun(id="job-1"))
    assert [call.request.headers["Authorization"] for call in cloud.calls] == [
        "Bearer token-for-https://management.azure.com/.default",
        "Bearer token-for-https://ml.azure.com/.default",
    ]
    assert not any("x-azureml-token" in call.request.headers for call in cloud.calls)
    timeouts = {call.request.req_kwargs["timeout"] for call in cloud.calls}  # type: ignore[attr-defined] # added by responses
    assert timeouts == {(3, 12)}


@pytest.mark.parametrize(
    ("told", "runs", "found"),
    [
        ((404, {}), {}, {}),
        ((200, model()), {}, {}),
        ((200, model(jobName="")), {}, {}),
        ((200, {"properties": None}), {}, {}),
        ((200, []), {}, {}),
        ((200, model(properties={**STAMP, "other": "x"}, jobName="step-1")), {}, STAMP),
        ((200, model(jobName="job-1")), {"job-1": (200, run("job-1", **STAMP))}, STAMP),
        ((200, model(jobName=f"{WORKSPACE}/jobs/job-1")), {"job-1": (200, run("job-1", **STAMP))}, STAMP),
        ((200, model(jobName="job-1")), {"job-1": (200, run("job-1"))}, {}),
        ((200, model(jobName="job-1")), {"job-1": (404, {})}, {}),
        ((200, model(jobName="job-1")), {"job-1": (200, {"properties": None})}, {}),
        ((200, model(jobName="job-1")), {"job-1": (200, "text")}, {}),
        ((200, model(jobName="step-1")), {"step-1": (200, run("step-1", root="job-1", **STAMP))}, STAMP),
        ((200, model(jobName="step-1")), {"step-1": (200, run("step-1", root="job-1")), "job-1": (404, {})}, {}),
        ((200, model(jobName="a b/c?d")), {"c%3Fd": (200, run("c?d", **STAMP))}, STAMP),
    ],
)
def test_what_is_read_of_a_model(
    told: tuple[int, Any],
    runs: dict[str, tuple[int, Any]],
    found: dict[str, str],
    cloud: responses.RequestsMock,
    lineages: AzureMlLineages,
) -> None:
    """No job, somebody else's, one that is gone: nothing. No request more than is needed."""
    cloud.get(MODEL_URL, json=told[1], status=told[0])
    if runs:
        cloud.get(WORKSPACE_URL, json=DISCOVERY)
    for name, (status, body) in runs.items():
        cloud.get(f"{RUNS}/{name}", json=body, status=status)
    assert lineages.read(WORKSPACE, MODEL) == found
    assert len(cloud.calls) == 1 + bool(runs) + len(runs)


def test_names_are_put_into_the_path_as_they_are(cloud: responses.RequestsMock, lineages: AzureMlLineages) -> None:
    """A version is any text."""
    cloud.get(f"{ARM}/models/churn/versions/v%207%2Fb{VERSION}", json=model())
    assert lineages.read(WORKSPACE, ModelVersion(name="churn", version="v 7/b")) == {}


WHERE: dict[str, Origin] = {"model": MODEL, "workspace": RootRun(id="step-1"), "run": MODEL, "root": MODEL}


def answered(cloud: responses.RequestsMock, where: str, **answer: Any) -> None:
    """Have everything answered as it should be up to *where*, which answers otherwise."""
    steps = {
        "model": (MODEL_URL, model(jobName="step-1")),
        "workspace": (WORKSPACE_URL, DISCOVERY),
        "run": (f"{RUNS}/step-1", run("step-1", root="job-1")),
        "root": (f"{RUNS}/job-1", run("job-1", **STAMP)),
    }
    for name, (url, body) in steps.items():
        if name == "model" and not isinstance(WHERE[where], ModelVersion):
            continue
        cloud.get(url, **(answer if name == where else {"json": body}))
        if name == where:
            break


SECONDS_10, SECONDS_30, MINUTES_5 = timedelta(seconds=10), timedelta(seconds=30), timedelta(minutes=5)
ANSWERS = {
    "unauthorized": (401, {}, "AuthenticationFailed", "azure-ml 401 (AuthenticationFailed): asked again", SECONDS_30),
    "forbidden": (403, {}, "AuthorizationFailed", "forbidden (AuthorizationFailed): the identity may not", MINUTES_5),
    "forbidden, later": (403, {"Retry-After": "900"}, "", "forbidden: the identity may not", timedelta(minutes=15)),
    "throttled": (429, {"Retry-After": "17"}, "", "azure-ml 429: asked again", timedelta(seconds=17)),
    "throttled, at once": (429, {"Retry-After": "0"}, "", "azure-ml 429: asked again", timedelta()),
    "failure": (500, {}, SECRET, "azure-ml 500: asked again", SECONDS_30),
    "unavailable": (503, {}, "ServiceUnavailable", "azure-ml 503 (ServiceUnavailable): asked again", SECONDS_30),
    "redirect": (307, {"Location": "https://elsewhere.example/"}, "", "azure-ml 307: asked again", SECONDS_30),
    "bad request": (400, {}, "BadArgument", "azure-ml 400 (BadArgument): asked again", SECONDS_30),
}  # fmt: skip


@pytest.mark.parametrize("where", WHERE)
@pytest.mark.parametrize("case", ANSWERS)
def test_what_is_not_told_waits(
    case: str, where: str, cloud: responses.RequestsMock, lineages: AzureMlLineages
) -> None:
    """At whichever read: with Azure's code and never its text, for as long as it asks, and without a second try."""
    status, headers, code, words, after = ANSWERS[case]
    answered(cloud, where, json={"error": {"code": code, "message": SECRET}}, status=status, headers=headers)
    found = lineages.read(WORKSPACE, WHERE[where])
    assert isinstance(found, Deferred)
    assert found.reason.startswith(f"lineage-unread: {words}")
    assert "TOPSECRET" not in found.reason
    assert found.after == after
    assert found.limit == (timedelta(minutes=30) if status == 403 else None)


@pytest.mark.parametrize(
    ("where", "action"),
    [
        ("model", "the model version (Microsoft.MachineLearningServices/workspaces/models/versions/read is"),
        ("workspace", "the workspace (Microsoft.MachineLearningServices/workspaces/read is"),
        ("run", "the run (Microsoft.MachineLearningServices/workspaces/experiments/runs/read is"),
        ("root", "the run (Microsoft.MachineLearningServices/workspaces/experiments/runs/read is"),
    ],
)
def test_a_missing_role_is_told_by_the_action_it_lacks(
    where: str, action: str, cloud: responses.RequestsMock, lineages: AzureMlLineages
) -> None:
    """So that it can be mended."""
    answered(cloud, where, json={}, status=403)
    found = lineages.read(WORKSPACE, WHERE[where])
    assert isinstance(found, Deferred)
    assert action in found.reason


@pytest.mark.parametrize("where", WHERE)
@pytest.mark.parametrize(
    ("error", "deferred"),
    [
        (requests.ConnectionError(SECRET), Deferred("azure-ml unreachable: the request was not sent", SECONDS_30)),
        (requests.ReadTimeout(SECRET), Deferred("azure-ml did not answer: asked again", SECONDS_10)),
        (DeadlineError(), Deferred("azure-ml did not answer: asked again", SECONDS_10)),
    ],
)
def test_no_answer_waits(
    error: Exception, deferred: Deferred, where: str, cloud: responses.RequestsMock, lineages: AzureMlLineages
) -> None:
    """Nothing is taken for told, and nothing is asked twice."""
    answered(cloud, where, body=error)
    found = lineages.read(WORKSPACE, WHERE[where])
    assert found == Deferred(f"lineage-unread: {deferred.reason}", deferred.after)


@pytest.mark.parametrize("where", WHERE)
def test_an_answer_that_is_no_json_waits(where: str, cloud: responses.RequestsMock, lineages: AzureMlLineages) -> None:
    """A page of a proxy tells nothing about a job."""
    answered(cloud, where, body="<html>", status=200)
    found = lineages.read(WORKSPACE, WHERE[where])
    assert found == Deferred("lineage-unread: an answer of azure-ml that is no JSON: asked again", SECONDS_30)


@pytest.mark.parametrize(
    "url",
    [
        None,
        "",
        "http://westeurope.api.azureml.ms/discovery",
        "https://westeurope.api.azureml.ms.example.com/discovery",
        "https://example.com/westeurope.api.azureml.ms",
        "https://user@westeurope.api.azureml.ms/",
        "https://westeurope.api.azureml.ms:8443/",
    ],
)
def test_a_token_goes_to_no_other_host(
    url: str | None, cloud: responses.RequestsMock, lineages: AzureMlLineages
) -> None:
    """Only to those of Azure ML; and the next time it is asked again."""
    cloud.get(WORKSPACE_URL, json={"properties": {"discoveryUrl": url}})
    for _ in range(2):
        found = lineages.read(WORKSPACE, RootRun(id="job-1"))
        assert isinstance(found, Deferred)
        assert found.reason == "lineage-unread: the workspace does not tell where its run history is"
    assert asked(cloud) == ["", ""]


def test_without_a_token_nothing_is_asked(cloud: responses.RequestsMock) -> None:
    """The identity may not be ready yet."""
    with RequestsTransport() as transport:
        lineages = AzureMlLineages(transport=transport, credential=Credential(CredentialUnavailableError(SECRET)))
        found = lineages.read(WORKSPACE, MODEL)
    assert found == Deferred("lineage-unread: identity: no token to be had from the managed identity", SECONDS_30)
    assert not cloud.calls


@pytest.fixture
def azure(monkeypatch: pytest.MonkeyPatch) -> Iterator[StandIn]:
    """A stand-in."""
    with stand_in(monkeypatch) as running:
        yield running


@pytest.fixture
def workspace(azure: StandIn) -> Workspace:
    """A workspace with the components of the jobs below."""
    made = azure.workspace("mlw-demo")
    made.register("components", "offline_test:1", "register_model:1")
    return made


@pytest.fixture
def on_stand_in(azure: StandIn) -> Iterator[AzureMlLineages]:
    """The gateway as it ships, with the managed identity, at the stand-in."""
    with build_transport() as transport:
        client_id = azure.environment["AZURE_CLIENT_ID"]
        credential = ManagedIdentityCredential(client_id=client_id, transport=transport, retry_total=0)
        yield AzureMlLineages(transport=transport, credential=credential)


def retrained(azure: StandIn, workspace: Workspace) -> str:
    """Have a job of ours run that registers version 1 of `risk` in its last step; return that step's run."""
    body = pipeline(workspace, properties=STAMP)
    literal = {"job_input_type": "literal", "value": "risk"}
    component = f"{workspace.id}/components/register_model/versions/1"
    body["properties"]["jobs"]["last"] = {"componentId": component, "inputs": {"model_name": literal}}
    arm = Arm(azure)
    with arm.client:
        assert arm.send("PUT", f"{workspace.id}/jobs/job-1", body).status_code == 201
    assert azure.wait_until_idle(10)
    return workspace.life.runs["job-1"].children[-1].run_id


def test_an_azure_that_behaves_tells_the_job(
    azure: StandIn, workspace: Workspace, on_stand_in: AzureMlLineages
) -> None:
    """Of a model that a step of our job registered, of the step, of the job; and nothing of what is none of ours."""
    step = retrained(azure, workspace)
    workspace.register_model("bought", "1")
    workspace.run_pipeline("credit", "credit-1", steps=2)
    before = len(azure.journal.entries)
    wanted: dict[Origin, dict[str, str]] = {
        ModelVersion(name="risk", version="1"): STAMP,
        RootRun(id=step): STAMP,
        RootRun(id="job-1"): STAMP,
        ModelVersion(name="bought", version="1"): {},
        RootRun(id="credit-1"): {},
        ModelVersion(name="risk", version="99"): {},
        RootRun(id="nobody"): {},
    }
    assert {origin: on_stand_in.read(workspace.id, origin) for origin in wanted} == wanted
    reads = [entry for entry in azure.journal.entries[before:] if "/msi/" not in entry.path]
    assert len(reads) == (3 + 1) + 2 + 1 + 1 + 1 + 1 + 1
    assert azure.journal.unknown() == azure.journal.violations() == ()


def test_a_model_that_carries_the_lineage_is_one_read(
    azure: StandIn, workspace: Workspace, on_stand_in: AzureMlLineages
) -> None:
    """Where the registering component hands it on."""
    workspace.knobs.hands_on_properties = True
    retrained(azure, workspace)
    before = len(azure.journal.entries)
    assert on_stand_in.read(workspace.id, ModelVersion(name="risk", version="1")) == STAMP
    assert len([entry for entry in azure.journal.entries[before:] if entry.host == "management.azure.com"]) == 1


@pytest.mark.parametrize("url", ["/models/", "/runs/", "/workspaces/mlw-demo?"])
def test_an_azure_that_throttles_is_asked_later(
    url: str, azure: StandIn, workspace: Workspace, on_stand_in: AzureMlLineages
) -> None:
    """And tells then."""
    retrained(azure, workspace)
    azure.faults.add(Fault(method="GET", url=url, status=429, headers={"Retry-After": "7"}))
    found = on_stand_in.read(workspace.id, ModelVersion(name="risk", version="1"))
    assert isinstance(found, Deferred)
    assert found.after == timedelta(seconds=7)
    assert on_stand_in.read(workspace.id, ModelVersion(name="risk", version="1")) == STAMP
