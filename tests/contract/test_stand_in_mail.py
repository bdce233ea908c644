"""The stand-in's mail service, through azure-communication-email as it is."""

import uuid
from collections.abc import Iterator
from contextlib import suppress
from datetime import timedelta

import pytest
import requests
from azure.communication.email import EmailClient
from azure.core.credentials import AzureKeyCredential
from azure.core.exceptions import HttpResponseError
from azure.identity import ManagedIdentityCredential

from local.azure import KIND, UNKIND, Fault, StandIn, World
from tests.fakes.azure import stand_in

ENDPOINT = "https://mail-demo.europe.communication.azure.com"
OPERATION = str(uuid.uuid5(uuid.NAMESPACE_URL, "one mail"))
MESSAGE = {
    "senderAddress": "ops@mail.example.com",
    "recipients": {"to": [{"address": "ops@example.com"}, {"address": "oncall@example.com"}]},
    "content": {"subject": "Pipeline failed", "plainText": "It did.", "html": "<p>It did.</p>"},
}


@pytest.fixture
def azure(monkeypatch: pytest.MonkeyPatch) -> Iterator[StandIn]:
    """A stand-in."""
    with stand_in(monkeypatch) as running:
        yield running


def client(azure: StandIn, *, retries: int = 0) -> EmailClient:
    """The SDK's client with a managed identity."""
    credential = ManagedIdentityCredential(client_id=azure.environment["AZURE_CLIENT_ID"])
    return EmailClient(ENDPOINT, credential, retry_total=retries)


def look_up(azure: StandIn, operation: str) -> int:
    """Status of the look-up of an operation by its id."""
    token = ManagedIdentityCredential(client_id=azure.environment["AZURE_CLIENT_ID"])
    bearer = token.get_token("https://communication.azure.com//.default").token
    url = f"{ENDPOINT}/emails/operations/{operation}?api-version=2025-09-01"
    with requests.get(url, headers={"Authorization": f"Bearer {bearer}"}, timeout=5) as answer:
        return answer.status_code


def test_a_mail_is_accepted_and_kept(azure: StandIn) -> None:
    """The answer is 202 with the operation's id; the mailbox has what was sent."""
    with client(azure) as mail:
        result = mail.begin_send(MESSAGE, operation_id=OPERATION, polling=False).result()
    assert result["id"] == OPERATION
    assert result["status"] == "Running"
    (kept,) = azure.mailbox.mails
    assert (kept.subject, kept.to) == ("Pipeline failed", ("ops@example.com", "oncall@example.com"))
    assert (kept.text, kept.html, kept.attempts) == ("It did.", "<p>It did.</p>", 1)
    (entry,) = azure.journal.mails_posted()
    assert entry.headers["operation-id"] == OPERATION


def test_the_same_operation_again_is_one_mail(azure: StandIn) -> None:
    """Within the window a repetition is accepted, counted, and not sent."""
    with client(azure) as mail:
        for _ in range(3):
            mail.begin_send(MESSAGE, operation_id=OPERATION, polling=False)
    assert [kept.attempts for kept in azure.mailbox.mails] == [3]


def test_after_the_window_it_is_a_second_mail(azure: StandIn) -> None:
    """Nobody remembers an operation for longer than five minutes."""
    with client(azure) as mail:
        mail.begin_send(MESSAGE, operation_id=OPERATION, polling=False)
        azure.clock.advance(timedelta(minutes=5, seconds=1))
        mail.begin_send(MESSAGE, operation_id=OPERATION, polling=False)
    assert len(azure.mailbox.mails) == 2


def test_without_an_operation_id_each_post_is_a_mail(azure: StandIn) -> None:
    """The service makes an id each time."""
    with client(azure) as mail:
        ids = {mail.begin_send(MESSAGE, polling=False).result()["id"] for _ in range(2)}
    assert len(ids) == len(azure.mailbox.mails) == 2


def test_the_same_operation_with_another_body_is_refused(azure: StandIn) -> None:
    """400, and the first mail stays the only one."""
    other = MESSAGE | {"content": {"subject": "Another", "plainText": "x"}}
    with client(azure) as mail:
        mail.begin_send(MESSAGE, operation_id=OPERATION, polling=False)
        with pytest.raises(HttpResponseError) as refused:
            mail.begin_send(other, operation_id=OPERATION, polling=False)
    assert refused.value.status_code == 400
    assert len(azure.mailbox.mails) == 1


def test_a_first_attempt_outside_the_window_is_412(azure: StandIn) -> None:
    """The client itself says that it sent first long ago."""
    headers = {
        "Repeatability-Request-ID": OPERATION,
        "Repeatability-First-Sent": "Fri, 20 Nov 2020 07:39:18 GMT",
    }
    with client(azure) as mail, pytest.raises(HttpResponseError) as refused:
        mail.begin_send(MESSAGE, operation_id=OPERATION, polling=False, headers=headers)
    assert refused.value.status_code == 412
    assert azure.mailbox.mails == ()


def test_an_address_that_is_none_is_refused(azure: StandIn) -> None:
    """400 with a code of the service's."""
    with client(azure) as mail, pytest.raises(HttpResponseError) as refused:
        mail.begin_send(MESSAGE | {"recipients": {"to": [{"address": "nobody"}]}}, polling=False)
    assert (refused.value.status_code, refused.value.error and refused.value.error.code) == (400, "InvalidRequest")


def test_a_key_is_accepted_as_well(azure: StandIn) -> None:
    """Signed requests are the other way to authenticate; a request without either is refused."""
    with EmailClient(ENDPOINT, AzureKeyCredential("c2VjcmV0")) as mail:
        mail.begin_send(MESSAGE, polling=False)
    with requests.post(f"{ENDPOINT}/emails:send?api-version=2025-09-01", json=MESSAGE, timeout=5) as answer:
        assert answer.status_code == 401
    assert len(azure.mailbox.mails) == 1


def test_an_operation_can_be_looked_up(azure: StandIn) -> None:
    """By the client's own id; an id that nobody used is 404."""
    with client(azure) as mail:
        mail.begin_send(MESSAGE, operation_id=OPERATION, polling=False)
    assert look_up(azure, OPERATION) == 200
    assert look_up(azure, str(uuid.UUID(int=1))) == 404


@pytest.mark.parametrize(("world", "repeated", "found"), [(KIND, 202, 200), (UNKIND, 409, 404)])
def test_the_worlds_differ(monkeypatch: pytest.MonkeyPatch, world: World, repeated: int, found: int) -> None:
    """What is unknown about repetitions and look-ups is a switch."""
    with stand_in(monkeypatch, world=world) as azure:
        with client(azure) as mail:
            mail.begin_send(MESSAGE, operation_id=OPERATION, polling=False)
            with suppress(HttpResponseError):
                mail.begin_send(MESSAGE, operation_id=OPERATION, polling=False)
        assert azure.journal.mails_posted()[-1].status == repeated
        assert look_up(azure, OPERATION) == found
        assert len(azure.mailbox.mails) == 1


def test_a_503_after_the_mail_was_taken(azure: StandIn) -> None:
    """The client's own retry repeats the operation; it is one mail all the same."""
    azure.faults.add(Fault(method="POST", url="/emails:send", status=503, committed=True))
    with client(azure, retries=1) as mail:
        mail.begin_send(MESSAGE, operation_id=OPERATION, polling=False)
    assert [entry.status for entry in azure.journal.mails_posted()] == [503, 202]
    assert [kept.attempts for kept in azure.mailbox.mails] == [2]


def test_a_body_that_breaks_the_contract_is_marked(azure: StandIn) -> None:
    """The journal names what is wrong, where the contracts lie beside the repository."""
    if "not checked" in azure.journal.contracts:
        pytest.skip(azure.journal.contracts)
    with client(azure) as mail, pytest.raises(HttpResponseError) as refused:
        mail.begin_send({**MESSAGE, "prioritiy": "high"}, polling=False)
    assert refused.value.status_code == 400
    (entry,) = azure.journal.violations()
    assert any("prioritiy" in violation for violation in entry.violations)
