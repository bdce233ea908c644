"""What azure-ai-ml says about a job file that it does not accept, told as file, line and reason."""

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from shared.job_templates.files import JobFile

#: azure-ai-ml's reasons above this length are lists of alternatives that nobody reads.
LONGEST = 160


def refusals(job: JobFile, error: Exception | None) -> Iterator[str]:
    """One line for each thing that azure-ai-ml says is wrong with *job*."""
    for path, reason in _verdict(error):
        short = _plain(reason)
        said = short[:LONGEST] if not path or len(short) <= LONGEST else "not as it should be"
        where = f"{path}: " if path else ""
        yield job.refuse(
            f"azure-ai-ml does not accept it: {where}{said}; see the reference of the job's YAML schema", job.node(path)
        )


def _verdict(error: Exception | None) -> Iterator[tuple[str, str]]:
    """What azure-ai-ml says about the file: a dotted path with the reason where it is short, else its summary."""
    text = str(error)
    report = _first_json(text) or getattr(error, "messages", None)
    if isinstance(report, dict) and isinstance(report.get("errors"), list):
        for entry in report["errors"]:
            inner = _first_json(entry["message"]) if entry["path"] == "*" else None
            yield from _fields(inner) if inner else ((entry["path"], entry["message"]),)
    elif isinstance(report, dict):
        yield from _fields(report)
    else:
        found = re.search(r"\(x\) (.*)", text) or re.search(r"(\S.*)", text)
        yield "", found[1] if found else type(error).__name__


def _first_json(text: str) -> dict[str, Any] | None:
    try:
        found = json.JSONDecoder().raw_decode(text[text.index("{") :])[0]
    except ValueError:
        return None
    return found if isinstance(found, dict) else None


def _fields(report: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    for name, reasons in report.items():
        plain = isinstance(reasons, list) and len(reasons) == 1 and isinstance(reasons[0], str)
        yield str(name), reasons[0] if plain else "not as it should be"


def _plain(text: str) -> str:
    return " ".join("".join(letter if letter.isprintable() else " " for letter in text).split())
