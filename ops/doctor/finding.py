"""What a check finds, as values: how it stands, in words, and what to do about it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

#: `unknown`: it could not be looked at; the remedy names the right that is needed.
type Status = Literal["ok", "warning", "failed", "unknown"]

FINE, WRONG, NOT_SEEN = 0, 1, 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One thing looked at. *told* says what is there, *remedy* what to do: a command to paste where there is one."""

    status: Status
    told: str
    remedy: str = ""


class CannotLookError(Exception):
    """It could not be looked at; *remedy* names the right, or what has to come first."""

    def __init__(self, problem: str, remedy: str) -> None:
        super().__init__(problem)
        self.problem, self.remedy = problem, remedy


def ok(told: str) -> Finding:
    """Say that something is as expected."""
    return Finding(status="ok", told=told)


def warning(told: str, remedy: str) -> Finding:
    """Say that something works, and may not be meant so."""
    return Finding(status="warning", told=told, remedy=remedy)


def failed(told: str, remedy: str) -> Finding:
    """Say that events are lost, wait or end as dead letters because of it."""
    return Finding(status="failed", told=told, remedy=remedy)


def exit_code(findings: Sequence[Finding]) -> int:
    """Return what a pipeline asks for: something failed, else something could not be looked at, else fine."""
    statuses = {finding.status for finding in findings}
    if "failed" in statuses:
        return WRONG
    return NOT_SEEN if "unknown" in statuses else FINE
