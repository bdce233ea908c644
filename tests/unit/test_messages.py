"""Queue messages: bare and wrapped, raw and base64, and what cannot be read."""

import base64
import contextlib
import json

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.errors import MalformedError
from shared.gateways.large_events import fetch, stow
from shared.messages import INLINE_BYTES, Message, decode, told, wrap
from tests.fakes.events import sample
from tests.fakes.gateways import FakeBlobs

EVENT = sample("model-registered")
BARE = json.dumps(EVENT).encode()


def read_all(text: bytes) -> list[object]:
    """Read every event of a queue message."""
    return [told(fetch(message, FakeBlobs())) for message in decode(text)]


@pytest.mark.parametrize(
    "text",
    [
        BARE,
        base64.b64encode(BARE),
        b"  " + base64.b64encode(BARE) + b"\r\n",
        json.dumps([EVENT]).encode(),
        base64.b64encode(json.dumps([EVENT]).encode()),
        wrap(EVENT).encode(),
        base64.b64encode(wrap(EVENT).encode()),
    ],
    ids=["bare", "base64", "spaces", "array", "base64 array", "wrapped", "base64 wrapped"],
)
def test_every_form_is_one_event(text: bytes) -> None:
    """Event Grid's form is not certain, a person may put a sample file there, ours are wrapped: all are read."""
    assert read_all(text) == [EVENT]


def test_an_array_is_several_messages() -> None:
    """Each event of a batch goes its own way, a broken one too."""
    assert read_all(json.dumps([EVENT, 7, EVENT]).encode()) == [EVENT, 7, EVENT]


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"not base64!",
        b"7",
        b"{",
        b"[",
        b'{"event": {}, "surprise": 1}',
        b"\xff\xfe\x00",
        b'{"a":' * 20_000,
        base64.b64encode(b"not JSON"),
        b'{"a": NaN}',
        b'{"token": 7, "event": {}}',
        b'{"generation": -1, "event": {}}',
        b'{"generation": 1.5, "event": {}}',
        base64.b64encode(b"7"),
    ],
)
def test_what_cannot_be_read_is_malformed(text: bytes) -> None:
    """Malformed, never another exception, and none of the text in it."""
    with pytest.raises(MalformedError) as error:
        read_all(text)
    assert "surprise" not in error.value.reason


@given(st.binary(max_size=200) | st.text(max_size=200).map(lambda text: text.encode("utf-8", "surrogatepass")))
def test_no_bytes_crash_the_reader(text: bytes) -> None:
    """Whatever stands in the queue is read or refused."""
    with contextlib.suppress(MalformedError):
        read_all(text)


def test_numbers_out_of_range_and_deep_nesting_are_malformed() -> None:
    """Strict JSON: a million digits, ten thousand levels."""
    for text in (b'{"data": ' + b"1" * 1_000_000 + b"}", b'{"data":' * 10_000 + b"1" + b"}" * 10_000):
        with pytest.raises(MalformedError):
            read_all(text)


def test_a_lone_surrogate_cannot_be_wrapped() -> None:
    """It is no Unicode text, and would fail at the queue."""
    with pytest.raises(MalformedError):
        wrap({"id": "\ud800"})


def test_a_large_event_goes_through_a_blob() -> None:
    """Same event, same blob; the message names it, keeps everything else, and fits a queue message."""
    blobs = FakeBlobs()
    large = {**EVENT, "data": {"text": "x" * INLINE_BYTES}}
    message = msgspec.structs.replace(wrap(large), token="t", generation=2)  # noqa: S106 - a mark, no secret
    stowed = stow(message, blobs)
    assert stow(message, blobs) == stowed
    assert len(blobs.blobs) == 1
    assert (stowed.inline, stowed.token, stowed.generation) == (None, "t", 2)
    (again,) = decode(stowed.encode())
    assert told(fetch(again, blobs)) == large


def test_the_largest_inline_event_fits_message_and_row() -> None:
    """64 KiB for the base64 of the message, 32 Ki characters for the property of the row."""
    message = wrap({"data": "x" * (INLINE_BYTES - len('{"data":""}'))})
    assert message.inline is not None
    assert len(message.inline) == INLINE_BYTES
    full = msgspec.structs.replace(message, token="t" * 64, reopen="r" * 50, generation=999)
    assert len(base64.b64encode(full.encode())) <= 64 * 1024
    assert INLINE_BYTES <= 32 * 1024
    assert stow(message, FakeBlobs()) == message


def test_a_missing_blob_is_malformed() -> None:
    """Retention may have removed it: a dead letter says so."""
    with pytest.raises(MalformedError, match="not a workspace event"):
        fetch(Message(blob="gone.json"), FakeBlobs())


@pytest.mark.parametrize("name", ["../dead-letters/x", "..", ".", "./a", "a.json", f"{'A' * 64}.json"])
def test_only_names_that_we_give_are_fetched(name: str) -> None:
    """The client would resolve the dots of others, out of the container."""
    with pytest.raises(MalformedError):
        fetch(Message(blob=name), FakeBlobs({name: BARE}))


@pytest.mark.parametrize("text", [b"[" + b"0," * 300 + b"0]", b'{"event": {}, "reopen": "' + b"x" * 300 + b'"}'])
def test_what_would_not_come_to_an_end_is_malformed(text: bytes) -> None:
    """Thousands of sends for one message, or a copy that fits the queue no more."""
    with pytest.raises(MalformedError):
        decode(text)
