"""The clients of state storage at HTTP level: what is sent, and what becomes of each refusal."""

import re
import socket
import traceback
from collections.abc import Callable, Iterator
from datetime import timedelta
from urllib.parse import parse_qs, urlsplit

import pytest
import requests
import responses
from azure.core.credentials import AccessToken

from shared.errors import ConfigurationError, ReactorError, RowTooLargeError, StorageError
from shared.gateways.blobs import BlobContainer
from shared.gateways.queue import StorageQueue
from shared.settings import StateStorage
from shared.store import KEYS_PER_REQUEST, Conflict, Row, TableStore
from shared.store.limits import PROPERTY_CHARACTERS
from shared.transport import Transport, build_transport

STORAGE = StateStorage(
    table_uri="https://acct.table.core.windows.net",
    queue_uri="https://acct.queue.core.windows.net",
    blob_uri="https://acct.blob.core.windows.net",
)
URL = re.compile(r"https://acct\..*")
HEADERS = {"Date": "Tue, 01 Jul 2025 10:00:00 GMT", "Retry-After": "600"}
#: Text of the provider, which no error of ours repeats.
SECRET = "provider text"  # noqa: S105 - it is no password, it only must not be seen
ROW = Row(partition="p", key="k", values={"a": "1"}, etag='W/"1"')


class Identity:
    """A managed identity that always has a token."""

    def get_token(self, *scopes: str, **_: object) -> AccessToken:
        """Give a token that names its scope."""
        return AccessToken(f"token for {' '.join(scopes)}", 4102444800)


class Clients:
    """Every client of state storage."""

    def __init__(self, transport: Transport, storage: StateStorage = STORAGE) -> None:
        identity = Identity()
        self.table = TableStore.connect(storage, transport=transport, credential=identity)
        self.queue = StorageQueue.connect(storage, transport=transport, credential=identity)
        self.blobs = BlobContainer.connect(storage, "dead-letters", transport=transport, credential=identity)


CALLS: dict[str, Callable[[Clients], object]] = {
    "query": lambda clients: clients.table.query("p", ["k"]),
    "insert": lambda clients: clients.table.insert(ROW),
    "merge": lambda clients: clients.table.merge(ROW),
    "transaction": lambda clients: clients.table.transaction([ROW]),
    "send": lambda clients: clients.queue.send(b"{}"),
    "put": lambda clients: clients.blobs.put("a.json", b"x"),
    "get": lambda clients: clients.blobs.get("a.json"),
}
every_call = pytest.mark.parametrize("call", CALLS.values(), ids=CALLS.keys())


@pytest.fixture
def http() -> Iterator[responses.RequestsMock]:
    """Give a network on which nothing but the test's own answers exists."""
    with responses.RequestsMock() as network:
        yield network


@pytest.fixture
def clients() -> Iterator[Clients]:
    """Give the clients, by identity, on the production transport."""
    with build_transport() as transport:
        yield Clients(transport)


def answer(http: responses.RequestsMock, status: int, code: str = "", **more: str) -> None:
    """Answer everything with *status* and, in the form of Table storage, *code*."""
    body = {"odata.error": {"code": code, "message": {"lang": "en-US", "value": SECRET}}} if code else {}
    for method in (responses.GET, responses.POST, responses.PUT, responses.PATCH):
        http.add(method, url=URL, status=status, json=body, headers={**HEADERS, **more})
    http.assert_all_requests_are_fired = False


@every_call
@pytest.mark.parametrize("status", [400, 403, 429, 500, 503])
def test_refusal_is_a_storage_error_after_one_request(
    http: responses.RequestsMock, clients: Clients, call: Callable[[Clients], object], status: int
) -> None:
    """No client retries or waits, Retry-After or not; the error has the status, and no word of the provider."""
    answer(http, status, "Whatever")
    with pytest.raises(StorageError) as caught:
        call(clients)
    assert caught.value.facts["status"] == status
    assert SECRET not in "".join(traceback.format_exception(caught.value))
    assert len(http.calls) == 1
    assert http.calls[0].request.headers["Authorization"] == "Bearer token for https://storage.azure.com/.default"


@every_call
@pytest.mark.parametrize("error", [requests.ConnectionError(SECRET), requests.ReadTimeout(SECRET)])
def test_no_answer_is_a_storage_error(
    http: responses.RequestsMock, clients: Clients, call: Callable[[Clients], object], error: Exception
) -> None:
    """Nothing is known then but that there was no answer."""
    for method in (responses.GET, responses.POST, responses.PUT, responses.PATCH):
        http.add(method, url=URL, body=error)
    http.assert_all_requests_are_fired = False
    with pytest.raises(StorageError) as caught:
        call(clients)
    assert "status" not in caught.value.facts
    assert SECRET not in "".join(traceback.format_exception(caught.value))
    assert len(http.calls) == 1


@every_call
def test_unreachable_service_is_a_storage_error(call: Callable[[Clients], object]) -> None:
    """Nothing listens."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    ends = (f"{service}Endpoint=http://127.0.0.1:{port}/a" for service in ("Table", "Queue", "Blob"))
    storage = StateStorage(connection_string=f"AccountName=a;AccountKey=bm90aGluZw==;{';'.join(ends)}")
    with build_transport() as transport, pytest.raises(StorageError):
        call(Clients(transport, storage))


@pytest.mark.parametrize("call", [CALLS["insert"], CALLS["merge"]], ids=["insert", "merge"])
def test_missing_table_is_no_conflict(
    http: responses.RequestsMock, clients: Clients, call: Callable[[Clients], object]
) -> None:
    """A table that infrastructure did not create is trouble, not a race."""
    answer(http, 404, "TableNotFound")
    with pytest.raises(StorageError):
        call(clients)


@pytest.mark.parametrize("status", [404, 412])
def test_conflict_has_the_date_of_the_refusal(http: responses.RequestsMock, clients: Clients, status: int) -> None:
    """A refused merge says when the store refused it."""
    answer(http, status, {404: "ResourceNotFound", 412: "UpdateConditionNotSatisfied"}[status])
    refused = clients.table.merge(ROW)
    assert isinstance(refused, Conflict)
    assert refused.at.isoformat() == "2025-07-01T10:00:00+00:00"


def test_answer_without_a_date_is_a_storage_error(http: responses.RequestsMock, clients: Clients) -> None:
    """Without the store's clock there is none."""
    http.add(responses.PATCH, URL, status=204, headers={"ETag": 'W/"2"'})
    with pytest.raises(StorageError):
        clients.table.merge(ROW)


@pytest.mark.parametrize("code", ["EntityTooLarge", "TooManyProperties"])
def test_merged_row_too_large_is_said_so(http: responses.RequestsMock, clients: Clients, code: str) -> None:
    """Only the service knows the size of the merged row; its refusal is not mistaken for an outage."""
    answer(http, 400, code)
    with pytest.raises(RowTooLargeError):
        clients.table.merge(ROW)


def test_query_of_an_event_is_one_request(http: responses.RequestsMock, clients: Clients) -> None:
    """The event's row and what 13 reactions remember are read at once; quotes are doubled."""
    http.add(responses.GET, URL, json={"value": []}, headers=HEADERS)
    page = clients.table.query("o'neill", [f"k{number}" for number in range(KEYS_PER_REQUEST)])
    assert page.at.isoformat() == "2025-07-01T10:00:00+00:00"
    assert len(http.calls) == 1
    (condition,) = parse_qs(urlsplit(str(http.calls[0].request.url)).query)["$filter"]
    assert condition.startswith("PartitionKey eq 'o''neill' and ( RowKey eq 'k0' or ")
    assert condition.count(" eq ") == 15


def test_nothing_is_sent_for_a_row_too_large(http: responses.RequestsMock, clients: Clients) -> None:
    """The size is checked before."""
    with pytest.raises(RowTooLargeError):
        clients.table.transaction([ROW, Row(partition="p", key="l", values={"a": "x" * (PROPERTY_CHARACTERS + 1)})])
    assert len(http.calls) == 0


@pytest.mark.parametrize(
    ("after", "seconds"),
    [
        (timedelta(), "0"),
        (timedelta(seconds=-5), "0"),
        (timedelta(milliseconds=1), "1"),
        (timedelta(minutes=5), "300"),
        (timedelta(days=6), "518400"),
        (timedelta(days=30), "518400"),
    ],
)
def test_delay_is_sent_in_seconds(
    http: responses.RequestsMock, clients: Clients, after: timedelta, seconds: str
) -> None:
    """A delay is rounded up, at most 6 days, and the message never expires."""
    body = "<QueueMessagesList><QueueMessage><MessageId>1</MessageId></QueueMessage></QueueMessagesList>"
    http.add(responses.POST, URL, status=201, body=body, content_type="application/xml")
    clients.queue.send(b"{}", after=after)
    request = http.calls[0].request
    assert request.url == (
        f"https://acct.queue.core.windows.net/workspace-events/messages?visibilitytimeout={seconds}&messagettl=-1"
    )
    assert isinstance(request.body, bytes)
    assert b"<MessageText>e30=</MessageText>" in request.body


def test_put_never_overwrites(http: responses.RequestsMock, clients: Clients) -> None:
    """The condition is the service's to keep: one PUT with If-None-Match."""
    http.add(responses.PUT, URL, status=409, headers={**HEADERS, "x-ms-error-code": "BlobAlreadyExists"})
    clients.blobs.put("a.json", b"x")
    assert len(http.calls) == 1
    assert http.calls[0].request.headers["If-None-Match"] == "*"


@pytest.mark.parametrize(
    "storage",
    [
        StateStorage(connection_string="AccountName=only"),
        StateStorage(table_uri="http://a.b/", queue_uri="http://a.b/", blob_uri="http://a.b/"),
        StateStorage(),
    ],
    ids=["half a connection string", "no https", "nothing"],
)
def test_unusable_settings_are_a_configuration_error(storage: StateStorage) -> None:
    """The error names the setting and its form, and not its value."""
    with build_transport() as transport, pytest.raises(ConfigurationError) as caught:
        Clients(transport, storage)
    assert isinstance(caught.value, ReactorError)
    assert "StateStorage" in str(caught.value)
    assert "only" not in str(caught.value)
