"""What Azure answers say: waits, codes, and how far a request got."""

import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from azure.core.exceptions import (
    ClientAuthenticationError,
    DecodeError,
    HttpResponseError,
    IncompleteReadError,
    ServiceRequestError,
    ServiceRequestTimeoutError,
    ServiceResponseError,
    ServiceResponseTimeoutError,
)
from azure.identity import CredentialUnavailableError

from shared.errors import DeadlineError
from shared.gateways.answers import LONGEST, Failure, error_code, failure, retry_after

AT = datetime(2026, 11, 20, 5, 0, tzinfo=UTC)


def answer(status: int = 400, *, headers: dict[str, str] | None = None, body: Any = ValueError) -> Any:
    """An answer as far as it is looked at; without *body* it has none that is JSON."""

    def json() -> Any:
        if body is ValueError:
            raise ValueError
        return body

    return SimpleNamespace(status_code=status, reason="", headers=headers or {}, json=json, text=lambda: "")


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"Retry-After": "17"}, 17.0),
        ({"retry-after": " 86400 "}, 86400.0),
        ({"Retry-After": "0"}, 0.0),
        ({"Retry-After": "-5"}, 0.0),
        ({"Retry-After": "1.5"}, 1.5),
        ({"Retry-After": "9" * 32}, LONGEST.total_seconds()),
        ({"x-ms-retry-after-ms": "1500", "Retry-After": "2"}, 1.5),
        ({"retry-after-ms": "250"}, 0.25),
        ({"Retry-After": "Fri, 20 Nov 2026 05:10:00 GMT"}, 600.0),
        ({"Retry-After": "Fri, 20 Nov 2026 04:00:00 GMT"}, 0.0),
        ({"Retry-After": "soon"}, None),
        ({"Retry-After": "nan"}, None),
        ({"Retry-After": "1e3"}, None),
        ({"Retry-After": "٣"}, None),
        ({}, None),
    ],
)
def test_retry_after(headers: dict[str, str], seconds: float | None) -> None:
    """Seconds, milliseconds or a date, of any length; what is not readable says nothing."""
    found = retry_after(headers, at=AT)
    assert found == (None if seconds is None else timedelta(seconds=seconds))


def test_retry_after_counts_from_the_answers_own_date() -> None:
    """No clock is needed for a date, nor guessed when the answer has none."""
    until = "Fri, 20 Nov 2026 05:10:00 GMT"
    assert retry_after({"Retry-After": until, "date": "Fri, 20 Nov 2026 05:09:00 GMT"}) == timedelta(minutes=1)
    assert retry_after({"Retry-After": until}) is None


@pytest.fixture
def elsewhere(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Let the machine stand in another time zone than UTC."""
    monkeypatch.setenv("TZ", "XST-5")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


@pytest.mark.parametrize(
    ("until", "minutes"),
    [
        ("Fri, 20 Nov 2026 06:10:00 +0100", 10),
        ("Fri, 20 Nov 2026 05:10:00 -0000", 10),
        ("Fri, 20 Nov 2026 05:10:00", 10),
    ],
)
@pytest.mark.usefixtures("elsewhere")
def test_a_date_is_read_in_its_own_zone(until: str, minutes: int) -> None:
    """One that names no zone is in UTC, wherever the machine stands."""
    assert retry_after({"Retry-After": until}, at=AT) == timedelta(minutes=minutes)


@pytest.mark.parametrize(
    ("headers", "body", "code"),
    [
        ({"X-Ms-Error-Code": "Denied"}, {"error": {"code": "Other"}}, "Denied"),
        ({}, {"error": {"code": "DomainNotLinked", "message": "text"}}, "DomainNotLinked"),
        ({}, {"code": "UserError"}, "UserError"),
        ({"x-ms-error-code": "two words"}, {"error": {"code": "TheCode"}}, "TheCode"),
        ({}, {"error": {"code": "line\nbreak"}}, ""),
        ({}, {"error": {"code": "Ends\n"}}, ""),
        ({}, {"error": {"code": "x" * 60}}, "x" * 60),
        ({}, {"error": {"code": "x" * 61}}, ""),
        ({}, {"error": {"code": "a-b"}}, ""),
        ({}, {"error": {"code": "a<b>"}}, ""),
        ({}, {"error": {"code": "\u0410uthorizationFailed"}}, ""),
        ({}, {"error": {"code": 7}}, ""),
        ({}, {"error": "text"}, ""),
        ({}, ["error"], ""),
        ({}, ValueError, ""),
    ],
)
def test_error_code(headers: dict[str, str], body: Any, code: str) -> None:
    """A code is one plain word, or nothing; found on an answer and on the error that carries it."""
    response = answer(headers=headers, body=body)
    assert error_code(response) == code
    assert error_code(HttpResponseError(response=response)) == code


def test_no_answer_has_no_code() -> None:
    """An error without an answer has no code."""
    assert error_code(HttpResponseError("text of the provider")) == ""


@pytest.mark.parametrize(
    ("error", "far"),
    [
        (ServiceRequestError("x"), "never-sent"),
        (ServiceRequestTimeoutError("x"), "never-sent"),
        (ServiceResponseError("x"), "unknown"),
        (ServiceResponseTimeoutError("x"), "unknown"),
        (IncompleteReadError("x", response=answer(200)), "unknown"),
        (DeadlineError(), "unknown"),
        (RuntimeError("x"), "unknown"),
        (HttpResponseError("x"), "unknown"),
        (CredentialUnavailableError("x"), "identity"),
        (CredentialUnavailableError("x", response=answer(401)), "identity"),
        (ClientAuthenticationError("x"), "identity"),
        (ClientAuthenticationError("x", response=answer(400)), "identity"),
        (ClientAuthenticationError("x", response=answer(401)), "status"),
        (HttpResponseError("x", response=answer(503)), "status"),
        (DecodeError("x", response=answer(200)), "status"),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Exception) else value,
)
def test_failure(error: Exception, far: Failure) -> None:
    """Only what is known for certain is said to be never sent."""
    assert failure(error) == far
