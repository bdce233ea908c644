"""Events as a person has them: a file, a folder of them, standard input, in every form in which the app reads them."""

import base64
import binascii
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import msgspec

from ops.letters import LARGEST, header_of
from ops.problems import usage
from shared.errors import MalformedError
from shared.messages import Message, decode
from shared.yaml_document import did_you_mean

STDIN = "-"
FORMS = "an event, an array of events, a dead letter, or a message of the queue, as JSON"
UTF8_MARK, UTF16_MARKS = b"\xef\xbb\xbf", (b"\xff\xfe", b"\xfe\xff")


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """One event's JSON, and *source*: where it was found."""

    source: str
    content: bytes

    @property
    def about(self) -> str:
        """What the event says about itself, as far as it does: type, subject, workspace, time."""
        header = header_of(self.content)
        told = (header.get("type", "").rpartition(".")[2], header.get("subject", ""))
        place = (header.get("workspace", "").rpartition("/")[2], header.get("time", ""))
        return " · ".join(part for part in (*told, *place) if part) or "an event that says nothing about itself"


def read_events(source: str) -> tuple[Told, ...]:
    """Read the events of a file, or of standard input (``-``). Raises OpsError."""
    content = _stdin() if source == STDIN else _file(Path(source))
    name = "standard input" if source == STDIN else source
    if content.startswith(UTF16_MARKS):
        raise usage(f"{name}: is UTF-16", "save it as UTF-8")
    content = content.removeprefix(UTF8_MARK).strip()
    if not content:
        raise usage(f"{name}: is empty", f"it should hold {FORMS}")
    try:
        found = list(_events(content))
    except MalformedError as error:
        raise usage(f"{name}: {error.reason}", f"it should hold {FORMS}") from None
    if not found:
        raise usage(f"{name}: holds no event", f"it should hold {FORMS}")
    several = len(found) > 1
    return tuple(
        Told(source=f"{name} #{number}" if several else name, content=event)
        for number, event in enumerate(found, start=1)
    )


def read_folder(folder: Path) -> Iterator[Told]:
    """Read every event of a folder of JSON files, and of the folders in it. Raises OpsError."""
    if not folder.is_dir():
        raise usage(f"{folder}: there is no such folder", "--events DIR names a folder of event files (*.json)")
    files = sorted(folder.rglob("*.json"))
    if not files:
        raise usage(f"{folder}: there is no event file (*.json) in it", "name another one with --events DIR")
    for file in files:
        yield from read_events(str(file))


def _stdin() -> bytes:
    content = sys.stdin.buffer.read(LARGEST + 1)
    if len(content) > LARGEST:
        raise usage(f"standard input: more than {LARGEST:,} bytes", "an event is at most 1 MB")
    return content


def _file(path: Path) -> bytes:
    if path.is_dir():
        raise usage(f"{path}: is a folder", "name one file; `preview --events DIR` takes a folder")
    try:
        if path.is_file() and path.stat().st_size > LARGEST:
            raise usage(f"{path}: is larger than {LARGEST:,} bytes", "an event is at most 1 MB")
        return path.read_bytes()
    except FileNotFoundError:
        beside = [other.name for other in path.parent.glob("*.json")] if path.parent.is_dir() else []
        raise usage(f"{path}: there is no such file{did_you_mean(path.name, beside)}", f"name {FORMS}") from None
    except OSError as error:
        raise usage(f"{path}: cannot be read ({type(error).__name__})", "it must be a file you may read") from None


def _events(content: bytes) -> Iterator[bytes]:
    """Yield the events in *content*, those of an unreadable dead letter as well. Raises MalformedError."""
    if content.startswith(b"["):
        try:
            items = msgspec.json.decode(content, type=list[msgspec.Raw])
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            raise MalformedError(f"not JSON that can be read ({type(error).__name__})") from None
        for item in items:
            yield from _of_letter(bytes(item))
        return
    for message in decode(content):
        yield _inline(message)


def _of_letter(item: bytes) -> Iterator[bytes]:
    """Yield the event itself; of a dead letter that keeps bytes, the events in them."""
    try:
        letter = msgspec.json.decode(item, type=dict[str, msgspec.Raw])
        if "deadLetterReason" not in letter or "data" in letter:
            yield item
            return
        if "reactorBlob" in letter:
            yield _inline(Message(blob=msgspec.json.decode(letter["reactorBlob"], type=str)))
        raw = base64.b64decode(msgspec.json.decode(letter["raw"], type=str), validate=True)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        yield item
        return
    except (KeyError, binascii.Error):
        raise MalformedError("a dead letter without an event") from None
    for message in decode(raw):
        yield _inline(message)


def _inline(message: Message) -> bytes:
    if message.inline is None:
        raise MalformedError(f"the event is too large for it, and is the blob {message.blob} in large-events")
    return message.inline
