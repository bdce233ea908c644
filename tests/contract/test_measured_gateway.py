"""Reading what a job has measured, at HTTP level: which requests, and what each answer means."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit

import pytest
import responses
from azure.core.pipeline.transport import RequestsTransport
from azure.identity import ManagedIdentityCredential

from shared.actions import Deferred
from shared.gateways.measured import AzureMlMeasurements
from shared.transport import build_transport
from shared.verdicts import Measured
from tests.fakes.arm_jobs import WORKSPACE, Credential
from tests.fakes.azure import Arm, pipeline, stand_in

HOST = "https://westeurope.api.azureml.ms"
WORKSPACE_URL = f"https://management.azure.com{WORKSPACE}?api-version=2024-01-01-preview"
DISCOVERY = {"properties": {"discoveryUrl": f"{HOST}/discovery"}}
RUN = f"{HOST}/mlflow/v1.0{WORKSPACE}/api/2.0/mlflow/runs/get"
CHILDREN = f"{HOST}/history/v1.0{WORKSPACE}/runs/job-1/children"


@pytest.fixture
def cloud() -> Iterator[responses.RequestsMock]:
    """Answers by URL; anything else is an error of the test, and so is an answer that nobody asks for."""
    with responses.RequestsMock(assert_all_requests_are_fired=True) as mock:
        mock.get(WORKSPACE_URL, json=DISCOVERY)
        yield mock


@pytest.fixture
def measurements() -> Iterator[AzureMlMeasurements]:
    """The gateway on a real transport."""
    with RequestsTransport() as transport:
        yield AzureMlMeasurements(transport=transport, credential=Credential())


def run(**metrics: object) -> dict[str, Any]:
    """A run as MLflow tells it."""
    told = [{"key": key, "value": value, "timestamp": 1, "step": 0} for key, value in metrics.items()]
    return {"run": {"info": {"run_id": "job-1"}, "data": {"metrics": told, "tags": [{"key": "v", "value": "passed"}]}}}


def asked(cloud: responses.RequestsMock) -> list[str]:
    """What was asked for after the workspace, in order."""
    urls = [urlsplit(call.request.url or "") for call in list(cloud.calls)[1:]]
    return [f"{url.path.rpartition(WORKSPACE)[2]}?{url.query}" for url in urls]


def test_a_job_is_one_read(cloud: responses.RequestsMock, measurements: AzureMlMeasurements) -> None:
    """Metrics and tags together, with the token of Azure ML; numbers and texts as they were told."""
    cloud.get(RUN, json=run(accuracy=0.93, loss="NaN", n=3))
    assert measurements.read(WORKSPACE, "job 1") == Measured(
        metrics={"accuracy": 0.93, "loss": "NaN", "n": 3}, tags={"v": "passed"}
    )
    assert asked(cloud) == ["/api/2.0/mlflow/runs/get?run_id=job%201"]
    assert cloud.calls[1].request.headers["Authorization"] == "Bearer token-for-https://ml.azure.com/.default"


def test_a_step_is_looked_for_by_its_name(cloud: responses.RequestsMock, measurements: AzureMlMeasurements) -> None:
    """Page by page, and then it is one read."""
    first = {"value": [{"runId": "s-1", "name": "score"}, "odd"], "continuationToken": "2"}
    cloud.get(CHILDREN, json=first)
    cloud.get(CHILDREN, json={"value": [{"runId": "s-2", "name": None, "displayName": "judge"}]})
    cloud.get(RUN, json=run(accuracy=0.5))
    found = measurements.read(WORKSPACE, "job-1", step="judge")
    assert isinstance(found, Measured)
    assert found.metrics == {"accuracy": 0.5}
    assert asked(cloud) == [
        "/runs/job-1/children?",
        "/runs/job-1/children?$continuationtoken=2",
        "/api/2.0/mlflow/runs/get?run_id=s-2",
    ]


@pytest.mark.parametrize(("status", "body"), [(404, {"error": {"code": "UserError"}}), (200, {"value": []}), (200, [])])
def test_no_such_step(
    status: int, body: object, cloud: responses.RequestsMock, measurements: AzureMlMeasurements
) -> None:
    """Or no such job: nothing."""
    cloud.get(CHILDREN, json=body, status=status)
    assert measurements.read(WORKSPACE, "job-1", step="judge") is None


@pytest.mark.parametrize(
    ("status", "body", "found"),
    [
        (404, {"error_code": "RESOURCE_DOES_NOT_EXIST"}, None),
        (200, {"run": {"data": {}}}, Measured()),
        (200, {"run": {}}, Measured()),
        (200, {"run": {"data": {"metrics": "x", "tags": [{"key": 1}, {"key": "a", "value": 2}]}}}, Measured()),
        (200, {"run": {"data": {"metrics": [{"key": "a"}]}}}, Measured(metrics={"a": None})),
    ],
)
def test_what_is_read(
    status: int,
    body: object,
    found: Measured | None,
    cloud: responses.RequestsMock,
    measurements: AzureMlMeasurements,
) -> None:
    """A job that is gone is nothing; one without metrics has none."""
    cloud.get(RUN, json=body, status=status)
    assert measurements.read(WORKSPACE, "job-1") == found


@pytest.mark.parametrize(
    ("answer", "after", "limit"),
    [
        ((429, {"Retry-After": "7"}), timedelta(seconds=7), None),
        ((500, {}), timedelta(seconds=30), None),
        ((403, {}), timedelta(minutes=5), timedelta(minutes=30)),
    ],
)
def test_what_is_not_told_is_asked_again(
    answer: tuple[int, dict[str, str]],
    after: timedelta,
    limit: timedelta | None,
    cloud: responses.RequestsMock,
    measurements: AzureMlMeasurements,
) -> None:
    """No verdict is given on what Azure ML would not say."""
    status, headers = answer
    cloud.get(RUN, json={"error": {"code": "X", "message": "secret"}}, status=status, headers=headers)
    found = measurements.read(WORKSPACE, "job-1")
    assert isinstance(found, Deferred)
    assert (found.after, found.limit) == (after, limit)
    assert found.reason.startswith("verdict-unread: ")
    assert "secret" not in found.reason


def test_an_azure_that_behaves_tells_what_was_measured(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of a job, of its step, of what is not there; as the gateway ships, with the managed identity."""
    with stand_in(monkeypatch) as azure, build_transport() as transport:
        workspace = azure.workspace("mlw-demo")
        workspace.register("components", "offline_test:1")
        workspace.knobs.measures = {"offline_test": {"accuracy": 0.93, "loss": "NaN"}, "job-1": {"total": 1}}
        arm = Arm(azure)
        with arm.client:
            assert arm.send("PUT", f"{workspace.id}/jobs/job-1", pipeline(workspace)).status_code == 201
        assert azure.wait_until_idle(10)
        credential = ManagedIdentityCredential(
            client_id=azure.environment["AZURE_CLIENT_ID"], transport=transport, retry_total=0
        )
        measurements = AzureMlMeasurements(transport=transport, credential=credential)
        of_step, of_job = (measurements.read(workspace.id, "job-1", step=step) for step in ("test", ""))
        assert isinstance(of_step, Measured)
        assert isinstance(of_job, Measured)
        assert (of_step.metrics, of_job.metrics) == ({"accuracy": 0.93, "loss": "NaN"}, {"total": 1})
        assert measurements.read(workspace.id, "job-1", step="other") is None
        assert measurements.read(workspace.id, "nobody") is None
        assert azure.journal.unknown() == azure.journal.violations() == ()
