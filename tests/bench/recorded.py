"""What the app sends for an event, recorded once and made into the floor's replays."""

import base64
import re
from collections.abc import Sequence
from datetime import timedelta
from urllib.parse import parse_qsl, urlsplit

from azure.storage.queue import AccountSasPermissions, ResourceTypes, generate_account_sas

from local.azure.clock import now
from local.azurite import ACCOUNT, KEY
from tests.bench.floor import Call
from tests.bench.player import Sent

AUTHORIZATION = re.compile(rb"(?im)^authorization:[^\r\n]*\r\n")
#: A version that was read is another one at the next time.
VERSION = re.compile(rb"(?im)^if-match:[^\r\n]*\r\n")
OPERATION = re.compile(rb"(?im)^operation-id: *([^\r\n]+)")
AN_HOUR = timedelta(hours=1)


def signature() -> str:
    """Sign for an hour, with the emulator's published key: a recorded request can then be sent with other subjects."""
    everything = AccountSasPermissions(
        read=True, write=True, delete=True, list=True, add=True, update=True, process=True
    )
    kinds = ResourceTypes(service=True, container=True, object=True)
    return generate_account_sas(ACCOUNT, KEY, kinds, everything, now() + AN_HOUR, services="qt")


def ports(connection_string: str) -> tuple[int, int]:
    """Return the ports of tables and of queues in an emulator's connection string."""
    parts = dict(part.partition("=")[::2] for part in connection_string.split(";"))
    table, queue = (urlsplit(parts[f"{service}Endpoint"]).port or 0 for service in ("Table", "Queue"))
    return table, queue


def storage_calls(sent: Sequence[Sent], connection_string: str, signed: str) -> list[Call]:
    """Return the requests to tables and queues, signed anew."""
    return [
        Call(raw=base64.b64encode(_signed(one.bytes, signed)).decode(), port=one.port)
        for one in sent
        if one.port in ports(connection_string)
    ]


def operation(sent: Sequence[Sent]) -> str:
    """Return the id of the mail operation among recorded requests."""
    (found,) = {match[1].decode() for one in sent if (match := OPERATION.search(one.bytes))}
    return found


def azure_call(sent: Sequence[Sent], method: str, path: str) -> Call:
    """Return the one request with that method whose path has *path* in it, as it was; its token still holds."""
    (one,) = (
        one for one in sent if one.bytes.startswith(method.encode()) and path.encode() in one.bytes.split(b"\r\n")[0]
    )
    host = re.search(rb"(?im)^host: *([^\r\n]+)", one.bytes)
    assert host is not None
    return Call(raw=base64.b64encode(one.bytes).decode(), port=one.port, tunnel=host[1].decode())


def _signed(raw: bytes, signature: str) -> bytes:
    head, end, body = raw.partition(b"\r\n\r\n")
    first, line, headers = head.partition(b"\r\n")
    method, target, version = first.split(b" ")
    target += (b"&" if parse_qsl(urlsplit(target).query) else b"?") + signature.encode()
    headers = VERSION.sub(b"If-Match: *\r\n", AUTHORIZATION.sub(b"", headers + line))
    return b" ".join((method, target, version)) + line + headers.removesuffix(line) + end + body
