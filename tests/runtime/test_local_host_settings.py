"""What the local host reads before it runs: host.json, app settings, messages, and the pace of its clock."""

import json
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path

import pytest

from local.host.errors import HostError
from local.host.host_json import QueueOptions, queue_options
from local.host.pace import SHORTEST_POLL, Pace
from local.host.protos import TypedData
from local.host.queue_listener import poll_waits
from local.host.queue_trigger import UndecodableError, decode, resolve_connection, resolve_queue, trigger_metadata
from local.host.source_queue import StoredMessage
from local.host.worker import Function
from tests.runtime.host_probe import FIXTURE_APP, copy_app

MOMENT = datetime(2026, 3, 1, 8, tzinfo=UTC)


def function(**trigger: str) -> Function:
    """Give a queue-triggered function."""
    binding = {"type": "queueTrigger", "name": "message", "queueName": "tasks", **trigger}
    return Function(name="react", function_id="1", bindings=(binding,))


def metadata(text: str) -> dict[str, object]:
    """Give the trigger metadata of a message with *text*, as plain values."""
    message = StoredMessage(
        id="message-1",
        pop_receipt="receipt",
        text=text,
        dequeue_count=2,
        inserted_on=MOMENT,
        expires_on=MOMENT,
        next_visible_on=MOMENT,
    )
    return {name: plain(data) for name, data in trigger_metadata(message, text).items()}


def plain(data: TypedData) -> object:
    """Take the value out of *data*."""
    kind = data.WhichOneof("data")
    assert kind in {"string", "json"}
    value = getattr(data, kind)
    return json.loads(value) if kind == "json" else value


def test_host_json_is_read(tmp_path: Path) -> None:
    """Every value of the queue section, time spans in seconds."""
    app = copy_app(tmp_path, visibilityTimeout="1.00:00:02.9", messageEncoding="None")
    assert queue_options(app) == QueueOptions(
        batch_size=4,
        new_batch_threshold=2,
        max_dequeue_count=3,
        visibility_timeout=24 * 3600 + 2.9,
        max_polling_interval=2.0,
        base64=False,
    )


def test_host_json_without_a_queue_section_has_the_extensions_defaults(tmp_path: Path) -> None:
    """16 at once plus half of that per core, 5 runs, no delay, base64, a poll a minute."""
    (tmp_path / "host.json").write_text('{"version": "2.0"}')
    assert queue_options(tmp_path, cores=2) == QueueOptions(
        batch_size=16,
        new_batch_threshold=16,
        max_dequeue_count=5,
        visibility_timeout=0.0,
        max_polling_interval=60.0,
        base64=True,
    )


@pytest.mark.parametrize(
    ("wrong", "named"),
    [
        ({"batchSize": 33}, "batchSize"),
        ({"newBatchThreshold": -1}, "newBatchThreshold"),
        ({"maxDequeueCount": 0}, "maxDequeueCount"),
        ({"messageEncoding": "utf-8"}, "messageEncoding"),
        ({"visibilityTimeout": "10"}, "visibilityTimeout"),
        ({"maxPollingInterval": "2 s"}, "maxPollingInterval"),
        ({"batchSize": "many"}, "queues.batchSize"),
    ],
)
def test_a_mistake_in_host_json_is_named(tmp_path: Path, wrong: dict[str, object], named: str) -> None:
    """The refusal says which setting."""
    with pytest.raises(HostError, match=named):
        queue_options(copy_app(tmp_path, **wrong))


def test_an_app_without_host_json_is_refused(tmp_path: Path) -> None:
    """As in Azure."""
    with pytest.raises(HostError, match=r"no host\.json"):
        queue_options(tmp_path)


def test_the_fixture_app_says_what_the_tests_rely_on() -> None:
    """Ten seconds before a failed message comes back, three runs."""
    options = queue_options(FIXTURE_APP)
    assert (options.visibility_timeout, options.max_dequeue_count) == (10.0, 3)


def test_pace_shortens_waits_and_rounds_hiding_up() -> None:
    """Storage hides for whole seconds, so hiding is a lower bound; polls do not become a busy loop."""
    assert Pace(60).seconds(600) == 10.0
    assert (Pace(60).invisibility(600), Pace(60).invisibility(61), Pace(60).invisibility(0)) == (10, 2, 0)
    assert (Pace(1).poll(2.0), Pace(1000).poll(2.0)) == (2.0, SHORTEST_POLL)


def test_polls_back_off_to_the_longest_interval() -> None:
    """Doubling from a tenth of a second; a shorter maximum holds at once."""
    assert list(islice(poll_waits(2.0), 7)) == [0.1, 0.2, 0.4, 0.8, 1.6, 2.0, 2.0]
    assert list(islice(poll_waits(0.05), 2)) == [0.05, 0.05]


@pytest.mark.parametrize("scale", [0.0, -1.0, float("nan"), float("inf")])
def test_a_pace_is_a_positive_number(scale: float) -> None:
    """Nothing else makes a clock."""
    with pytest.raises(ValueError, match="positive"):
        Pace(scale)


def test_queue_and_connection_come_from_the_app_settings() -> None:
    """`%NAME%` is replaced; a connection may carry the prefix AzureWebJobs, and has a default name."""
    assert resolve_queue(function(queueName="a-%PART%-b"), {"PART": "x"}) == "a-x-b"
    assert resolve_connection(function(connection="State"), {"State": "one"}) == "one"
    assert resolve_connection(function(connection="State"), {"State": "one", "AzureWebJobsState": "two"}) == "two"
    assert resolve_connection(function(), {"AzureWebJobsStorage": "three"}) == "three"


def test_a_missing_setting_is_named() -> None:
    """The function and the app setting."""
    with pytest.raises(HostError, match="react: app setting PART"):
        resolve_queue(function(queueName="%PART%"), {})
    with pytest.raises(HostError, match="react: app setting State"):
        resolve_connection(function(connection="State"), {})


def test_metadata_is_what_the_host_sends() -> None:
    """Seven entries for a message that is no JSON object."""
    expected = {
        "QueueTrigger": "plain",
        "Id": "message-1",
        "PopReceipt": "receipt",
        "DequeueCount": 2,
        "InsertionTime": "2026-03-01T08:00:00+00:00",
        "ExpirationTime": "2026-03-01T08:00:00+00:00",
        "NextVisibleTime": "2026-03-01T08:00:00+00:00",
    }
    assert metadata("plain") == expected
    assert metadata("[1]") == expected | {"QueueTrigger": "[1]"}
    assert metadata("[" * 100_000) == expected | {"QueueTrigger": "[" * 100_000}


def test_keys_of_a_json_message_overwrite_metadata() -> None:
    """Whatever their case; arrays and nulls do not, objects stay JSON, numbers become text."""
    text = json.dumps(
        {"id": "event-9", "DEQUEUECOUNT": 7, "popReceipt": None, "insertionTime": [1], "data": {"a": 1}, "other": True}
    )
    found = metadata(text)
    assert (found["Id"], found["DequeueCount"], found["PopReceipt"]) == ("event-9", "7", "receipt")
    assert found["InsertionTime"] == "2026-03-01T08:00:00+00:00"
    assert (found["data"], found["other"]) == ({"a": 1}, "True")
    assert "id" not in found


@pytest.mark.parametrize(
    ("stored", "content"), [("aGk=", b"hi"), (" a Gk\n=", b"hi"), ("", b""), ("test", b"\xb5\xeb-")]
)
def test_base64_is_decoded(stored: str, content: bytes) -> None:
    """White space is skipped; `test` happens to be base64."""
    assert decode(stored, base64_encoded=True) == content


@pytest.mark.parametrize("stored", ["{}", "aGk", "aGk=!", "héé="])
def test_other_text_is_undecodable(stored: str) -> None:
    """Under messageEncoding base64; under none any text is its own bytes."""
    with pytest.raises(UndecodableError):
        decode(stored, base64_encoded=True)
    assert decode(stored, base64_encoded=False) == stored.encode()
