"""Starting a job at HTTP level: one PUT as azure-core sends it, with the tokens of the managed identity."""

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import pytest
import responses
from azure.core.exceptions import ClientAuthenticationError, HttpResponseError
from azure.core.pipeline.transport import RequestsTransport
from azure.identity import CredentialUnavailableError, ManagedIdentityCredential
from azure.mgmt.core import ARMPipelineClient

from shared.actions import Deferred, Done, Failed, SubmitJob
from shared.errors import ConfigurationError
from shared.gateways.jobs import ArmJobs
from shared.job_templates import load_template
from shared.job_templates.fill import fill
from tests.fakes.arm_jobs import ACTION, NAME, ROOT, SECRET, STAMP, URL, WORKSPACE, Credential, created, submit


@pytest.fixture
def cloud() -> Iterator[responses.RequestsMock]:
    """Answers by URL; anything else is an error of the test."""
    with responses.RequestsMock(assert_all_requests_are_fired=True) as mock:
        yield mock


@pytest.fixture
def jobs() -> Iterator[ArmJobs]:
    """The gateway on a real transport."""
    with RequestsTransport() as transport:
        yield ArmJobs(transport=transport, credential=Credential(), folder=ROOT)


def test_a_job_is_one_put(cloud: responses.RequestsMock, jobs: ArmJobs) -> None:
    """Method, URL, both tokens and the body; one request, no more."""
    cloud.put(URL, json=created(createdAt="2026-03-01T10:00:00Z"), status=201)
    assert submit(jobs) == Done(NAME)
    (call,) = cloud.calls
    assert (call.request.method, call.request.url) == ("PUT", URL)
    assert call.request.headers["Authorization"] == "Bearer token-for-https://management.azure.com/.default"
    assert call.request.headers["x-azureml-token"] == "token-for-https://ml.azure.com/.default"
    assert call.request.headers["Content-Type"] == "application/json"
    assert call.request.headers["x-ms-client-request-id"]
    body = json.loads(call.request.body or b"")
    template = load_template(ROOT / ACTION.job)
    assert body == fill(template, workspace=WORKSPACE, name=NAME, inputs=ACTION.inputs, properties=STAMP).body
    assert body["properties"]["inputs"]["model"]["uri"] == f"{WORKSPACE}/models/churn/versions/7"
    assert body["properties"]["properties"] == body["properties"]["tags"] == STAMP


def test_the_request_goes_through_the_transport_it_is_given(
    cloud: responses.RequestsMock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is the one that knows the run's deadline; a client would make one of its own."""
    sent: list[object] = []
    cloud.put(URL, json=created(), status=201)
    with RequestsTransport() as transport:
        send = transport.send

        def watched(request: Any, **options: Any) -> Any:
            sent.append(request)
            return send(request, **options)

        monkeypatch.setattr(transport, "send", watched)
        submit(ArmJobs(transport=transport, credential=Credential(), folder=ROOT))
    assert len(sent) == len(cloud.calls) == 1


def test_the_request_is_bounded(cloud: responses.RequestsMock, jobs: ArmJobs) -> None:
    """3 s to connect, 12 s between bytes, instead of five minutes each."""
    cloud.put(URL, json=created(), status=201)
    submit(jobs)
    assert cloud.calls[0].request.req_kwargs["timeout"] == (3, 12)  # type: ignore[attr-defined] # added by responses


def test_the_real_managed_identity_gives_the_tokens(
    cloud: responses.RequestsMock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One token request per resource, for any number of jobs."""
    monkeypatch.setenv("IDENTITY_ENDPOINT", "http://127.0.0.1:41/msi/token")
    monkeypatch.setenv("IDENTITY_HEADER", "header")
    for resource in ("https://management.azure.com", "https://ml.azure.com"):
        cloud.get(
            "http://127.0.0.1:41/msi/token",
            json={"access_token": f"for {resource}", "expires_on": "4102444800", "token_type": "Bearer"},
            match=[responses.matchers.query_param_matcher({"resource": resource}, strict_match=False)],
        )
    cloud.put(URL, json=created(), status=201)
    with RequestsTransport() as transport, ManagedIdentityCredential() as credential:
        jobs = ArmJobs(transport=transport, credential=credential, folder=ROOT)
        assert submit(jobs) == submit(jobs) == Done(NAME)
    tokens = [call.request.url for call in cloud.calls if "/msi/token" in (call.request.url or "")]
    assert len(tokens) == 2
    put = cloud.calls[-1].request
    assert put.headers["Authorization"] == "Bearer for https://management.azure.com"
    assert put.headers["x-azureml-token"] == "for https://ml.azure.com"


def test_an_identity_that_is_not_ready_defers(cloud: responses.RequestsMock, monkeypatch: pytest.MonkeyPatch) -> None:
    """The real credential on an endpoint that refuses: nothing reaches Azure ML."""
    monkeypatch.setenv("IDENTITY_ENDPOINT", "http://127.0.0.1:41/msi/token")
    monkeypatch.setenv("IDENTITY_HEADER", "header")
    cloud.get("http://127.0.0.1:41/msi/token", json={"statusCode": 400, "message": SECRET}, status=400)
    with RequestsTransport() as transport, ManagedIdentityCredential(retry_total=0) as credential:
        outcome = submit(ArmJobs(transport=transport, credential=credential, folder=ROOT))
    assert outcome == Deferred("identity: no token to be had from the managed identity", timedelta(seconds=30))


def answered(status: int) -> Any:
    """An answer of the token endpoint, as far as an error looks at it."""
    return SimpleNamespace(status_code=status, reason="", headers={}, text=lambda: "")


@pytest.mark.parametrize(
    "error",
    [
        CredentialUnavailableError(SECRET),
        ClientAuthenticationError(SECRET),
        ClientAuthenticationError(SECRET, response=answered(401)),
        HttpResponseError(SECRET, response=answered(503)),
    ],
)
def test_no_token_defers(error: Exception) -> None:
    """Whatever class azure-identity raises it as, with or without the token endpoint's status."""
    with RequestsTransport() as transport:
        outcome = submit(ArmJobs(transport=transport, credential=Credential(error), folder=ROOT))
    assert isinstance(outcome, Deferred)
    assert outcome.reason.startswith("identity: ")


def test_an_unusable_input_fails_without_a_request(cloud: responses.RequestsMock, jobs: ArmJobs) -> None:
    """Repeating would not help, and nothing is sent."""
    action = SubmitJob(workspace=WORKSPACE, job=ACTION.job, inputs={"model": "azureml:churn@latest"})
    outcome = jobs.submit(action, name=NAME, properties=STAMP, repeated=False)
    assert isinstance(outcome, Failed)
    assert outcome.reason.startswith("unusable-input: pipelines/offline-test.yml: input model takes azureml:")
    assert not cloud.calls


@pytest.mark.parametrize(
    ("job", "inputs"), [("pipelines/gone.yml", {}), ("pipelines/retrain.yml", {"model": "azureml:churn:7"})]
)
def test_a_mistake_of_the_deployment_is_raised(job: str, inputs: dict[str, str], jobs: ArmJobs) -> None:
    """The event waits until it is mended; nothing is sent."""
    with pytest.raises(ConfigurationError, match=job.removeprefix("pipelines/")):
        jobs.submit(SubmitJob(workspace=WORKSPACE, job=job, inputs=inputs), name=NAME, properties=STAMP, repeated=False)


def test_threads_share_one_client(
    cloud: responses.RequestsMock, jobs: ArmJobs, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Built by the first submission, for all."""
    built: list[object] = []

    class Counted(ARMPipelineClient[Any, Any]):
        """The real client, counted."""

        def __init__(self, base_url: str, **options: Any) -> None:
            built.append(self)
            super().__init__(base_url, **options)

    monkeypatch.setattr("azure.mgmt.core.ARMPipelineClient", Counted)
    names = [f"job-{number}" for number in range(16)]
    for name in names:
        cloud.put(URL.replace(NAME, name), json={}, status=201)
    with ThreadPoolExecutor(8) as pool:
        outcomes = list(pool.map(lambda name: submit(jobs, name=name), names))
    assert outcomes == [Done(name) for name in names]
    assert len(built) == 1
