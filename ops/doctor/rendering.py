"""Findings as people and scripts read them."""

from collections import Counter
from collections.abc import Mapping, Sequence
from itertools import groupby

from rich.console import Console
from rich.text import Text

from ops.doctor.finding import Finding
from ops.doctor.registry import Check
from ops.terminal import plain

STYLES = {"ok": "green", "warning": "yellow", "failed": "bold red", "unknown": "magenta"}
STATUS, NAME = 9, 22


def tell(out: Console, found: Sequence[tuple[Check, Finding]]) -> None:
    """Print a line for each finding, group by group, and the remedy below what needs one."""
    for group, findings in groupby(found, key=lambda one: one[0].group):
        out.print(Text(group, style="bold"), soft_wrap=True)
        for check, finding in findings:
            line = Text(f"  {finding.status:<{STATUS}}", style=STYLES[finding.status]).append(
                f"{check.name:<{NAME}}{plain(finding.told)}", style="default"
            )
            out.print(line, soft_wrap=True)
            if finding.remedy:
                out.print(Text(f"  {'':<{STATUS}}-> {plain(finding.remedy)}"), soft_wrap=True)
    out.print(Text(summary([finding for _, finding in found])), soft_wrap=True)


def summary(findings: Sequence[Finding]) -> str:
    """Return the last line."""
    counts = Counter(finding.status for finding in findings)
    return ", ".join(f"{counts[status]} {status}" for status in STYLES if counts[status])  # type: ignore[index] # the same words


def document(found: Sequence[tuple[Check, Finding]]) -> Mapping[str, object]:
    """Return the JSON document."""
    counts = Counter(finding.status for _, finding in found)
    return {
        "ok": not counts["failed"] and not counts["unknown"],
        "counts": {status: counts[status] for status in STYLES},  # type: ignore[index] # the same words
        "findings": [finding_json(check, finding) for check, finding in found],
    }


def finding_json(check: Check, finding: Finding) -> Mapping[str, object]:
    """Return a finding of the document."""
    return {
        "check": check.name,
        "group": check.group,
        "status": finding.status,
        "told": finding.told,
        "remedy": finding.remedy or None,
    }
