"""A transaction as it is sent and read: the SDK's own parts, and what becomes of each answer."""

import re
from collections.abc import Iterator

import pytest
import responses
from azure.core import MatchConditions
from azure.core.credentials import AzureNamedKeyCredential
from azure.data.tables import TableClient, UpdateMode

from shared.errors import RowTooLargeError, StorageError
from shared.settings import StateStorage
from shared.store import Conflict, Row, TableStore, Written
from shared.store.transactions import TransactionClient
from shared.transport import build_transport

ENDPOINT = "https://acct.table.core.windows.net"
DATE = {"Date": "Tue, 01 Jul 2025 10:00:00 GMT"}
#: Of the moment and of chance, and needed by neither.
OF_THE_SDK = {"x-ms-date", "Date", "x-ms-client-request-id"}
ROWS = [Row(partition="p", key="a", values={"v": "1"}, etag='W/"1"'), Row(partition="p", key="b", values={"v": "2"})]


def parts(*contents: str) -> str:
    """Return the answer to a transaction, as the service writes it."""
    head = "--c\r\nContent-Type: application/http\r\nContent-Transfer-Encoding: binary\r\n\r\n"
    inner = "".join(f"{head}{content}\r\n" for content in contents)
    return f"--b\r\nContent-Type: multipart/mixed; boundary=c\r\n\r\n{inner}--c--\r\n--b--\r\n"


def written(etag: str) -> str:
    """Return the part of an operation that was carried out."""
    return f'HTTP/1.1 204 No Content\r\nDataServiceVersion: 1.0;\r\nETag: W/"{etag}"\r\n\r\n'


def refused(status: int, body: str) -> str:
    """Return the one part of a transaction that was refused."""
    return f"HTTP/1.1 {status} Refused\r\nContent-Type: application/json\r\n\r\n{body}\r\n"


def json_error(code: str) -> str:
    """Return an error in JSON."""
    return f'{{"odata.error":{{"code":"{code}","message":{{"lang":"en-US","value":"1:provider text"}}}}}}'


@pytest.fixture
def http() -> Iterator[responses.RequestsMock]:
    """Give a network on which nothing but the test's own answers exists."""
    with responses.RequestsMock() as network:
        yield network


@pytest.fixture
def store() -> Iterator[TableStore]:
    """Give the store as the app connects it."""
    key = f"DefaultEndpointsProtocol=https;AccountName=acct;AccountKey=bm90aGluZw==;TableEndpoint={ENDPOINT}"
    with build_transport() as transport:
        yield TableStore.connect(StateStorage(connection_string=key), transport=transport)


def answer(http: responses.RequestsMock, body: str, status: int = 202) -> None:
    """Answer the next transaction."""
    http.add(
        responses.POST,
        f"{ENDPOINT}/$batch",
        body=body,
        status=status,
        headers=DATE,
        content_type="multipart/mixed; boundary=b",
    )


def operations(body: str) -> list[tuple[str, dict[str, str], str]]:
    """Return the request line, the headers and the content of each part, without what is of the moment."""
    found = []
    for part in re.findall(r"\r\n\r\n((?:POST|PATCH) .+?)\r\n--changeset", body, re.DOTALL):
        head, _, content = part.partition("\r\n\r\n")
        line, *headers = head.split("\r\n")
        named = dict(header.split(": ", 1) for header in headers)
        found.append((line, {name: value for name, value in named.items() if name not in OF_THE_SDK}, content))
    return found


def test_the_parts_are_the_sdks_own(http: responses.RequestsMock) -> None:
    """Operation by operation the same requests, whatever stands in them; around them the same headers."""
    new = {"PartitionKey": "o'neill é/x", "RowKey": "r\r\n--changeset", "v": "é\r\n\r\n--batch", "n": (5, "Edm.Int64")}
    old = {"PartitionKey": "o'neill é/x", "RowKey": "s", "v": ""}
    seen = {"mode": UpdateMode.MERGE, "etag": 'W/"1"', "match_condition": MatchConditions.IfNotModified}
    sent = []
    for kind in (TableClient, TransactionClient):
        answer(http, parts(written("2"), written("3")))
        with kind(ENDPOINT, "state", credential=AzureNamedKeyCredential("acct", "bm90aGluZw==")) as client:
            answers = client.submit_transaction(
                [("create", new, {"response_preference": "return-no-content"}), ("update", old, seen)]
            )
        assert [one["etag"] for one in answers] == ['W/"2"', 'W/"3"']
        request = http.calls[-1].request
        assert request.headers["Content-Length"] == str(len(request.body or b""))
        kept = {"Accept", "DataServiceVersion", "MaxDataServiceVersion", "x-ms-version"}
        assert request.headers["Content-Type"].startswith("multipart/mixed; boundary=batch_")
        assert request.headers["Authorization"].startswith("SharedKey acct:")
        body = request.body.decode() if isinstance(request.body, bytes) else str(request.body)
        sent.append(({name: request.headers[name] for name in kept}, operations(body)))
    assert sent[0] == sent[1]
    assert len(sent[0][1]) == 2


def test_versions_come_in_the_order_of_the_rows(http: responses.RequestsMock, store: TableStore) -> None:
    """And the time is that of the answer."""
    answer(http, parts(written("7"), written("8")))
    found = store.transaction(ROWS)
    assert isinstance(found, Written)
    assert found.etags == ('W/"7"', 'W/"8"')
    assert found.at.isoformat() == "2025-07-01T10:00:00+00:00"


@pytest.mark.parametrize(
    ("status", "code"), [(409, "EntityAlreadyExists"), (412, "UpdateConditionNotSatisfied"), (404, "ResourceNotFound")]
)
def test_a_part_that_lost_a_race_is_a_conflict(
    http: responses.RequestsMock, store: TableStore, status: int, code: str
) -> None:
    """The whole is answered with 202, and its one part tells."""
    answer(http, parts(refused(status, json_error(code))))
    assert isinstance(store.transaction(ROWS), Conflict)


@pytest.mark.parametrize(
    "body",
    [
        json_error("EntityTooLarge"),
        '<?xml version="1.0"?><error xmlns="urn:x"><code>EntityTooLarge</code><message>provider text</message></error>',
        '<m:error xmlns:m="urn:x"><m:code>EntityTooLarge</m:code></m:error>',
    ],
)
def test_a_row_too_large_is_said_so(http: responses.RequestsMock, store: TableStore, body: str) -> None:
    """In JSON or in XML."""
    answer(http, parts(refused(400, body)))
    with pytest.raises(RowTooLargeError):
        store.transaction(ROWS)


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (parts(refused(404, json_error("TableNotFound"))), 404),
        (parts(refused(500, "")), 500),
        (parts(refused(400, "neither JSON nor XML")), 400),
    ],
)
def test_other_refusals_are_storage_errors(
    http: responses.RequestsMock, store: TableStore, body: str, status: int
) -> None:
    """With the part's status, and no word of the provider."""
    answer(http, body)
    with pytest.raises(StorageError) as caught:
        store.transaction(ROWS)
    assert caught.value.facts["status"] == status


@pytest.mark.parametrize("body", ["", parts(), parts(written("7")), "no parts at all", parts(*[written("7")] * 3)])
def test_an_answer_without_all_versions_is_no_success(
    http: responses.RequestsMock, store: TableStore, body: str
) -> None:
    """What became of the rows is not known then: the host brings the message back."""
    answer(http, body)
    with pytest.raises(StorageError):
        store.transaction(ROWS)
