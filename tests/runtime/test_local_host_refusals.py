"""What the local host does not run: broken apps, missing settings, storage that is gone."""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from local.host.errors import HostError
from tests.runtime.host_probe import Probe, copy_app, probing

if TYPE_CHECKING:
    from local.azurite import Azurite


@pytest.fixture
def probe(azurite: "Azurite", request: pytest.FixtureRequest) -> Iterator[Probe]:
    """Queues of the test's own; the test starts the host."""
    with probing(azurite.connection_string, request.node.nodeid) as probe:
        yield probe


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ("import nothing_of_that_name", "No module named 'nothing_of_that_name'"),
        ("def broken(:", "SyntaxError"),
        ("", "Could not find top level function app instances"),
        ("import azure.functions as func\napp = func.FunctionApp()", "no functions found"),
    ],
    ids=["import error", "syntax error", "no app", "no functions"],
)
def test_a_broken_app_is_refused_with_the_workers_message(probe: Probe, tmp_path: Path, source: str, said: str) -> None:
    """Exit code 1, and the start raises what was printed."""
    app = copy_app(tmp_path)
    (app / "function_app.py").write_text(source)
    host = probe.host(app)
    with pytest.raises(HostError, match="did not start") as caught:
        host.start()
    assert said in str(caught.value)
    assert host.wait(5) == 1


def test_a_missing_connection_is_refused_by_name(probe: Probe) -> None:
    """The message names the app setting."""
    del probe.environ["StateStorage"]
    with pytest.raises(HostError, match="app setting StateStorage is missing"):
        probe.host().start()


def test_an_app_setting_of_nonsense_is_refused(probe: Probe) -> None:
    """A connection string that is none is found before anything is received, and is not printed."""
    probe.environ["StateStorage"] = "nonsense"
    with pytest.raises(HostError, match="connection string of the queue trigger") as caught:
        probe.host().start()
    assert "nonsense" not in str(caught.value)


def test_storage_that_is_gone_stops_the_host(probe: Probe) -> None:
    """No answer after six tries: the host ends with 1, as the real one shuts down."""
    probe.environ["StateStorage"] = (
        "DefaultEndpointsProtocol=http;AccountName=gone;AccountKey=AAAA;QueueEndpoint=http://127.0.0.1:9/gone"
    )
    host = probe.host(time_scale=1000)
    host.start()
    assert host.wait(10) == 1
    assert any("host.stops" in line for line in host.lines)
