"""The SDK's table client with another way to write and read a transaction's one request.

azure-core writes and reads the parts of a multipart message with the email package, each step in a pool of threads
made for it: nearly half the CPU of a job reaction (docs/performance.md). What is in a part stays the SDK's.

Imported where the store is connected, never at index.
"""

import re
from collections.abc import Iterator, Mapping
from http import HTTPStatus
from typing import Any

from azure.core.exceptions import HttpResponseError
from azure.core.rest import HttpRequest, HttpResponse
from azure.data.tables import TableClient

#: A part is headers, and JSON in one line: no line of it can be a boundary, so these need not be random.
BATCH, CHANGES = "batch_of_one_changeset", "changeset_of_one_partition"
HEADERS = {
    "Accept": "application/json",
    "Content-Type": f"multipart/mixed; boundary={BATCH}",
    "DataServiceVersion": "3.0",
    "MaxDataServiceVersion": "3.0;NetFx",
}
#: A part of the answer: its status and its headers (Azure Table storage, "Performing entity group transactions").
PART = re.compile(r"^HTTP/1\.1 (?P<status>\d{3})[^\r\n]*\r?\n(?P<headers>(?:[^\r\n]+\r?\n)*)", re.MULTILINE)
ETAG = re.compile(r"^etag: *(?P<etag>[^\r\n]+)", re.IGNORECASE | re.MULTILINE)
CODE = re.compile(r'"code": *"(?P<code>\w+)"|<(?:\w+:)?code>(?P<xml>\w+)<', re.IGNORECASE)


class TransactionClient(TableClient):
    """A TableClient whose `submit_transaction` costs what a request costs."""

    def _batch_send(self, table_name: str, *reqs: HttpRequest, **kwargs: Any) -> list[Mapping[str, Any]]:  # noqa: ANN401, ARG002 - the SDK's signature
        """Send *reqs* as one transaction: the new versions, in their order.

        Raises HttpResponseError with ``status_code`` and ``error_code`` of whatever refused it.
        """
        headers = {**HEADERS, "x-ms-version": str(self.api_version)}
        url = f"{self.scheme}://{self._primary_hostname}/$batch"
        call = HttpRequest("POST", url, headers=headers, content="".join(_lines(reqs)).encode())
        # As a stream: what is decoded by itself is JSON and XML.
        answer: HttpResponse = self._client.send_request(call, stream=True, **kwargs)
        answer.read()
        if answer.status_code != HTTPStatus.ACCEPTED:
            raise _refusal(answer, answer.status_code)
        parts = list(PART.finditer(answer.text()))
        statuses = [int(part["status"]) for part in parts]
        if refused := next((status for status in statuses if status >= HTTPStatus.BAD_REQUEST), 0):
            raise _refusal(answer, refused)
        etags = [found["etag"] for part in parts if (found := ETAG.search(part["headers"]))]
        if len(etags) != len(reqs):  # what became of it is not known
            raise HttpResponseError(message="The answer does not tell the new versions.", response=answer)
        return [{"etag": etag} for etag in etags]


def _lines(requests: tuple[HttpRequest, ...]) -> Iterator[str]:
    yield f"--{BATCH}\r\nContent-Type: multipart/mixed; boundary={CHANGES}\r\n\r\n"
    for number, request in enumerate(requests):
        yield f"--{CHANGES}\r\nContent-Type: application/http\r\nContent-Transfer-Encoding: binary\r\n"
        yield f"Content-ID: {number}\r\n\r\n{request.method} {request.url} HTTP/1.1\r\n"
        yield from (f"{name}: {value}\r\n" for name, value in request.headers.items())
        yield f"\r\n{request.content}\r\n"
    yield f"--{CHANGES}--\r\n\r\n--{BATCH}--\r\n"


def _refusal(answer: HttpResponse, status: int) -> HttpResponseError:
    """Make the error of *answer*, or of its part with *status*."""
    error: Any = HttpResponseError(message="The transaction was refused.", response=answer)
    found = CODE.search(answer.text())
    error.status_code = status
    error.error_code = found["code"] or found["xml"] if found else answer.headers.get("x-ms-error-code")
    return error  # type: ignore[no-any-return] # error_code is no attribute of the class; the SDK sets it so too
