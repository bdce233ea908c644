"""Faults on request: what tests of outages and lost answers are made of."""

import socket
from collections.abc import Iterator
from typing import Any, Literal

import pytest
from azure.core.exceptions import ServiceRequestError, ServiceResponseError

from local.azure import Fault, StandIn, Workspace
from tests.fakes.azure import Arm, pipeline, stand_in


@pytest.fixture
def azure(monkeypatch: pytest.MonkeyPatch) -> Iterator[StandIn]:
    """A stand-in."""
    with stand_in(monkeypatch) as running:
        yield running


@pytest.fixture
def workspace(azure: StandIn) -> Workspace:
    """A workspace with one registered component."""
    made = azure.workspace("mlw-demo")
    made.register("components", "offline_test:1")
    return made


@pytest.fixture
def arm(azure: StandIn) -> Iterator[Arm]:
    """A client of Azure Resource Manager."""
    client = Arm(azure)
    with client.client:
        yield client


def test_clients_may_come_by_a_redirected_name(
    azure: StandIn, monkeypatch: pytest.MonkeyPatch, workspace: Workspace
) -> None:
    """Without the proxy, port 443 resolved to the stand-in's port does it too; then a drop looks like a drop."""
    for name in ("HTTPS_PROXY", "https_proxy"):
        monkeypatch.delenv(name)
    resolve = socket.getaddrinfo

    def redirect(host: str, port: int, *rest: Any, **named: Any) -> Any:
        return resolve(*(("127.0.0.1", azure.port) if port == 443 else (host, port)), *rest, **named)

    monkeypatch.setattr(socket, "getaddrinfo", redirect)
    direct = Arm(azure)
    with direct.client:
        assert direct.send("GET", workspace.id).status_code == 200
        azure.faults.add(Fault(method="PUT", drop="after"))
        with pytest.raises(ServiceResponseError):
            direct.send("PUT", f"{workspace.id}/jobs/one", pipeline(workspace))
    assert [*workspace.jobs] == ["one"]


def test_a_fault_answers_as_often_as_it_says(azure: StandIn, workspace: Workspace, arm: Arm) -> None:
    """Two throttled PUTs do nothing; the third is the service's own."""
    azure.faults.add(Fault(method="PUT", url="/jobs/", status=429, headers={"Retry-After": "7"}, times=2))
    answers = [arm.send("PUT", f"{workspace.id}/jobs/one", pipeline(workspace)) for _ in range(3)]
    assert [answer.status_code for answer in answers] == [429, 429, 201]
    assert answers[0].headers["Retry-After"] == "7"
    assert [entry.fault for entry in azure.journal.jobs_put()] == [True, True, False]


@pytest.mark.parametrize(("drop", "started"), [("before", 0), ("after", 1)])
def test_a_dropped_connection(
    azure: StandIn, workspace: Workspace, arm: Arm, drop: Literal["before", "after"], started: int
) -> None:
    """The client cannot tell whether the job was started; the stand-in can."""
    azure.faults.add(Fault(method="PUT", drop=drop))
    with pytest.raises((ServiceRequestError, ServiceResponseError)):
        arm.send("PUT", f"{workspace.id}/jobs/one", pipeline(workspace))
    assert len(workspace.jobs) == started
    assert [entry.status for entry in azure.journal.jobs_put()] == [0]


def test_an_error_after_the_work_was_done(azure: StandIn, workspace: Workspace, arm: Arm) -> None:
    """A 503 whose job exists nevertheless."""
    azure.faults.add(Fault(method="PUT", status=503, committed=True))
    assert arm.send("PUT", f"{workspace.id}/jobs/one", pipeline(workspace)).status_code == 503
    assert [*workspace.jobs] == ["one"]


def test_an_answer_that_hangs(azure: StandIn, workspace: Workspace) -> None:
    """The job is there; the client gives up at its read time-out, and closing the stand-in does not wait either."""
    client = Arm(azure, read_timeout=1.0)
    with client.client:
        azure.faults.add(Fault(method="PUT", delay=60))
        with pytest.raises(ServiceResponseError):
            client.send("PUT", f"{workspace.id}/jobs/one", pipeline(workspace))
    assert [*workspace.jobs] == ["one"]


def test_an_answer_that_drips(azure: StandIn) -> None:
    """A byte at a time: what no read time-out ever ends."""
    azure.faults.add(Fault(url="/msi/token", drip=0.05))
    with socket.create_connection(("127.0.0.1", azure.port), timeout=5) as raw:
        raw.sendall(b"GET /msi/token HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
        assert 0 < len(raw.recv(1024)) < 10


def test_a_fault_may_act_after_the_work(azure: StandIn, workspace: Workspace, arm: Arm) -> None:
    """This is how a test kills the client between the effect and its answer."""
    seen: list[int] = []
    azure.faults.add(Fault(method="PUT", then=lambda _: seen.append(len(workspace.jobs))))
    arm.send("PUT", f"{workspace.id}/jobs/one", pipeline(workspace))
    assert seen == [1]
