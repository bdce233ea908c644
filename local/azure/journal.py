"""Every request the stand-in got, in order: what tests assert on and the demo counts."""

import re
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from local.azure.clock import now
from local.azure.messages import Answer, Request

JOB = re.compile(r".*/providers/microsoft\.machinelearningservices/workspaces/[^/]+/jobs/[^/]+", re.IGNORECASE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One request and what became of it.

    *status* is 0 when the connection was dropped instead of an answer. *fault*: a rule for faults had a hand in it.
    *violations* is what is wrong with the body by the published contract.
    """

    number: int
    at: datetime
    request: Request
    status: int
    unknown: bool
    violations: tuple[str, ...]
    fault: bool

    @property
    def method(self) -> str:
        """The HTTP method."""
        return self.request.method

    @property
    def url(self) -> str:
        """The whole URL."""
        return self.request.url

    @property
    def host(self) -> str:
        """The host name."""
        return self.request.host

    @property
    def path(self) -> str:
        """The path as it was sent."""
        return self.request.path

    @property
    def headers(self) -> Mapping[str, str]:
        """The headers by lower-case name, without secrets."""
        return self.request.headers

    @property
    def connection(self) -> int:
        """Number of the TCP connection."""
        return self.request.connection

    def json(self) -> Any:  # noqa: ANN401 - a parser's result; callers narrow it
        """The body as JSON; None when it is none."""
        return self.request.json()


class Journal:
    """Append-only and thread-safe. `contracts` says whether bodies are checked against the published contracts."""

    def __init__(self, contracts: str = "") -> None:
        self.contracts = contracts
        self._lock = threading.Lock()
        self._entries: list[Entry] = []

    @property
    def entries(self) -> tuple[Entry, ...]:
        """All requests so far, in order of arrival."""
        with self._lock:
            return tuple(self._entries)

    def record(self, request: Request, answer: Answer, *, status: int, fault: bool) -> None:
        """Append *request* with its *answer*; *status* is what the client gets to see."""
        harmless = Request(
            method=request.method,
            url=request.url,
            headers={name: _without_secret(name, value) for name, value in request.headers.items()},
            body=request.body,
            connection=request.connection,
        )
        with self._lock:
            self._entries.append(
                Entry(
                    number=len(self._entries) + 1,
                    at=now(),
                    request=harmless,
                    status=status,
                    unknown=answer.unknown,
                    violations=answer.violations,
                    fault=fault,
                ),
            )

    def jobs_put(self) -> tuple[Entry, ...]:
        """The PUTs of jobs, refused ones included."""
        return tuple(entry for entry in self.entries if entry.method == "PUT" and JOB.fullmatch(entry.path))

    def mails_posted(self) -> tuple[Entry, ...]:
        """The POSTs of mails, refused ones included."""
        return tuple(entry for entry in self.entries if entry.method == "POST" and entry.path == "/emails:send")

    def unknown(self) -> tuple[Entry, ...]:
        """Requests for URLs that the stand-in does not know; there should be none."""
        return tuple(entry for entry in self.entries if entry.unknown)

    def violations(self) -> tuple[Entry, ...]:
        """Requests whose body breaks the published contract; there should be none."""
        return tuple(entry for entry in self.entries if entry.violations)


def _without_secret(name: str, value: str) -> str:
    if name == "authorization":
        return value.partition(" ")[0]
    return "(kept out)" if name in {"x-azureml-token", "aeg-sas-key", "aeg-sas-token", "x-identity-header"} else value
