"""Communication Services mail: accepts, recognises repeated operations, keeps what it would have sent."""

import re
import threading
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from typing import Any

from local.azure.clock import ScaledClock, now
from local.azure.contracts import Contracts
from local.azure.identity import refusal
from local.azure.messages import Answer, Request, error
from local.azure.world import World

AUDIENCE = "https://communication.azure.com"
OPERATION = re.compile(r"/emails/operations/(?P<id>[^/]+)")
ADDRESS = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+")
SENDING = timedelta(seconds=30)  # how long an operation runs; the Retry-After that the service gives


@dataclass(frozen=True, slots=True, kw_only=True)
class Mail:
    """A mail that was accepted. *attempts* counts the POSTs of its operation, refused repetitions included."""

    operation: str
    sender: str
    to: tuple[str, ...]
    subject: str
    html: str
    text: str
    attempts: int
    headers: Mapping[str, str]


@dataclass(slots=True, kw_only=True)
class _Operation:
    body: Any
    accepted: timedelta  # on the scaled clock
    attempts: int = 1


class Communication:
    """The mail service of every Communication Services resource. Thread-safe."""

    hosts = re.compile(r"(?:[a-z0-9-]+\.)+communication\.azure\.com")

    def __init__(self, clock: ScaledClock, world: World, contracts: Contracts) -> None:
        self.world = world
        self._clock = clock
        self._contracts = contracts
        self._lock = threading.Lock()
        self._operations: dict[str, _Operation] = {}
        self._sent: list[tuple[str, Any]] = []

    @property
    def mails(self) -> tuple[Mail, ...]:
        """What would have reached a mailbox, in order; a mail sent twice is here twice."""
        with self._lock:
            return tuple(_mail(body, operation, self._operations[operation].attempts) for operation, body in self._sent)

    def answer(self, request: Request) -> Answer | None:
        """Answer a POST of a mail or the look-up of an operation."""
        lookup = OPERATION.fullmatch(request.path)
        known = request.method == "POST" and request.path == "/emails:send"
        if not known and not (request.method == "GET" and lookup):
            return None
        if not request.headers.get("authorization", "").startswith("HMAC-SHA256"):
            refused = refusal(request, AUDIENCE)
            if refused is not None:
                return _error(HTTPStatus.UNAUTHORIZED, "Denied", "Denied by the resource provider.")
        return self._look_up(lookup["id"]) if lookup else self._send(request)

    def _send(self, request: Request) -> Answer:
        violations = self._contracts.violations(request)
        body = request.json()
        problem = _problem(body)
        if violations or problem:
            refused = _error(HTTPStatus.BAD_REQUEST, "InvalidRequest", problem or f"Contract broken: {violations[0]}")
            return Answer(status=refused.status, body=refused.body, headers=refused.headers, violations=violations)
        operation = request.headers.get("operation-id") or str(uuid.uuid4())  # noqa: TID251 - the service's own id
        try:
            uuid.UUID(operation)
        except ValueError:
            return _error(HTTPStatus.BAD_REQUEST, "InvalidOperationId", "Operation-Id must be a UUID.")
        if self._too_old(request.headers.get("repeatability-first-sent")):
            return _error(HTTPStatus.PRECONDITION_FAILED, "RepeatabilityWindow", "First sent outside the window.")
        with self._lock:
            return self._accept(operation, body) or _accepted(request.host, operation)

    def _accept(self, operation: str, body: object) -> Answer | None:
        """Keep the mail, or recognise it; an answer where it is refused."""
        known = self._operations.get(operation)
        if known is None or self._clock.elapsed - known.accepted > self.world.mail_window:
            attempts = known.attempts + 1 if known else 1
            self._operations[operation] = _Operation(body=body, accepted=self._clock.elapsed, attempts=attempts)
            self._sent.append((operation, body))
            return None
        known.attempts += 1
        if known.body != body:
            return _error(HTTPStatus.BAD_REQUEST, "RepeatabilityMismatch", "The operation had another body.")
        if self.world.repeated_mail_status != HTTPStatus.ACCEPTED:
            return _error(HTTPStatus(self.world.repeated_mail_status), "OperationExists", "The operation is known.")
        return None

    def _too_old(self, first_sent: str | None) -> bool:
        """Whether the first attempt was longer ago than the window (the client says so itself)."""
        if first_sent is None:
            return False
        try:
            return now() - parsedate_to_datetime(first_sent) > self.world.mail_window
        except (ValueError, TypeError):
            return True

    def _look_up(self, operation: str) -> Answer:
        with self._lock:
            known = self._operations.get(operation) if self.world.mail_lookup else None
        if known is None:
            return _error(HTTPStatus.NOT_FOUND, "NotFound", "There is no such operation.")
        running = self._clock.elapsed - known.accepted < SENDING
        return Answer(
            status=HTTPStatus.OK,
            body={"id": operation, "status": "Running" if running else "Succeeded", "error": None},
            headers={"Retry-After": str(int(SENDING.total_seconds()))} if running else {},
        )


def _accepted(host: str, operation: str) -> Answer:
    location = f"https://{host}/emails/operations/{operation}?api-version=2025-09-01"
    return Answer(
        status=HTTPStatus.ACCEPTED,
        body={"id": operation, "status": "Running", "error": None},
        headers={"Operation-Location": location, "Retry-After": str(int(SENDING.total_seconds()))},
    )


def _error(status: HTTPStatus, code: str, message: str) -> Answer:
    return error(status, code, message, x_ms_error_code=code)


def _problem(body: Any) -> str:  # noqa: ANN401 - JSON as it came
    """What is wrong with a mail's addresses, or nothing."""
    try:
        addresses = [recipient["address"] for recipient in body["recipients"]["to"]]
        sender = body["senderAddress"]
    except (KeyError, TypeError):
        return "senderAddress and recipients.to are needed."
    if not addresses or not all(ADDRESS.fullmatch(address) for address in (*addresses, sender)):
        return "An address is not one."
    return ""


def _mail(body: Any, operation: str, attempts: int) -> Mail:  # noqa: ANN401 - JSON that _problem looked at
    content = body.get("content", {})
    return Mail(
        operation=operation,
        sender=body["senderAddress"],
        to=tuple(recipient["address"] for recipient in body["recipients"]["to"]),
        subject=content.get("subject", ""),
        html=content.get("html", ""),
        text=content.get("plainText", ""),
        attempts=attempts,
        headers=body.get("headers") or {},
    )
