"""The queue pump of the local host on Azurite: what Microsoft's queue trigger was measured to do."""

import json
from base64 import b64encode
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from local.host.process import LocalHost
from tests.runtime.host_probe import Probe, copy_app, probing, told, wait_until

if TYPE_CHECKING:
    from local.azurite import Azurite

EVENT = {"id": "event-9", "dequeueCount": "7", "data": {"do": "nothing"}}


@pytest.fixture(scope="module")
def served(azurite: "Azurite") -> Iterator[tuple[Probe, LocalHost]]:
    """A pair of queues with a host on them, for tests that leave nothing behind."""
    with probing(azurite.connection_string, "served") as probe, probe.host() as host:
        yield probe, host


@pytest.fixture
def probe(azurite: "Azurite", request: pytest.FixtureRequest) -> Iterator[Probe]:
    """Queues of the test's own; the test starts the host."""
    with probing(azurite.connection_string, request.node.nodeid) as probe:
        yield probe


def test_a_success_deletes_the_message(served: tuple[Probe, LocalHost]) -> None:
    """One run, and nothing stays in the queue."""
    probe, host = served
    sent = probe.send({"note": "success"}, time_to_live=-1)
    wait_until(lambda: probe.left() == 0, "the message to be deleted")
    (run,) = told(host, began="on_message", id=sent)
    assert (run["text"], run["delivery"]) == ('{"note": "success"}', 1)


def test_a_failure_comes_back_after_the_visibility_timeout(served: tuple[Probe, LocalHost]) -> None:
    """Ten seconds, ten times faster; the second run has the next dequeue count."""
    probe, host = served
    sent = probe.send({"do": "fail", "times": 1})
    wait_until(lambda: probe.left() == 0, "the second run to succeed")
    first, second = told(host, began="on_message", id=sent)
    assert (first["delivery"], second["delivery"]) == (1, 2)
    assert 0.9 < second["at"] - first["at"] < 5


def test_the_last_failure_moves_the_message_to_poison(served: tuple[Probe, LocalHost]) -> None:
    """Three runs, then the same text in the poison queue, which is created for it."""
    probe, host = served
    sent = probe.send({"do": "fail", "note": "poison"})
    wait_until(lambda: probe.left() == 0, "the message to leave the queue")
    assert [run["delivery"] for run in told(host, began="on_message", id=sent)] == [1, 2, 3]
    assert probe.poisoned() == ['{"do": "fail", "note": "poison"}']
    assert any(line.endswith("failed too often") for line in host.lines)
    assert any(
        "Exception while executing function: on_message: RuntimeError: told to fail" in line for line in host.lines
    )


def test_text_of_any_kind_arrives_as_it_is(served: tuple[Probe, LocalHost]) -> None:
    """Under messageEncoding none: base64 stays encoded, white space and other scripts stay."""
    probe, host = served
    texts = [b64encode(b'{"do": "fail"}').decode(), "  a\tb ]]> ", "héllo ☃", "[1, 2]"]
    sent = [probe.send(text) for text in texts]
    wait_until(lambda: probe.left() == 0, "the messages to be deleted")
    assert [told(host, began="on_message", id=one)[0]["text"] for one in sent] == texts


def test_keys_of_the_message_overwrite_its_metadata(served: tuple[Probe, LocalHost]) -> None:
    """The function is told the event's id and count instead of the message's."""
    probe, host = served
    probe.send(EVENT)
    wait_until(lambda: probe.left() == 0, "the message to be deleted")
    (run,) = told(host, began="on_message", text=json.dumps(EVENT))
    assert (run["id"], run["delivery"]) == ("event-9", 7)


def test_a_count_that_is_no_number_never_reaches_the_function(probe: Probe) -> None:
    """The binding fails on it as often as the message is received: poison without a run."""
    with probe.host(time_scale=100) as host:
        probe.send({"dequeueCount": "several"})
        wait_until(probe.poisoned, "the message to be poisoned")
        assert told(host, began="on_message") == []
        assert host.status().failed == 3


def test_undecodable_text_goes_to_poison_unrun(probe: Probe, tmp_path: Path) -> None:
    """Under messageEncoding base64, at first receipt and as it was; its neighbours are served."""
    with probe.host(copy_app(tmp_path, messageEncoding="base64")) as host:
        probe.send('{"plain": true}')
        probe.send(b64encode(b'{"encoded": true}').decode())
        wait_until(lambda: probe.left() == 0, "both messages to leave the queue")
        assert probe.poisoned() == ['{"plain": true}']
        assert any(line.endswith("not base64") for line in host.lines)
        assert [run["text"] for run in told(host, began="on_message")] == ['{"encoded": true}']


def test_bytes_that_are_no_text_fail_every_run(probe: Probe, tmp_path: Path) -> None:
    """`test` is base64 of something that is not UTF-8: three failed bindings, then poison."""
    with probe.host(copy_app(tmp_path, messageEncoding="base64"), time_scale=100) as host:
        probe.send("test")
        wait_until(probe.poisoned, "the message to be poisoned")
        assert told(host, began="on_message") == []


def test_a_message_received_too_often_goes_to_poison_unrun(probe: Probe) -> None:
    """Crashes count: above maxDequeueCount at receipt there is no run."""
    probe.send({"note": "crashed"})
    for _ in range(3):
        (message,) = probe.work.receive_messages(visibility_timeout=1, max_messages=1)
        probe.work.update_message(message, visibility_timeout=0)
    with probe.host() as host:
        wait_until(probe.poisoned, "the message to be poisoned")
        wait_until(lambda: probe.left() == 0, "the original to be deleted")
        assert told(host, began="on_message") == []


def test_a_poison_queue_has_no_poison_queue(probe: Probe, tmp_path: Path) -> None:
    """A failing message stays hidden for the ten minutes of its receipt and comes again, whatever the limit of runs."""
    probe.parked.create_queue()
    probe.parked.send_message("kept")
    with probe.host(copy_app(tmp_path, maxDequeueCount=2), time_scale=300) as host:
        wait_until(lambda: len(told(host, began="on_parked")) >= 3, "more runs than the limit")
        runs = told(host, began="on_parked")
    assert [run["delivery"] for run in runs] == [1, 2, 3]
    assert all(later["at"] - earlier["at"] > 1.8 for earlier, later in pairwise(runs))


def test_a_long_run_keeps_its_message_hidden(probe: Probe, tmp_path: Path) -> None:
    """The hiding is renewed while the function runs, so there is no second run beside it; then it is deleted."""
    release = tmp_path / "release"
    with probe.host(time_scale=600) as host:
        sent = probe.send({"do": "wait", "until": str(release)})
        wait_until(lambda: told(host, began="on_message"), "the run to begin")
        probe.send({"do": "fail", "times": 2, "note": "three seconds of the clock"})
        probe.send({"do": "fail", "note": "three seconds of the clock"})
        wait_until(probe.poisoned, "other messages to be tried three times")
        release.touch()
        wait_until(lambda: probe.left() == 0, "the message to be deleted")
        assert len(told(host, began="on_message", id=sent)) == 1


def test_at_most_a_batch_and_the_threshold_are_in_flight(probe: Probe, tmp_path: Path) -> None:
    """Four are fetched; the next four only when no more than two are left: never above six."""
    gates = [tmp_path / f"gate-{number}" for number in range(10)]
    for gate in gates:
        probe.send({"do": "wait", "until": str(gate)})
    with probe.host() as host:
        wait_until(lambda: len(told(host, began="on_message")) == 4, "the first batch")
        for gate in gates[:2]:
            gate.touch()
        wait_until(lambda: len(told(host, began="on_message")) == 8, "the second batch")
        assert host.status().running == 6
        for gate in gates[2:6]:
            gate.touch()
        wait_until(lambda: len(told(host, began="on_message")) == 10, "the rest")
        for gate in gates:
            gate.touch()
        wait_until(lambda: probe.left() == 0, "all to be deleted")
        assert (host.status().running, host.status().invoked) == (0, 10)


def test_a_missing_queue_is_waited_for(probe: Probe) -> None:
    """The pump goes on polling and serves the queue once it is there."""
    probe.work.delete_queue()
    with probe.host() as host:
        wait_until(lambda: any("queue.unavailable" in line for line in host.lines), "the first refusal")
        probe.work.create_queue()
        probe.send({"note": "late"})
        wait_until(lambda: told(host, ended="on_message"), "the run")


def test_a_move_to_poison_wakes_the_poison_queues_function(probe: Probe, tmp_path: Path) -> None:
    """On a clock fifty times slower the next poll is five seconds away; the function runs well before."""
    probe.environ["PARKED_QUEUE"] = probe.poison.queue_name
    probe.send({"do": "fail"})
    with probe.host(copy_app(tmp_path, maxDequeueCount=1), time_scale=0.02) as host:
        wait_until(lambda: told(host, began="on_parked"), "the poison queue's function")
        (failed,), (parked,) = told(host, began="on_message"), told(host, began="on_parked")
    assert parked["at"] - failed["at"] < 3
