"""Storage accounts as a reader with a role sees them: counts of queues, rows of the table, lists of blobs.

Azurite has the semantics of storage, and no roles. This has the few reads of an operator, by the real host names.
"""

import re
from dataclasses import dataclass, field
from datetime import datetime
from email.utils import formatdate
from http import HTTPStatus
from typing import Any
from xml.sax.saxutils import escape

from local.azure.clock import now
from local.azure.identity import refusal
from local.azure.messages import Answer, Request

AUDIENCE = "https://storage.azure.com"
HOST = re.compile(r"(?P<account>[a-z0-9]+)\.(?P<service>queue|table|blob)\.core\.windows\.net")
SINCE = re.compile(r"Timestamp ge datetime'(?P<time>[^']+)'")
PARTITION = re.compile(r"PartitionKey eq '(?P<key>[^']*)'")


@dataclass(slots=True, kw_only=True)
class Contents:
    """What lies in one account: messages by queue, rows of the table `state`, blobs by container and name."""

    queues: dict[str, int] = field(default_factory=dict)
    rows: list[dict[str, Any]] = field(default_factory=list)
    blobs: dict[str, dict[str, datetime]] = field(default_factory=dict)


class StorageReads:
    """The data of accounts that were put here, for whoever has a token of storage."""

    hosts = HOST

    def __init__(self) -> None:
        self.accounts: dict[str, Contents] = {}

    def answer(self, request: Request) -> Answer | None:
        """Answer a read; None for anything else."""
        host = HOST.fullmatch(request.host)
        contents = self.accounts.get(host["account"]) if host else None
        if host is None or contents is None or request.method != "GET":
            return None
        if refused := refusal(request, AUDIENCE):
            return refused
        name, query = "/".join(request.segments), request.query
        match host["service"], query.get("comp", ""):
            case "queue", "metadata":
                return self._count(contents, name)
            case "table", "" if name == "state()":
                return self._rows(contents, query.get("$filter", ""))
            case "blob", "list":
                return self._blobs(contents, name)
        return None

    def _count(self, contents: Contents, queue: str) -> Answer:
        if queue not in contents.queues:
            return _refused(HTTPStatus.NOT_FOUND, "QueueNotFound")
        headers = {"x-ms-approximate-messages-count": str(contents.queues[queue])}
        return Answer(status=HTTPStatus.OK, headers=headers)

    def _rows(self, contents: Contents, query: str) -> Answer:
        since, partition = SINCE.search(query), PARTITION.search(query)
        rows = [
            row
            for row in contents.rows
            if (since is None or datetime.fromisoformat(row["Timestamp"]) >= datetime.fromisoformat(since["time"]))
            and (partition is None or row["PartitionKey"] == partition["key"])
        ]
        return Answer(status=HTTPStatus.OK, body={"value": rows})

    def _blobs(self, contents: Contents, container: str) -> Answer:
        if container not in contents.blobs:
            return _refused(HTTPStatus.NOT_FOUND, "ContainerNotFound")
        blobs = "".join(
            f"<Blob><Name>{escape(name)}</Name><Properties>"
            f"<Last-Modified>{formatdate(when.timestamp(), usegmt=True)}</Last-Modified><Etag>0x1</Etag>"
            "<Content-Length>2</Content-Length><BlobType>BlockBlob</BlobType></Properties></Blob>"
            for name, when in contents.blobs[container].items()
        )
        body = f'<?xml version="1.0" encoding="utf-8"?><EnumerationResults><Blobs>{blobs}</Blobs></EnumerationResults>'
        headers = {"Content-Type": "application/xml", "Date": formatdate(now().timestamp(), usegmt=True)}
        return Answer(status=HTTPStatus.OK, body=body.encode(), headers=headers)


def _refused(status: int, code: str) -> Answer:
    return Answer(status=status, headers={"x-ms-error-code": code})
