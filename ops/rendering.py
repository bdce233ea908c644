"""Dead letters as people read them: lines for a console, with the text of others made safe."""

import base64
import binascii
import contextlib
import json
from collections.abc import Iterator, Mapping
from itertools import islice

from rich.console import Console
from rich.text import Text

from ops.documents import content
from ops.letters import Letter
from ops.replay import Report
from ops.terminal import lines, plain
from shared.events import EVENT_TYPE_PREFIX
from shared.messages import Message

REASON_CHARACTERS = 240
ABOUT_CHARACTERS = 160
#: So many messages of one letter are told.
MESSAGES = 3
LIST_INDENT, REPLAY_INDENT, SHOW_INDENT = 18, 11, 14
STYLES = {"failed": "red", "poison": "bold red", "unreadable": "yellow", "event-grid": "cyan", "foreign": "magenta"}
KINDS = {
    "failed": "a reaction failed for good",
    "poison": "the host gave the message up after repeated crashes",
    "unreadable": "a message that was no event to the code of that day",
    "event-grid": "Event Grid could not deliver it",
    "foreign": "no dead letter of this service",
}
VERDICTS = {
    "sent": ("green", "sent"),
    "would-send": ("cyan", "would send"),
    "replayed-before": ("dim", "was sent"),
    "refused": ("yellow", "refused"),
    "failed": ("red", "failed"),
    "not-tried": ("red", "not tried"),
}


def tell_summary(out: Console, letter: Letter) -> None:
    """Print a letter as some lines: when and which kind, what about, why, and the name to call it by."""
    head = Text(f"{letter.when:%Y-%m-%d %H:%M}  ").append(letter.kind, style=STYLES[letter.kind])
    if about := _about(letter):
        head.append(f"  {about}", style="bold")
    out.print(head, soft_wrap=True)
    _indented(out, plain(letter.reason or letter.problem, REASON_CHARACTERS), LIST_INDENT)
    _name(out, letter.name, LIST_INDENT)


def tell_letter(out: Console, letter: Letter, events: tuple[bytes, ...]) -> None:
    """Print everything in a letter."""
    out.print(Text(plain(letter.name), style="bold"), soft_wrap=True)
    for name, value in _facts(letter).items():
        if value:
            _indented(out, plain(value), SHOW_INDENT, label=f"  {name}")
    for event in events:
        out.print()
        out.print(Text(lines(json.dumps(content(event), indent=2, ensure_ascii=False))), soft_wrap=True)
    if letter.raw and not events:
        out.print()
        out.print(Text(_readable(letter.raw)), soft_wrap=True)


def tell_report(out: Console, report: Report) -> None:
    """Print what became of a letter that was to be put back."""
    style, word = VERDICTS[report.status]
    if report.letter is None:
        _name(out, report.name, REPLAY_INDENT, label=word, style=style)
    else:
        head = Text(f"{word:<{REPLAY_INDENT}}", style=style).append(report.letter.kind)
        if about := _about(report.letter):
            head.append(f"  {about}")
        out.print(head, soft_wrap=True)
        _name(out, report.name, REPLAY_INDENT)
    for text in _details(report):
        _indented(out, text, REPLAY_INDENT, style="dim")
    if report.moved_to:
        _name(out, f"moved to {report.moved_to}", REPLAY_INDENT)


def _about(letter: Letter) -> str:
    header = letter.header
    about = [header.get("type", "").removeprefix(EVENT_TYPE_PREFIX), header.get("subject", "")]
    if len(letter.events) > 1:
        about.append(f"and {len(letter.events) - 1} more")
    if letter.blob:
        about.append("a large event")
    if letter.raw_bytes and not letter.events:
        about.append(f"{letter.raw_bytes:,} bytes")
    told = " · ".join(part for part in (letter.failure, " ".join(filter(None, about))) if part)
    return plain(told, ABOUT_CHARACTERS)


def _facts(letter: Letter) -> Mapping[str, str]:
    header = letter.header
    whole = letter.raw_bytes == len(letter.raw)
    return {
        "kind": f"{letter.kind}: {KINDS[letter.kind]}",
        "replayed" if letter.replayed else "kept": f"{letter.when:%Y-%m-%d %H:%M:%S} UTC",
        "reason": letter.reason,
        "problem": letter.problem,
        "reopens": letter.failure,
        "generation": str(letter.generation or ""),
        "event": " ".join(header[name] for name in ("type", "subject") if name in header),
        "event id": header.get("id", ""),
        "event time": header.get("time", ""),
        "workspace": header.get("workspace", ""),
        "delivery": ", ".join(f"{key} {value}" for key, value in letter.delivery.items()),
        "event in": f"large-events/{letter.blob}" if letter.blob else "",
        "bytes": ""
        if not letter.raw_bytes
        else f"{letter.raw_bytes:,}" + ("" if whole else f", {len(letter.raw):,} kept"),
    }


def _details(report: Report) -> Iterator[str]:
    for message in islice(report.messages, MESSAGES):
        yield _how(message)
    if len(report.messages) > MESSAGES:
        yield f"and {len(report.messages) - MESSAGES} more"
    if report.problem:
        yield plain(report.problem)
    if report.remedy:
        yield plain(f"remedy: {report.remedy}")


def _how(message: Message) -> str:
    if message.reopen:
        return f"reopens {plain(message.reopen)}" + f" of generation {message.generation}" * bool(message.generation)
    if message.generation:
        return f"tells the event as generation {message.generation}"
    return "tells the event once more; what is done stays done"


def _indented(out: Console, text: str, by: int, *, label: str = "", style: str = "") -> None:
    """Print *text* in a column of its own, *label* before it."""
    if not text:
        return
    wrapped = Text(text, style=style).wrap(out, max(out.width - by, 20), overflow="fold")
    for number, line in enumerate(wrapped):
        line.rstrip()
        out.print(Text(f"{label if number == 0 else '':<{by}}", style="dim").append_text(line), soft_wrap=True)


def _name(out: Console, name: str, by: int, *, label: str = "", style: str = "dim") -> None:
    """Print a name on one line, however long, so that it can be copied."""
    out.print(Text(f"{label:<{by}}", style=style).append(plain(name), style="dim"), soft_wrap=True)


def _readable(raw: bytes) -> str:
    """Return the text of what is no event, decoded where it is base64."""
    with contextlib.suppress(binascii.Error):
        raw = base64.b64decode(raw.strip(), validate=True) or raw
    return lines(raw.decode(errors="backslashreplace"))
