"""HTTP as the stand-in sees it: a request read completely, an answer to be written."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol
from urllib.parse import parse_qsl, unquote, urlsplit


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """One request. *headers* have lower-case names; *connection* numbers the TCP connection it came on."""

    method: str
    url: str
    headers: Mapping[str, str]
    body: bytes
    connection: int

    @property
    def host(self) -> str:
        """Host name in lower case, without the port."""
        return urlsplit(self.url).hostname or ""

    @property
    def path(self) -> str:
        """The path as it was sent, percent-encoding included."""
        return urlsplit(self.url).path

    @property
    def segments(self) -> tuple[str, ...]:
        """The decoded parts of the path."""
        return tuple(unquote(part) for part in self.path.split("/") if part)

    @property
    def query(self) -> dict[str, str]:
        """Query parameters by lower-case name; the last of a name counts."""
        return {name.lower(): value for name, value in parse_qsl(urlsplit(self.url).query, keep_blank_values=True)}

    @property
    def bearer(self) -> str:
        """The bearer token, or an empty string."""
        scheme, _, value = self.headers.get("authorization", "").partition(" ")
        return value.strip() if scheme.lower() == "bearer" else ""

    def json(self) -> Any:  # noqa: ANN401 - a parser's result; callers narrow it
        """The body as JSON; None when it is none."""
        try:
            return json.loads(self.body)
        except ValueError:
            return None


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """One answer; *body* is sent as JSON unless it is bytes or None.

    *unknown* marks a URL that Azure may have but the stand-in does not; *violations* is what is wrong with the
    request by the published contract.
    """

    status: int
    body: object = None
    headers: Mapping[str, str] = field(default_factory=dict)
    unknown: bool = False
    violations: tuple[str, ...] = ()

    @property
    def payload(self) -> bytes:
        """The bytes of the body."""
        if self.body is None:
            return b""
        return self.body if isinstance(self.body, bytes) else json.dumps(self.body).encode()


class Service(Protocol):
    """One of Azure's services: the host names it answers to, and its answers."""

    @property
    def hosts(self) -> re.Pattern[str]:
        """What the whole host name must match."""
        ...

    def answer(self, request: Request) -> Answer | None:
        """Answer *request*; None when the URL is none the service knows."""
        ...


def error(status: int, code: str, message: str, **headers: str) -> Answer:
    """The plain error of most of Azure's data planes; *headers* are given with underscores for hyphens."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Answer(status=status, body={"error": {"code": code, "message": message}}, headers=named)


def unknown_url(request: Request) -> Answer:
    """The loud refusal of a URL that the stand-in does not know."""
    message = (
        f"The stand-in for Azure does not know {request.method} {request.url}. "
        "Either the app asks for something it should not, or local/azure has to learn it."
    )
    return Answer(status=404, body={"error": {"code": "UnknownUrl", "message": message}}, unknown=True)
