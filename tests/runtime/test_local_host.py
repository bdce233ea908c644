"""The local host as a process: how it starts, stops and dies."""

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from time import monotonic
from typing import TYPE_CHECKING

import pytest

from local.host.host import Host
from local.host.pace import Pace
from local.host.process import LocalHost
from local.host.worker import Worker
from tests.runtime.host_probe import FIXTURE_APP, Probe, event, probing, told, wait_until

if TYPE_CHECKING:
    from local.azurite import Azurite


@pytest.fixture
def probe(azurite: "Azurite", request: pytest.FixtureRequest) -> Iterator[Probe]:
    """Queues of the test's own; the test starts the host."""
    with probing(azurite.connection_string, request.node.nodeid) as probe:
        yield probe


def test_it_says_what_it_serves(probe: Probe) -> None:
    """Ready means listening and indexed; the status and the bindings say the same."""
    with probe.host() as host:
        assert host.functions == ("on_event", "on_message", "on_parked")
        status = host.status()
        assert (status.state, status.running, status.invoked, status.failed) == ("Running", 0, 0, 0)
        assert host.bindings()["on_message"][0]["queueName"] == "%WORK_QUEUE%"


def test_events_are_delivered_over_http(probe: Probe) -> None:
    """The answer carries the status; other headers replace the default one."""
    with probe.host() as host:
        assert host.post_event("on_event", [event()]) == (202, "")
        failed = host.post_event("on_event", json.dumps([event(do="fail")]).encode())
        assert failed == (500, "Exception while executing function: on_event")
        assert host.post_event("on_event", [], headers={"aeg-event-type": "Unknown"})[0] == 400
        assert host.post_event("nobody", [])[0] == 404
        assert (host.status().invoked, host.status().failed) == (2, 1)


def test_every_line_is_handed_on(probe: Probe) -> None:
    """What the app prints and what is logged, as it comes; the ready line is not among them."""
    seen: list[str] = []
    with LocalHost(FIXTURE_APP, probe.environ, on_line=seen.append) as host:
        host.post_event("on_event", [event(do="fail")])
        wait_until(lambda: "RuntimeError: told to fail" in host.lines, "the log line")
    assert seen
    assert sorted(seen) == sorted(host.lines)
    assert not any("listening" in line for line in seen)


def test_the_app_is_not_told_that_it_runs_in_azure(probe: Probe) -> None:
    """CONTAINER_NAME and WEBSITE_INSTANCE_ID are taken out of the environment before the app is imported."""
    probe.environ |= {"CONTAINER_NAME": "a-container", "WEBSITE_INSTANCE_ID": "an-instance"}
    with probe.host() as host:
        wait_until(lambda: any("imported" in line for line in host.lines), "the app's first line")
        (line,) = [json.loads(line) for line in host.lines if "imported" in line]
    assert line["imported"] == {"CONTAINER_NAME": None, "WEBSITE_INSTANCE_ID": None}


def test_a_stop_waits_for_the_running_invocation(probe: Probe, tmp_path: Path) -> None:
    """SIGTERM: nothing new is fetched, what runs ends and is settled, the exit is clean."""
    release = tmp_path / "release"
    with probe.host() as host:
        probe.send({"do": "wait", "until": str(release)})
        wait_until(lambda: told(host, began="on_message"), "the run to begin")
        host.terminate()
        wait_until(lambda: any("host.drains" in line for line in host.lines), "the last fetch")
        probe.send({"note": "too late"})
        release.touch()
        assert host.wait(10) == 0
    assert len(told(host, ended="on_message")) == 1
    assert [message.content for message in probe.work.peek_messages()] == ['{"note": "too late"}']
    assert probe.left() == 1


def test_a_stop_answers_the_running_delivery(probe: Probe, tmp_path: Path) -> None:
    """A pushed event that is under way when the host is told to stop gets its 202."""
    release = tmp_path / "release"
    with probe.host() as host, ThreadPoolExecutor(1) as sender:
        answer = sender.submit(host.post_event, "on_event", [event(do="wait", until=str(release))])
        wait_until(lambda: told(host, began="on_event"), "the run to begin")
        host.terminate()
        wait_until(lambda: not accepts(host), "the host to stop listening")
        release.touch()
        assert answer.result() == (202, "")
        assert host.wait(10) == 0


def accepts(host: LocalHost) -> bool:
    """Say whether the host still answers."""
    try:
        host.status()
    except OSError:
        return False
    return True


def test_a_run_that_does_not_end_is_cut(probe: Probe, tmp_path: Path) -> None:
    """After ten seconds by default, one here: the exit code says so, its message stays hidden like after a crash."""
    with probe.host(stop_within=1.0) as host:
        probe.send({"do": "wait", "until": str(tmp_path / "never")})
        wait_until(lambda: told(host, began="on_message"), "the run to begin")
        began = monotonic()
        assert host.stop() == 1
        assert 0.9 < monotonic() - began < 5
    assert probe.left() == 1
    assert probe.work.peek_messages() == []


def test_after_a_crash_the_message_comes_back_when_its_hiding_ends(probe: Probe, tmp_path: Path) -> None:
    """Six hundred seconds after receipt, three hundred times faster: two seconds, and one attempt is gone."""
    release = tmp_path / "release"
    with probe.host(time_scale=300) as first:
        sent = probe.send({"do": "wait", "until": str(release)})
        wait_until(lambda: told(first, began="on_message"), "the run to begin")
        first.kill()
    release.touch()
    with probe.host(time_scale=300) as second:
        wait_until(lambda: told(second, ended="on_message"), "the second run")
    (before,), (after,) = told(first, began="on_message", id=sent), told(second, began="on_message", id=sent)
    assert (before["delivery"], after["delivery"]) == (1, 2)
    assert after["at"] - before["at"] > 1.8


def test_it_ends_with_the_process_that_started_it(probe: Probe) -> None:
    """When the other end of its standard input closes, however that came about."""
    with probe.host() as host:
        assert host._process is not None
        assert host._process.stdin is not None
        host._process.stdin.close()
        assert host.wait(10) == 0


def test_a_stop_says_when_something_is_still_in_hand() -> None:
    """It waits as long as it is told to, for every delivery, then for nothing more."""
    with Worker() as worker:
        host = Host(worker, FIXTURE_APP, environ={}, pace=Pace(), port=0)
        host.start()
        worker.tally.began()
        assert not host.stop(0.01)
        worker.tally.ended()
        assert host.stop(0.01)
