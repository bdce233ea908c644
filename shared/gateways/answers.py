"""What an Azure answer says, sorted without reading a word of it: how long to wait, which code, how far it got."""

import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Literal

from shared.errors import DeadlineError

if TYPE_CHECKING:
    from azure.core.exceptions import ClientAuthenticationError, HttpResponseError
    from azure.core.rest import HttpResponse

#: How far a request got: it never left; nobody knows; no token for it was to be had; there is a status to go by.
type Failure = Literal["never-sent", "unknown", "identity", "status"]

#: Codes of Azure errors are words; anything else is text of somebody else and is not repeated.
CODE = re.compile(r"[A-Za-z0-9_.]{1,60}")

#: A role that a deployment assigns is there within half an hour; a refusal that lasts longer is meant.
PROPAGATION = timedelta(minutes=30)

#: Only keeps arithmetic from overflowing; the queue waits six days at a time at most.
LONGEST = timedelta(days=365)

#: Headers that say how long to wait, the most exact first, with the seconds of one unit.
WAITS = (("retry-after-ms", 0.001), ("x-ms-retry-after-ms", 0.001), ("retry-after", 1.0))


def retry_after(headers: Mapping[str, str], *, at: datetime | None = None) -> timedelta | None:
    """How long the service asks to wait, of any length; None when it does not say, or not readably.

    An HTTP date is counted from *at* (UTC), without it from the answer's own ``Date``, so that no clock is read.
    A date that has passed, and a negative number, are zero.
    """
    values = {name.lower(): value.strip() for name, value in headers.items()}
    for name, unit in WAITS:
        value = values.get(name, "")
        if re.fullmatch(r"-?[0-9]{1,32}(\.[0-9]{0,32})?", value):
            return _bounded(float(value) * unit)
        until, since = _date(value), at or _date(values.get("date", ""))
        if until and since:
            return _bounded((until - since).total_seconds())
    return None


def error_code(answer: "HttpResponse | HttpResponseError") -> str:
    """Code of the error, of *answer* or of the answer an error carries: safe to log and to keep.

    From ``x-ms-error-code``, else ``error.code`` of the JSON body, else ``code``; "" when there is none or
    it is not a plain word of at most 60 characters.
    """
    response: Any = getattr(answer, "response", answer)
    if response is None:
        return ""
    headers = {name.lower(): value for name, value in response.headers.items()}
    for candidate in (headers.get("x-ms-error-code"), *_body_codes(response)):
        if isinstance(candidate, str) and CODE.fullmatch(candidate):
            return candidate
    return ""


def failure(error: Exception) -> Failure:
    """How far the request got that ended in *error*.

    "status" means that ``error.status_code`` is a number to go by. Whatever is not known for certain is "unknown".
    """
    from azure.core.exceptions import (  # noqa: PLC0415 - Azure SDKs are imported where they are used
        ClientAuthenticationError,
        HttpResponseError,
        IncompleteReadError,
        ServiceRequestError,
    )

    if isinstance(error, DeadlineError | IncompleteReadError):
        return "unknown"
    if isinstance(error, ServiceRequestError):
        return "never-sent"
    if isinstance(error, ClientAuthenticationError) and _about_the_token(error):
        return "identity"
    if isinstance(error, HttpResponseError) and error.status_code is not None:
        return "status"
    return "unknown"


def _about_the_token(error: "ClientAuthenticationError") -> bool:
    """Whether there was no token to send with; azure-identity raises so even where its endpoint answered 503."""
    from azure.identity import CredentialUnavailableError  # noqa: PLC0415 - as above; loaded already where it was raised

    return isinstance(error, CredentialUnavailableError) or error.status_code != HTTPStatus.UNAUTHORIZED


def _bounded(seconds: float) -> timedelta:
    return timedelta(seconds=min(max(seconds, 0.0), LONGEST.total_seconds()))


def _date(value: str) -> datetime | None:
    try:
        date = parsedate_to_datetime(value)
        return date.replace(tzinfo=UTC) if date.tzinfo is None else date.astimezone(UTC)
    except (ValueError, OverflowError, TypeError, IndexError):
        return None


def _body_codes(response: Any) -> tuple[object, ...]:  # noqa: ANN401 - several SDK types, and parsed JSON
    try:
        body: Any = response.json()
    except Exception:  # noqa: BLE001 - a body that cannot be read in any way has no code
        return ()
    if not isinstance(body, dict):
        return ()
    inner = body.get("error")
    return (inner.get("code") if isinstance(inner, dict) else None, body.get("code"))
