"""What each answer to the one PUT means, and what becomes of a job that exists already."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
import requests
import responses
from azure.core.pipeline.transport import RequestsTransport

from shared.actions import Deferred, Done, Failed, Outcome
from shared.errors import DeadlineError
from shared.gateways.jobs import ArmJobs
from tests.fakes.arm_jobs import ACTION, EXISTS, NAME, ROOT, SECRET, URL, Credential, created, submit


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


SECONDS_30, SECONDS_10, MINUTES_5 = timedelta(seconds=30), timedelta(seconds=10), timedelta(minutes=5)
#: Status, headers, error code: what becomes of it, starting with these words.
ANSWERS = {
    "created": (201, {}, "", Done(NAME)),
    "accepted": (202, {}, "", Done(NAME)),
    "replaced": (200, {}, "", Done(NAME)),
    "bad request": (400, {}, "ValidationError", Failed("refused 400 (ValidationError): check the job file")),
    "bad code": (400, {}, SECRET, Failed("refused 400: check the job file")),
    "unauthorized": (401, {}, "AuthenticationFailed", Deferred("azure-ml 401 (AuthenticationFailed)", SECONDS_30)),
    "forbidden": (
        403,
        {},
        "AuthorizationFailed",
        Deferred("forbidden (AuthorizationFailed): the identity may not create jobs", MINUTES_5),
    ),
    "forbidden elsewhere": (
        403,
        {},
        "LinkedAuthorizationFailed",
        Deferred("forbidden (LinkedAuthorizationFailed): ", MINUTES_5),
    ),
    "forbidden, bad code": (403, {}, SECRET, Deferred("forbidden: the identity may not create jobs", MINUTES_5)),
    "not found": (404, {}, "ResourceNotFound", Failed("not-found (ResourceNotFound): check that the workspace")),
    "timeout": (408, {}, "", Deferred("azure-ml 408", SECONDS_30)),
    "conflict": (409, {}, "Conflict", Deferred("azure-ml 409 (Conflict)", SECONDS_30)),
    "precondition": (412, {}, "PreconditionFailed", Failed("refused 412 (PreconditionFailed)")),
    "too large": (413, {}, "", Failed("refused 413")),
    "throttled": (
        429,
        {"Retry-After": "17"},
        "TooManyRequests",
        Deferred("azure-ml 429 (TooManyRequests)", timedelta(seconds=17)),
    ),
    "throttled until": (
        429,
        {"Retry-After": "Sun, 01 Mar 2026 14:00:00 GMT", "Date": "Sun, 01 Mar 2026 10:00:00 GMT"},
        "",
        Deferred("azure-ml 429", timedelta(hours=4)),
    ),
    "throttled for long": (429, {"Retry-After": "86400"}, "", Deferred("azure-ml 429", timedelta(days=1))),
    "throttled, at once": (429, {"Retry-After": "0"}, "", Deferred("azure-ml 429", timedelta())),
    "forbidden, later": (403, {"Retry-After": "900"}, "", Deferred("forbidden: ", timedelta(minutes=15))),
    "failure": (500, {}, "InternalServerError", Deferred("azure-ml 500 (InternalServerError)", SECONDS_30)),
    "bad gateway": (502, {}, "", Deferred("azure-ml 502", SECONDS_30)),
    "unavailable": (503, {"Retry-After": "45"}, "", Deferred("azure-ml 503", timedelta(seconds=45))),
    "gateway timeout": (504, {}, "", Deferred("azure-ml 504", SECONDS_30)),
    "redirect": (307, {"Location": "https://elsewhere.example/"}, "", Failed("refused 307")),
}  # fmt: skip


@pytest.mark.parametrize("case", ANSWERS)
def test_each_answer_means_one_thing(case: str, cloud: responses.RequestsMock, jobs: ArmJobs) -> None:
    """One request each, whatever Retry-After says; Azure's code is told, its text never."""
    status, headers, code, expected = ANSWERS[case]
    body = {"error": {"code": code, "message": SECRET}} if status >= 300 else created()
    cloud.put(URL, json=body, status=status, headers=headers)
    outcome = submit(jobs)
    assert len(cloud.calls) == 1
    assert type(outcome) is type(expected)
    match outcome, expected:
        case (Done(), _):
            assert outcome == expected
        case (Failed(reason=reason), Failed(reason=words)) | (Deferred(reason=reason), Deferred(reason=words)):
            assert reason.startswith(words)
            assert "TOPSECRET" not in reason
    if isinstance(outcome, Deferred) and isinstance(expected, Deferred):
        assert outcome.after == expected.after


@pytest.mark.parametrize(
    ("error", "outcome"),
    [
        (requests.ConnectionError(SECRET), Deferred("azure-ml unreachable: the request was not sent", SECONDS_30)),
        (requests.ConnectTimeout(SECRET), Deferred("azure-ml unreachable: the request was not sent", SECONDS_30)),
        (
            requests.ReadTimeout(SECRET),
            Deferred("outcome unknown: the request may have been carried out", SECONDS_10),
        ),
        (DeadlineError(), Deferred("outcome unknown: the request may have been carried out", SECONDS_10)),
    ],
)
def test_no_answer_defers(error: Exception, outcome: Outcome, cloud: responses.RequestsMock, jobs: ArmJobs) -> None:
    """Never sent or outcome unknown: the same name again is harmless, so both wait and try again, once each."""
    cloud.put(URL, body=error)
    assert submit(jobs) == outcome
    assert len(cloud.calls) == 1


def test_an_answer_that_breaks_off_defers(cloud: responses.RequestsMock, jobs: ArmJobs) -> None:
    """Fewer bytes than announced: the job may exist."""
    cloud.put(URL, body="{", status=201, headers={"Content-Length": "999"}, auto_calculate_content_length=False)
    assert submit(jobs) == Deferred("outcome unknown: the request may have been carried out", SECONDS_10)


def test_a_repeated_job_that_exists_is_done(cloud: responses.RequestsMock, jobs: ArmJobs) -> None:
    """An earlier attempt is on record: no further request."""
    cloud.put(URL, json=EXISTS, status=400)
    assert submit(jobs, repeated=True) == Done(NAME, "it existed: an earlier attempt started it")
    assert len(cloud.calls) == 1


@pytest.mark.parametrize(
    "exists",
    [
        (400, EXISTS),
        (400, {"error": {"code": "UserError", "message": "A job with this name already exists."}}),
        (400, {"error": {"code": "UserError", "innererror": {"code": "JobPropertyImmutable"}}}),
        (200, created(createdAt="2026-03-01T09:00:00.1234567+00:00")),
        (200, created(createdAt="2026-03-01T09:58:59Z")),
    ],
)
@pytest.mark.parametrize(
    "read",
    [
        (200, created(), Done(NAME, "found")),
        (200, {"properties": {"properties": {"reactor_operation": "0" * 64}}}, Failed("name taken: ")),
        (200, {"properties": {"properties": None}}, Failed("name taken: ")),
        (200, {"properties": {}}, Failed("name taken: ")),
        (200, [], Failed("name taken: ")),
        (404, {}, Deferred("exists, but cannot be read yet", SECONDS_30)),
        (503, {}, Deferred("azure-ml 503: not available", SECONDS_30)),
    ],
)
def test_a_job_that_exists_at_the_first_attempt_is_read_once(
    exists: tuple[int, Any], read: tuple[int, Any, Outcome], cloud: responses.RequestsMock, jobs: ArmJobs
) -> None:
    """Ours (its answer was lost) is done; anybody else's name is taken."""
    status, body, outcome = read
    cloud.put(URL, json=exists[1], status=exists[0], headers={"Date": "Sun, 01 Mar 2026 10:00:00 GMT"})
    cloud.get(URL, json=body, status=status)
    found = submit(jobs)
    assert [call.request.method for call in cloud.calls] == ["PUT", "GET"]
    assert "x-azureml-token" not in cloud.calls[1].request.headers
    if isinstance(outcome, Failed):
        assert isinstance(found, Failed)
        assert found.reason.startswith(outcome.reason)
    else:
        assert found == outcome


def test_a_job_without_an_operation_is_nobodys(cloud: responses.RequestsMock, jobs: ArmJobs) -> None:
    """Two absent properties are not equal."""
    cloud.put(URL, json=EXISTS, status=400)
    cloud.get(URL, json={"properties": {"properties": {}}})
    assert isinstance(jobs.submit(ACTION, name=NAME, properties={}, repeated=False), Failed)


@pytest.mark.parametrize(
    ("headers", "system"),
    [
        ({"Date": "Sun, 01 Mar 2026 10:00:05 GMT"}, {"createdAt": "2026-03-01T10:00:00Z"}),
        ({"Date": "Sun, 01 Mar 2026 10:01:00 GMT"}, {"createdAt": "2026-03-01T10:00:00Z"}),
        ({"Date": "nonsense"}, {"createdAt": "2026-03-01T08:00:00Z"}),
        ({}, {"createdAt": "2026-03-01T08:00:00Z"}),
        ({"Date": "Sun, 01 Mar 2026 10:00:05 GMT"}, {"createdAt": "nonsense"}),
        ({"Date": "Sun, 01 Mar 2026 10:00:05 GMT"}, {"createdAt": "2026-03-01T08:00:00"}),
        ({"Date": "Sun, 01 Mar 2026 10:00:05 GMT"}, {}),
    ],
)
def test_an_answer_200_of_now_is_a_new_job(
    headers: dict[str, str], system: dict[str, str], cloud: responses.RequestsMock, jobs: ArmJobs
) -> None:
    """Only a time that is plainly older counts; unreadable ones do not."""
    cloud.put(URL, json=created(**system), headers=headers)
    assert submit(jobs) == Done(NAME)
    assert len(cloud.calls) == 1
