"""What goes wrong on request: rules by method and URL."""

import re
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Literal

from local.azure.messages import Answer, Request


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """One rule. *method* must match whole, *url* anywhere in the URL (regular expressions, any case).

    *status*, *headers*, *body*: this answer instead of the service's own, which is not asked then; with
    *committed* the service does its work first, and only its answer is lost.
    *delay*: real seconds between the work and the answer. *drip*: real seconds between the bytes of the answer.
    *drop*: close the connection instead of an answer, before or after the service did its work.
    *then*: called after the work, before the answer (to kill the client at that point, say).
    *times*: for how many requests; None is for all.
    """

    method: str = ".*"
    url: str = ".*"
    status: int | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    body: object = None
    committed: bool = False
    delay: float = 0.0
    drip: float = 0.0
    drop: Literal["", "before", "after"] = ""
    then: Callable[[Request], None] | None = None
    times: int | None = 1

    def matches(self, request: Request) -> bool:
        """Whether the rule is about *request*."""
        return bool(
            re.fullmatch(self.method, request.method, re.IGNORECASE)
            and re.search(self.url, request.url, re.IGNORECASE),
        )

    @property
    def reaches_service(self) -> bool:
        """Whether the service does its work."""
        return self.drop != "before" and (self.status is None or self.committed)

    @property
    def answer(self) -> Answer | None:
        """The answer the rule gives itself, if it gives one."""
        if self.status is None:
            return None
        body = self.body if self.body is not None else {"error": {"code": "Fault", "message": "a fault on request"}}
        return Answer(status=self.status, body=body, headers=self.headers)


class Faults:
    """The rules that stand, in order: the first that matches is used. Thread-safe."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._rules: list[tuple[Fault, int | None]] = []

    def add(self, fault: Fault) -> None:
        """Let *fault* stand, after the rules there are."""
        with self._lock:
            self._rules.append((fault, fault.times))

    def clear(self) -> None:
        """Forget all rules."""
        with self._lock:
            self._rules.clear()

    def take(self, request: Request) -> Fault | None:
        """The rule for *request*, used up by one."""
        with self._lock:
            for index, (fault, left) in enumerate(self._rules):
                if fault.matches(request):
                    if left is not None:
                        self._rules[index : index + 1] = [(fault, left - 1)] if left > 1 else []
                    return fault
        return None
