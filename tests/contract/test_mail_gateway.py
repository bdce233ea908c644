"""CommunicationMail at HTTP level: the one request it makes, and what it makes of every answer."""

import importlib
import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta, timezone
from http import HTTPStatus
from pathlib import Path
from threading import Barrier, BrokenBarrierError
from types import SimpleNamespace
from typing import Any, NamedTuple
from urllib.parse import parse_qs, urlsplit

import msgspec
import pytest
import requests
import responses
from azure.core.credentials import AccessToken
from azure.core.exceptions import ClientAuthenticationError
from azure.identity import CredentialUnavailableError, ManagedIdentityCredential
from urllib3.exceptions import ProtocolError

from shared.actions import Deferred, Done, Failed, Outcome, SendMail
from shared.errors import DeadlineError
from shared.gateways.mail import CommunicationMail
from shared.mail import render
from shared.mail.threads import thread_headers
from shared.notices import Incident, Notice
from shared.transport import Transport, build_transport

ENDPOINT = "https://acs-demo.communication.azure.com"
SEND = f"{ENDPOINT}/emails:send"
OPERATION = "7d9b0f5e-0c57-5a0e-8a43-3d9f0a1c2b4d"
LOOK_UP = f"{ENDPOINT}/emails/operations/{OPERATION}"
IDENTITY = "http://127.0.0.1:41414/msi/token"
FIRST_SENT = datetime(2026, 11, 20, 6, 0, 7, tzinfo=timezone(timedelta(hours=1)))
CONTRACTS = Path(__file__).parents[3] / "shared" / "contracts"

NOTICE = Notice(
    kind="pipeline-failed",
    headline="Pipeline credit-training failed",
    workspace="mlw-demo",
    experiment="credit-training",
    run="train-credit-20261120-001",
    status="Failed",
    time="2026-11-20T05:00:00Z",
    reaction="mail-ops",
)
ACTION = SendMail(to=("ops@example.com", "ml-oncall@example.com"), notice=NOTICE)


class Credential:
    """A credential whose token is good until 2100, or that fails as it is told."""

    def __init__(self, error: Exception | None = None) -> None:
        self.error = error
        self.scopes: list[str] = []

    def get_token(self, *scopes: str, **_: Any) -> AccessToken:
        """Give the token."""
        self.scopes.extend(scopes)
        if self.error:
            raise self.error
        return AccessToken("token-of-a-test", 4102444800)


@pytest.fixture
def transport() -> Iterator[Transport]:
    """The transport of production."""
    with build_transport() as made:
        yield made


@pytest.fixture
def wire() -> Iterator[responses.RequestsMock]:
    """Everything that would go out."""
    with responses.RequestsMock(assert_all_requests_are_fired=False) as mock:
        yield mock


def gateway(transport: Transport, credential: Any = None) -> CommunicationMail:
    """A gateway as it is composed in production."""
    return CommunicationMail(
        endpoint=ENDPOINT, sender="reactor@example.com", transport=transport, credential=credential or Credential()
    )


def send(transport: Transport, credential: Any = None) -> Outcome:
    """Send the mail of these tests once."""
    return gateway(transport, credential).send(ACTION, operation=OPERATION, first_sent=FIRST_SENT)


def accepted(wire: responses.RequestsMock) -> None:
    """Answer the POST as the service does."""
    wire.post(
        SEND,
        status=HTTPStatus.ACCEPTED,
        json={"id": OPERATION, "status": "Running", "error": None},
        headers={"Operation-Location": f"{LOOK_UP}?api-version=2025-09-01", "retry-after": "30"},
    )


def test_one_post_with_exactly_these_headers(wire: responses.RequestsMock, transport: Transport) -> None:
    """URL, headers and body of the POST are these and no others."""
    accepted(wire)
    credential = Credential()
    assert send(transport, credential) == Done(receipt=OPERATION)
    assert len(wire.calls) == 1
    request = wire.calls[0].request
    assert (request.method, request.url) == ("POST", f"{SEND}?api-version=2025-09-01")
    headers = dict(request.headers)
    assert headers.pop("x-ms-client-request-id")
    assert headers.pop("User-Agent").startswith("azsdk-python-communication-email/1.1.0 ")
    assert headers == {
        "Accept": "application/json",
        "Accept-Encoding": "gzip, deflate",
        "Authorization": "Bearer token-of-a-test",
        "Connection": "keep-alive",
        "Content-Length": str(len(request.body or b"")),
        "Content-Type": "application/json",
        "Operation-Id": OPERATION,
        "Repeatability-First-Sent": "Fri, 20 Nov 2026 05:00:07 GMT",
        "Repeatability-Request-ID": OPERATION,
    }
    assert credential.scopes == ["https://communication.azure.com//.default"]


def test_body(wire: responses.RequestsMock, transport: Transport) -> None:
    """One mail to all recipients, text and HTML, without tracking; the same bytes at every attempt."""
    accepted(wire)
    send(transport)
    send(transport)
    content = render(NOTICE)
    first, second = (call.request.body for call in wire.calls)
    assert first == second
    assert json.loads(first or "") == {
        "senderAddress": "reactor@example.com",
        "recipients": {"to": [{"address": "ops@example.com"}, {"address": "ml-oncall@example.com"}]},
        "content": {"subject": content.subject, "plainText": content.text, "html": content.html},
        "userEngagementTrackingDisabled": True,
    }


THREADED = SendMail(
    to=ACTION.to, notice=msgspec.structs.replace(NOTICE, incident=Incident(stage="opened", thread="incident-1"))
)


def test_an_incident_has_the_headers_of_its_thread(wire: responses.RequestsMock, transport: Transport) -> None:
    """In the body, which is how the service is told headers of a mail."""
    accepted(wire)
    gateway(transport).send(THREADED, operation=OPERATION, first_sent=FIRST_SENT)
    headers = json.loads(wire.calls[0].request.body or "")["headers"]
    assert headers == thread_headers(THREADED.notice, sender="reactor@example.com")
    assert headers["References"].endswith("@example.com>")


def test_a_mail_is_sent_without_its_thread_rather_than_not(wire: responses.RequestsMock, transport: Transport) -> None:
    """Refused with those headers: the same mail without them, under the same id."""
    wire.post(SEND, status=HTTPStatus.BAD_REQUEST, json={"error": {"code": "InvalidHeaders", "message": "x"}})
    accepted(wire)
    assert gateway(transport).send(THREADED, operation=OPERATION, first_sent=FIRST_SENT) == Done(receipt=OPERATION)
    first, second = (call.request for call in wire.calls)
    assert {**json.loads(second.body or ""), "headers": json.loads(first.body or "")["headers"]} == json.loads(
        first.body or ""
    )
    assert first.headers["Operation-Id"] == second.headers["Operation-Id"] == OPERATION


@pytest.mark.parametrize(("status", "posts"), [(400, 2), (401, 1), (429, 1), (503, 1)])
def test_only_a_refusal_is_sent_without_its_thread(
    wire: responses.RequestsMock, transport: Transport, status: int, posts: int
) -> None:
    """Whatever may still come is left to the queue; a second refusal is final."""
    wire.post(SEND, status=status, json={"error": {"code": "x", "message": "x"}})
    outcome = gateway(transport).send(THREADED, operation=OPERATION, first_sent=FIRST_SENT)
    assert isinstance(outcome, Failed) == (status == HTTPStatus.BAD_REQUEST)
    assert len(wire.calls) == posts


def test_the_teams_own_template(wire: responses.RequestsMock, transport: Transport, tmp_path: Path) -> None:
    """It is what is sent."""
    (tmp_path / "mail.html").write_text("<p>ours</p>")
    accepted(wire)
    mail = CommunicationMail(
        endpoint=ENDPOINT,
        sender="reactor@example.com",
        transport=transport,
        credential=Credential(),
        templates=tmp_path,
    )
    mail.send(ACTION, operation=OPERATION, first_sent=FIRST_SENT)
    assert json.loads(wire.calls[0].request.body or "")["content"]["html"] == "<p>ours</p>\n"


@pytest.mark.skipif(not CONTRACTS.is_dir(), reason="the request contracts are not beside this repository")
def test_body_is_valid(wire: responses.RequestsMock, transport: Transport, monkeypatch: pytest.MonkeyPatch) -> None:
    """The published contract of the service accepts the request."""
    monkeypatch.syspath_prepend(str(CONTRACTS))
    contract = importlib.import_module("validate_request")
    accepted(wire)
    gateway(transport).send(THREADED, operation=OPERATION, first_sent=FIRST_SENT)
    request = wire.calls[0].request
    assert contract.covers(request.method, request.url)
    assert contract.validate(request.method, request.url, json.loads(request.body or "")) == []


def test_timeouts(wire: responses.RequestsMock, transport: Transport) -> None:
    """Three seconds to connect, twelve to answer, on both requests; the SDK's own are 300."""
    accepted(wire)
    wire.get(LOOK_UP, json={"id": OPERATION, "status": "Running"})
    mail = gateway(transport)
    mail.send(ACTION, operation=OPERATION, first_sent=FIRST_SENT)
    mail.find(OPERATION)
    assert [call.request.req_kwargs["timeout"] for call in wire.calls] == [(3, 12), (3, 12)]  # type: ignore[attr-defined]  # added by responses


class Row(NamedTuple):
    """An answer and what it means."""

    status: int
    outcome: type[Outcome]
    reason: str
    seconds: float = 0
    headers: dict[str, str] = {}  # noqa: RUF012 - a tuple's default, never changed
    code: str = ""


REFUSED = {"Repeatability-Result": "rejected"}
DATED = {"Date": "Fri, 20 Nov 2026 05:00:00 GMT", "Retry-After": "Fri, 20 Nov 2026 05:10:00 GMT"}
ROWS = (
    Row(400, Failed, "mail-rejected: ", code="InvalidSenderAddress"),
    Row(400, Deferred, "mail-repeated: ", 60, headers=REFUSED),
    Row(400, Deferred, "mail-repeated: ", 60, code="RepeatabilityRequestMismatch"),
    Row(401, Deferred, "mail-unauthorized: ", 30, code="Denied"),
    Row(403, Deferred, "forbidden: ", 300, code="Forbidden"),
    Row(404, Failed, "mail-not-found: ", code="DomainNotLinked"),
    Row(408, Deferred, "mail-timeout: ", 30),
    Row(409, Deferred, "mail-under-way: ", 60),
    Row(412, Deferred, "mail-too-old: ", 60),
    Row(413, Failed, "mail-too-large: "),
    Row(422, Failed, "mail-refused: "),
    Row(429, Deferred, "mail-throttled: ", 30),
    Row(429, Deferred, "mail-throttled: ", 86400, headers={"Retry-After": "86400"}),
    Row(429, Deferred, "mail-throttled: ", 600, headers=DATED),
    Row(500, Deferred, "mail-unavailable: ", 30),
    Row(503, Deferred, "mail-unavailable: ", 17, headers={"Retry-After": "17"}),
    Row(504, Deferred, "mail-unavailable: ", 30),
    Row(200, Deferred, "mail-unexpected: ", 60),
    Row(307, Deferred, "mail-unexpected: ", 60, headers={"Location": "https://elsewhere.example/"}),
)


@pytest.mark.parametrize("row", ROWS, ids=lambda row: f"{row.status}-{row.code or sorted(row.headers)}")
def test_answers(row: Row, wire: responses.RequestsMock, transport: Transport) -> None:
    """Every answer has its meaning, after one POST; the reason has the code and nothing else of the provider's."""
    body = {"error": {"code": row.code, "message": "words of the provider: ops@example.com"}}
    wire.post(SEND, status=row.status, json=body, headers=row.headers)
    outcome = send(transport)
    assert isinstance(outcome, row.outcome)
    assert not isinstance(outcome, Done)
    assert outcome.reason.startswith(row.reason)
    assert outcome.reason.endswith(f" ({row.code})") or not row.code
    assert "words of the provider" not in outcome.reason
    if isinstance(outcome, Deferred):
        assert outcome.after == timedelta(seconds=row.seconds)
        assert outcome.quota == (row.status == 429)
    assert len(wire.calls) == 1


#: An answer of the token endpoint, as far as an error looks at it; the same status of the mail service is final.
TOKEN_REFUSED: Any = SimpleNamespace(status_code=400, reason="", headers={}, text=lambda: "", json=dict)
LOST = requests.exceptions.ConnectionError(ProtocolError("Connection aborted."))


@pytest.mark.parametrize(
    ("error", "reason", "seconds"),
    [
        (requests.exceptions.ConnectionError("refused"), "mail-unreachable: ", 30),
        (requests.exceptions.ConnectTimeout("late"), "mail-unreachable: ", 30),
        (requests.exceptions.ReadTimeout("late"), "mail-unknown: ", 60),
        (LOST, "mail-unknown: ", 60),
        (DeadlineError(), "mail-unknown: ", 60),
    ],
    ids=["refused", "connect-timeout", "read-timeout", "reset", "deadline"],
)
def test_no_answer(
    error: Exception, reason: str, seconds: int, wire: responses.RequestsMock, transport: Transport
) -> None:
    """Never sent is tried again soon; an unknown outcome waits until it can be looked up. One POST each."""
    wire.post(SEND, body=error)
    outcome = send(transport)
    assert isinstance(outcome, Deferred)
    assert outcome.reason.startswith(reason)
    assert not outcome.reason.endswith(")"), "without an answer there is no code"
    assert outcome.after == timedelta(seconds=seconds)
    assert len(wire.calls) == 1


@pytest.mark.parametrize(
    "error",
    [
        CredentialUnavailableError("no"),
        ClientAuthenticationError("no"),
        ClientAuthenticationError("no", response=TOKEN_REFUSED),
    ],
    ids=["unavailable", "refused", "refused with a status"],
)
def test_identity_not_ready(error: Exception, wire: responses.RequestsMock, transport: Transport) -> None:
    """Without a token nothing is sent, and it is tried again, whatever status the token endpoint gives."""
    outcome = send(transport, Credential(error))
    assert isinstance(outcome, Deferred)
    assert outcome.reason.startswith("identity-not-ready: ")
    assert outcome.after == timedelta(seconds=30)
    assert len(wire.calls) == 0


@pytest.mark.parametrize("flaw", [{"retry-after": "30.5"}, {"retry-after": DATED["Retry-After"]}, {}], ids=repr)
def test_accepted_is_done_whatever_the_sdk_makes_of_it(
    flaw: dict[str, str], wire: responses.RequestsMock, transport: Transport
) -> None:
    """A 202 whose headers or body the SDK cannot read is still accepted: sending again would double it."""
    wire.post(SEND, status=HTTPStatus.ACCEPTED, body="{" if not flaw else "{}", headers=flaw)
    assert send(transport) == Done(receipt=OPERATION)


def test_codes_that_are_no_words_stay_out(wire: responses.RequestsMock, transport: Transport) -> None:
    """A code that is text is not repeated."""
    wire.post(SEND, status=400, json={"error": {"code": "Bad\r\nwords for you"}})
    assert send(transport) == Failed(
        reason="mail-rejected: check MAIL_SENDER, the recipients' addresses and their number (at most 50)"
    )


@pytest.mark.parametrize(
    ("status", "found"),
    [("NotStarted", True), ("Running", True), ("Succeeded", True), ("Failed", False), ("Canceled", False)],
)
def test_find(status: str, *, found: bool, wire: responses.RequestsMock, transport: Transport) -> None:
    """One GET says whether the operation is known; one that the service gave up counts as not sent."""
    wire.get(LOOK_UP, json={"id": OPERATION, "status": status, "error": None})
    assert gateway(transport).find(OPERATION) is found
    assert [(call.request.method, call.request.url) for call in wire.calls] == [
        ("GET", f"{LOOK_UP}?api-version=2025-09-01")
    ]
    assert wire.calls[0].request.headers["Authorization"] == "Bearer token-of-a-test"


def test_find_unknown(wire: responses.RequestsMock, transport: Transport) -> None:
    """404: the service does not know it."""
    wire.get(LOOK_UP, status=404, json={"error": {"code": "OperationNotFound"}})
    assert gateway(transport).find(OPERATION) is False


@pytest.mark.parametrize(
    ("answer", "reason", "seconds"),
    [
        ({"status": 429, "headers": {"Retry-After": "90"}}, "mail-throttled: ", 90),
        ({"status": 503}, "mail-unavailable: ", 30),
        ({"status": 403}, "forbidden: ", 300),
        ({"status": 400}, "mail-look-up-refused: ", 300),
        ({"status": 200, "body": "<html>", "content_type": "text/html"}, "mail-unexpected: ", 60),
        ({"status": 200, "body": "{", "content_type": "application/json"}, "mail-unexpected: ", 60),
        ({"status": 200, "json": []}, "mail-unexpected: ", 60),
        ({"body": requests.exceptions.ReadTimeout("late")}, "mail-unknown: ", 60),
        ({"body": DeadlineError()}, "mail-unknown: ", 60),
    ],
    ids=lambda value: str(value) if isinstance(value, dict) else None,
)
def test_find_without_an_answer(
    answer: dict[str, Any], reason: str, seconds: int, wire: responses.RequestsMock, transport: Transport
) -> None:
    """Whatever is no clear answer is asked again later; one GET each."""
    wire.get(LOOK_UP, **answer)
    found = gateway(transport).find(OPERATION)
    assert isinstance(found, Deferred)
    assert found.reason.startswith(reason)
    assert found.after == timedelta(seconds=seconds)
    assert len(wire.calls) == 1


def test_managed_identity(wire: responses.RequestsMock, transport: Transport, monkeypatch: pytest.MonkeyPatch) -> None:
    """The token comes from the App Service identity endpoint, once, for the mail service."""
    monkeypatch.setenv("IDENTITY_ENDPOINT", IDENTITY)
    monkeypatch.setenv("IDENTITY_HEADER", "secret-of-a-test")
    token = {"access_token": "token-of-the-identity", "expires_on": "4102444800", "token_type": "Bearer"}
    wire.get(IDENTITY, json=token)
    accepted(wire)
    with ManagedIdentityCredential(client_id="3f1f4f43-0000-4000-8000-000000000001") as credential:
        assert send(transport, credential) == Done(receipt=OPERATION)
    asked, posted = (call.request for call in wire.calls)
    assert parse_qs(urlsplit(asked.url or "").query) == {
        "api-version": ["2019-08-01"],
        "client_id": ["3f1f4f43-0000-4000-8000-000000000001"],
        "resource": ["https://communication.azure.com/"],
    }
    assert asked.headers["X-IDENTITY-HEADER"] == "secret-of-a-test"
    assert posted.headers["Authorization"] == "Bearer token-of-the-identity"


def test_managed_identity_refused(
    wire: responses.RequestsMock, transport: Transport, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An identity that is not assigned (yet) is waited for; no mail request goes out."""
    monkeypatch.setenv("IDENTITY_ENDPOINT", IDENTITY)
    monkeypatch.setenv("IDENTITY_HEADER", "secret-of-a-test")
    wire.get(IDENTITY, status=400, json={"statusCode": 400, "message": "No User Assigned Managed Identity found"})
    with ManagedIdentityCredential() as credential:
        outcome = send(transport, credential)
    assert isinstance(outcome, Deferred)
    assert outcome.reason.startswith("identity-not-ready: ")
    assert [call.request.method for call in wire.calls] == ["GET"]


def test_the_client_is_made_once(transport: Transport, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two threads that need it at the same moment get the same client."""
    meeting = Barrier(2)
    made: list[object] = []

    class Client:
        def __init__(self, *_: object, **__: object) -> None:
            made.append(self)
            try:
                meeting.wait(timeout=0.2)  # a second construction would be under way by then
            except BrokenBarrierError:
                return

    monkeypatch.setattr("azure.communication.email.EmailClient", Client)
    mail = gateway(transport)
    with ThreadPoolExecutor(2) as pool:
        clients = [future.result() for future in [pool.submit(mail._client) for _ in range(2)]]
    assert clients == [made[0], made[0]]
    assert len(made) == 1


def test_nothing_happens_before_the_first_mail(transport: Transport) -> None:
    """Making the gateway makes no client and asks for no token."""
    credential = Credential()
    assert gateway(transport, credential)._made is None
    assert credential.scopes == []


def test_times_are_sent_in_utc(wire: responses.RequestsMock, transport: Transport) -> None:
    """First-sent is an IMF-fixdate, whatever the zone it was given in."""
    accepted(wire)
    for zone in (UTC, timezone(timedelta(hours=-8))):
        gateway(transport).send(ACTION, operation=OPERATION, first_sent=FIRST_SENT.astimezone(zone))
    stamps = {call.request.headers["Repeatability-First-Sent"] for call in wire.calls}
    assert stamps == {"Fri, 20 Nov 2026 05:00:07 GMT"}
