"""What is imported beside the host: once the functions are told, and nothing by the import of the app alone."""

import json
import subprocess
import sys
from pathlib import Path
from threading import Event, Thread

import pytest

from shared import bootstrap, transport
from tests.fakes.environ import Environ
from tests.markdown import ROOT

#: Packages whose import an event would wait for.
SLOW = ("azure", "msal", "requests", "urllib3", "cryptography")
SCRIPT = """
import json, os, sys
import function_app
from shared.messages import Message
def slow():
    return sorted(name for name in sys.modules if name.split(".")[0] in %r and not name.startswith("azure.functions"))
told = {"imported": slow(), "started": function_app.service._preparation._thread.is_alive()}
functions = function_app.app.get_functions()
function_app.service._preparation.wait()
told["prepared"] = slow()
function_app.service.orchestration(Message(event=b"{}"))
told["built"] = slow()
print(json.dumps({**told, "functions": len(functions)}))
"""


def test_the_first_event_finds_its_clients_imported() -> None:
    """Nothing of them when the app is imported, all when its functions were asked for; never azure-ai-ml or blobs."""
    storage = (
        "AccountName=a;AccountKey=bm90aGluZw==;TableEndpoint=http://127.0.0.1:1/a;QueueEndpoint=http://127.0.0.1:1/a"
    )
    environ = {
        "StateStorage": f"DefaultEndpointsProtocol=http;{storage}",
        "WORKSPACES": "/subscriptions/1/resourceGroups/r/providers/Microsoft.MachineLearningServices/workspaces/w",
        "OPS_EMAIL": "ops@example.com",
        "MAIL_ENDPOINT": "https://a.communication.azure.com",
        "MAIL_SENDER": "a@example.com",
        "INSTALLATION": "test",
    }
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT % (SLOW,)],
        capture_output=True,
        text=True,
        cwd=ROOT,
        env=environ,
        timeout=60,
        check=True,
    )
    told = json.loads(done.stdout)
    assert (told["imported"], told["started"], told["functions"]) == (["azure"], False, 5)
    assert {"azure.identity", "azure.data.tables", "azure.storage.queue", "requests"} < set(told["prepared"])
    late = set(told["built"]) - set(told["prepared"])
    assert len(late) < 10
    assert all(name.startswith("azure.identity.") for name in late)  # the kind is known by the settings only
    assert not [name for name in told["built"] if name.startswith(("azure.ai", "azure.storage.blob"))]


def test_a_client_waits_until_all_is_imported(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two threads that import modules which import each other may find half of one."""
    let_go, waiting = Event(), Event()
    monkeypatch.setattr(bootstrap, "import_all", lambda: let_go.wait(30))
    monkeypatch.setattr(transport, "build_transport", object)
    service = bootstrap.Service(environ=Environ({}), folder=Path(), vocabularies={})
    service.prepare()
    built: list[object] = []

    def build() -> None:
        waiting.set()
        built.append(service._transport)

    thread = Thread(target=build, daemon=True)
    thread.start()
    assert waiting.wait(10)
    thread.join(0.2)
    assert built == []
    let_go.set()
    thread.join(10)
    assert len(built) == 1
    service.prepare()  # asked once more: nothing happens
