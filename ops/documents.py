"""Dead letters as scripts read them. The keys are told in docs/ops.md, and stay."""

import base64
import re
from itertools import accumulate
from typing import Any

from ops.letters import Letter
from ops.replay import Report
from shared.errors import MalformedError
from shared.messages import Message, told

#: The Functions host refuses deeper JSON as well.
DEEPEST = 64


def summary_json(letter: Letter) -> dict[str, object]:
    """Return a letter for scripts; the keys are told in docs/ops.md and stay."""
    header = letter.header
    return {
        "name": letter.name,
        "kind": letter.kind,
        "when": letter.when.isoformat(),
        "replayed": letter.replayed,
        "reason": letter.reason,
        "reaction": letter.reaction or None,
        "failure": letter.failure or None,
        "generation": letter.generation,
        "event_type": header.get("type"),
        "event_subject": header.get("subject"),
        "event_id": header.get("id"),
        "event_time": header.get("time"),
        "workspace": header.get("workspace"),
        "events": len(letter.events),
        "blob": letter.blob or None,
        "bytes": letter.size,
        "problem": letter.problem or None,
    }


def letter_json(letter: Letter, events: tuple[bytes, ...]) -> dict[str, object]:
    """Return everything in a letter for scripts."""
    return {
        **summary_json(letter),
        "contents": [content(event) for event in events],
        "delivery": dict(letter.delivery),
        "raw": base64.b64encode(letter.raw).decode() if letter.raw_bytes or letter.raw else None,
        "raw_bytes": letter.raw_bytes,
    }


def report_json(report: Report) -> dict[str, object]:
    """Return what became of a letter for scripts."""
    return {
        "name": report.name,
        "kind": report.letter.kind if report.letter else None,
        "status": report.status,
        "messages": [message_json(message) for message in report.messages],
        "moved_to": report.moved_to or None,
        "problem": report.problem or None,
        "remedy": report.remedy or None,
    }


def message_json(message: Message) -> dict[str, object]:
    """Return what a message says besides its event."""
    return {"reopen": message.reopen or None, "generation": message.generation, "blob": message.blob}


def content(event: bytes) -> Any:  # noqa: ANN401 - JSON
    """Return what an event says, or its text where that is no JSON that can be read, or nested beyond reason."""
    try:
        return told(event) if _depth(event) <= DEEPEST else event.decode(errors="backslashreplace")
    except MalformedError:
        return event.decode(errors="backslashreplace")


def _depth(event: bytes) -> int:
    """Return how deep the brackets of a JSON text go, those in its strings left out."""
    brackets = re.sub(rb'"(?:\\.|[^"\\])*"', b"", event)
    steps = ({ord("["): 1, ord("{"): 1, ord("]"): -1, ord("}"): -1}.get(byte, 0) for byte in brackets)
    return max(accumulate(steps), default=0)
