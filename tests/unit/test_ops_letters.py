"""What an operator is shown of a dead letter, whatever stands in it."""

import base64
import io
import json
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.console import Console

from ops.choice import named, since, waiting
from ops.documents import content, letter_json, summary_json
from ops.letter_box import Entry, Listing
from ops.letters import Letter, foreign_letter, read_letter
from ops.messages import Refused, messages_of
from ops.problems import OpsError
from ops.rendering import tell_letter, tell_summary
from ops.terminal import json_text, lines, plain
from shared.gateways.dead_letters import BlobDeadLetters
from shared.messages import Message
from tests.fakes.events import sample
from tests.fakes.gateways import FakeBlobs

NOW = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
FAILED, UNREADABLE, UNDELIVERED = "reactor/failed/0a.json", "reactor/unreadable/0b.json", "MODELS/2026/11/24/9/0c.json"
#: Moves the cursor, rings, forges a line, turns the reading direction, ends a line in other ways; and rich's markup.
HOSTILE = "\x1b[2J\x07\r\nforged\x9b1m\u202egpj.\u2028\x85\x00\x7f\ufeff [bold red]:smile:[/link]"


def letter(name: str, *items: object, when: datetime = NOW) -> Letter:
    """Return the letter of that name."""
    text = json.dumps(list(items)).encode()
    return read_letter(Entry(name=name, when=when, size=len(text)), text)


def unreadable(raw: bytes, reason: str = "malformed: no", *, told: int | None = None) -> Letter:
    """Return a letter about a message that was no event."""
    fields = {"deadLetterReason": reason, "raw": base64.b64encode(raw).decode(), "bytes": told or len(raw)}
    return letter(UNREADABLE, fields)


def shown(one: Letter, width: int = 80) -> str:
    """Return all that a person is shown of a letter."""
    out = io.StringIO()
    console = Console(file=out, width=width, highlight=False, emoji=False, markup=False)
    tell_summary(console, one)
    tell_letter(console, one, one.events)
    return out.getvalue()


def test_our_own_letters_are_read_as_they_were_written() -> None:
    """A failed reaction: the event without what was added, byte for byte, and what a replay reopens."""
    blobs, event = FakeBlobs(), msgspec.json.encode({**sample("model-registered"), "big": 2**63, "pi": 3.10})
    message = Message(event=msgspec.Raw(event), generation=2)
    name = BlobDeadLetters(blobs).keep_event(message, row="p/k", failure="offline-test#3", reason="not-found")
    found = read_letter(Entry(name=name, when=NOW, size=1), blobs.blobs[name])
    assert (found.kind, found.reason, found.reaction, found.failure) == (
        "failed",
        "not-found",
        "offline-test",
        "offline-test#3",
    )
    assert messages_of(found, blobs) == (Message(event=msgspec.Raw(event), reopen="offline-test#3", generation=2),)


def test_a_large_event_stays_in_its_blob() -> None:
    """The message names the blob; without it there is nothing to put back."""
    blobs = FakeBlobs()
    name = BlobDeadLetters(blobs).keep_event(
        Message(blob=f"{64 * 'a'}.json"), row="p/k", failure="retrain#1", reason="x"
    )
    found = read_letter(Entry(name=name, when=NOW, size=1), blobs.blobs[name])
    assert isinstance(messages_of(found, FakeBlobs()), Refused)
    large = FakeBlobs({f"{64 * 'a'}.json": json.dumps(sample("monitor-breach")).encode()})
    assert messages_of(found, large) == (Message(blob=f"{64 * 'a'}.json", reopen="retrain#1"),)


@pytest.mark.parametrize("name", ["model-registered", "model-registered.cloudevents"])
def test_what_event_grid_added_is_taken_off(name: str) -> None:
    """Both schemas; nothing is reopened by such a letter, also when the event claims to be a failure of ours."""
    event = sample(name)
    added: dict[str, object] = {
        "deadLetterReason": "MaxDeliveryAttemptsExceeded",
        "deliveryAttempts": 30,
        "lastDeliveryOutcome": "NotFound",
        "publishTime": "2026-11-24T09:00:00Z",
        "lastDeliveryAttemptTime": "2026-11-25T09:00:00Z",
    }
    if "specversion" in event:
        added = {key.lower(): value for key, value in added.items()}
    found = letter(UNDELIVERED, {**event, **added, "reactorFailure": "offline-test#1"})
    assert (found.kind, found.reason, found.reaction) == ("event-grid", "MaxDeliveryAttemptsExceeded", "")
    assert found.delivery["deliveryAttempts"] == 30
    messages = messages_of(found, FakeBlobs())
    assert not isinstance(messages, Refused)
    assert [json.loads(message.inline or b"") for message in messages] == [
        {**event, "reactorFailure": "offline-test#1"}
    ]
    assert {message.reopen for message in messages} == {""}


def test_a_letter_of_several_events_is_several_messages() -> None:
    """Event Grid's form is an array."""
    found = letter(UNDELIVERED, sample("model-registered"), sample("monitor-breach"))
    messages = messages_of(found, FakeBlobs())
    assert not isinstance(messages, Refused)
    assert len(messages) == 2
    assert "and 1 more" in shown(found)


def test_a_poison_message_that_can_be_read_goes_back_as_it_was() -> None:
    """With its token and what it reopens; base64 or not."""
    message = Message(event=msgspec.Raw(msgspec.json.encode(sample("model-registered"))), token="t")  # noqa: S106 - no secret
    for raw in (message.encode(), base64.b64encode(message.encode())):
        found = unreadable(raw, "poison: the host gave the message up")
        assert found.kind == "poison"
        assert messages_of(found, FakeBlobs()) == (message,)
        assert "models/churn:7" in shown(found)


@pytest.mark.parametrize(
    ("found", "word"),
    [
        (unreadable(b"no event"), "neither JSON nor base64"),
        (unreadable(b'{"data": 1}'), "data is missing or not an object"),
        (unreadable(json.dumps({**sample("model-registered"), "data": {}}).encode()), "data.modelName is missing"),
        (unreadable(b'{"id": 1}', told=70_000), "only the first 65,536 of 70,000 bytes"),
        (letter(UNDELIVERED, {"id": 1}), "data is missing"),
        (letter(FAILED, {"reactorFailure": "no number"}), "is not what the service writes"),
        (letter(FAILED, {"reactorFailure": "a#1", "reactorGeneration": -1}), "is not what the service writes"),
        (letter(FAILED, {"reactorFailure": 7}), "its fields are not those"),
        (letter(UNREADABLE, {"raw": "%%%", "bytes": 3}), "its fields are not those"),
        (letter(FAILED, {"reactorFailure": "a#1"}, {"reactorFailure": "a#2"}), "several letters"),
        (letter("stray.json"), "it is empty"),
        (read_letter(Entry(name="x", when=NOW, size=1), b"\xff"), "not a JSON array"),
        (foreign_letter(Entry(name="x", when=NOW, size=5_000_000)), "larger than 4,194,304 bytes"),
    ],
)
def test_what_cannot_be_put_back_is_refused_with_a_remedy(found: Letter, word: str) -> None:
    """The reason in our words, never in the payload's."""
    refused = messages_of(found, FakeBlobs())
    assert isinstance(refused, Refused)
    assert word in refused.problem
    assert refused.remedy


def test_fields_that_an_event_brings_along_do_not_replace_the_event() -> None:
    """An inline event that names a blob of its own is put back itself."""
    event = {**sample("model-registered"), "reactorBlob": "others.json"}
    found = letter(FAILED, {**event, "deadLetterReason": "x", "reactorFailure": "offline-test#1"})
    assert (found.blob, len(found.events)) == ("", 1)


def test_a_generation_that_an_event_brings_along_is_not_the_letters() -> None:
    """An event's own field must not make another generation of it: that would do everything once more."""
    blobs, event = FakeBlobs(), {**sample("model-registered"), "reactorGeneration": 7}
    message = Message(event=msgspec.Raw(msgspec.json.encode(event)))
    name = BlobDeadLetters(blobs).keep_event(message, row="p/k", failure="offline-test#1", reason="x")
    assert read_letter(Entry(name=name, when=NOW, size=1), blobs.blobs[name]).generation == 0


@pytest.mark.parametrize("width", [80, 140])
def test_hostile_text_stays_text(width: int) -> None:
    """No control character reaches the terminal, no line is forged, and markup is not obeyed."""
    event: dict[str, Any] = {**sample("model-registered"), "subject": HOSTILE, "id": HOSTILE, HOSTILE: HOSTILE}
    for found in (
        letter(UNDELIVERED, {**event, "deadLetterReason": HOSTILE, "lastDeliveryOutcome": HOSTILE}),
        letter(FAILED, {**event, "deadLetterReason": HOSTILE, "reactorFailure": "a#1"}),
        unreadable(HOSTILE.encode(), HOSTILE),
        letter(f"{HOSTILE}.json", event),
    ):
        text = shown(found, width)
        assert all(char == "\n" or char.isprintable() for char in text)
        assert "[bold red]:smile:[/link]" in text
        script = json_text([summary_json(found), letter_json(found, found.events)])
        assert all(char == "\n" or " " <= char <= "~" for char in script)
        json.loads(script)


@settings(derandomize=True, deadline=None)
@given(st.text())
def test_plain_text_prints_and_is_one_line(text: str) -> None:
    """Whatever it is."""
    assert plain(text).isprintable()
    assert len(plain(text, 10)) <= 10 * len("\\U0010ffff")
    assert all(line.isprintable() for line in lines(text).split("\n"))


@settings(derandomize=True, deadline=None)
@given(
    st.sampled_from([FAILED, UNREADABLE, UNDELIVERED, "replayed/" + FAILED]),
    st.one_of(
        st.binary(),
        st.recursive(
            st.none() | st.booleans() | st.integers() | st.text(max_size=9),
            lambda each: (
                st.lists(each, max_size=3)
                | st.dictionaries(
                    st.sampled_from(
                        [
                            "deadLetterReason",
                            "reactorFailure",
                            "reactorGeneration",
                            "reactorBlob",
                            "raw",
                            "bytes",
                            "data",
                        ]
                    ),
                    each,
                    max_size=5,
                )
            ),
        ).map(lambda value: json.dumps([value]).encode()),
    ),
)
def test_any_blob_is_a_letter(name: str, text: bytes) -> None:
    """Nothing in the container stops the commands: it is read, shown, and put back or refused."""
    found = read_letter(Entry(name=name, when=NOW, size=len(text)), text)
    assert found.replayed == name.startswith("replayed/")
    assert all(char == "\n" or char.isprintable() for char in shown(found))
    json.loads(json_text(letter_json(found, found.events)))
    messages_of(found, FakeBlobs())


@pytest.mark.parametrize("depth", [64, 65, 5000, 200_000])
def test_deep_events_are_shown_as_text(depth: int) -> None:
    """Brackets in strings do not count; what is nested beyond reason is not laid out."""
    event = b'{"a": "[[[", "b": ' + b"[" * (depth - 1) + b"]" * (depth - 1) + b"}"
    assert isinstance(content(event), str) == (depth > 64)
    json_text(content(event))


def listing(*names: str) -> Listing:
    """Return these names, each an hour older than the one before."""
    return Listing(
        entries=tuple(Entry(name=name, when=NOW - timedelta(hours=age), size=1) for age, name in enumerate(names)),
        at=NOW,
    )


def test_a_name_is_told_by_a_part_of_it() -> None:
    """The whole, else how the file begins, else any part; what was put back only where nothing else fits."""
    box = listing("a/12.json", "a/1234.json", "b/5612.json", "replayed/a/1234.json", "replayed/a/99.json")
    assert named(box, "a/12.json").name == "a/12.json"
    assert named(box, "123").name == "a/1234.json"
    assert named(box, "561").name == "b/5612.json"
    assert named(box, "b/").name == "b/5612.json"
    assert named(box, "99").name == "replayed/a/99.json"
    assert named(box, "replayed/a/1234").name == "replayed/a/1234.json"
    for part, word in (("12", "2 letters"), ("json", "3 letters"), ("none", "no letter")):
        with pytest.raises(OpsError) as caught:
            named(box, part)
        assert caught.value.code == 2
        assert word in caught.value.problem


def test_since_is_counted_from_the_accounts_clock() -> None:
    """Inclusive; put back or not are different lists."""
    box = listing("a", "b", "c", "replayed/d")
    assert [entry.name for entry in waiting(box, since("1h"))] == ["a", "b"]
    assert [entry.name for entry in waiting(box)] == ["a", "b", "c"]
    assert [entry.name for entry in waiting(box, replayed=True)] == ["replayed/d"]
    assert since(None) is None
    for wrong in ("7", "d", "-1d", "0d", "1w", "1 d", "9999999d"):
        with pytest.raises(OpsError):
            since(wrong)
