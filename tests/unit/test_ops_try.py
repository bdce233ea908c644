"""`python -m ops try`: the decision of every reaction, every form in which a person has events, and wrong inputs."""

import base64
import json
import shlex
import socket
from pathlib import Path
from typing import Any

import msgspec
import pytest

from ops.judgement import judge
from ops.letters import LARGEST
from ops.told import Told, read_events
from shared.messages import Message
from tests.fakes.events import SAMPLES, altered, sample
from tests.fakes.project import ops, project
from tests.fakes.service import WORKSPACE, rules

REACTIONS = """
recipients: { ops: $OPS_EMAIL }
reactions:
  - name: candidates
    on: model-registered
    when: { tags: { stage: candidate } }
    run: { job: pipelines/offline-test.yml, inputs: { model: "${{ event.model }}" } }
    mail: { to: ops }
  - { name: mail-ops, on: pipeline-failed, mail: { to: ops } }
"""
OTHERS = "/subscriptions/1/resourceGroups/r/providers/Microsoft.MachineLearningServices/workspaces/other"
EVENT = sample("model-registered")


@pytest.fixture
def folder(tmp_path: Path) -> str:
    """Give a project with these reactions."""
    return str(project(tmp_path / "project", REACTIONS))


def candidate(model: str = "churn") -> dict[str, Any]:
    """Return the event of a candidate."""
    return altered("model-registered", modelName=model, modelTags={"stage": "candidate"})


def test_the_whole_decision_is_told(folder: str, tmp_path: Path) -> None:
    """Inputs, names, subject, recipients, guards in words, and the equal command."""
    path = tmp_path / "event.json"
    path.write_text(json.dumps(candidate()))
    said = ops("try", str(path), "--folder", folder, "--json")
    assert said.code == 0
    (event,) = said.document["events"]
    assert (event["families"], event["problem"]) == (["model-registered"], None)
    acting, other = event["reactions"]
    assert acting["guards"] == ["budget 10 per 1d", "loop 3 times, depth 10"]
    job, mail = acting["effects"]
    assert (job["kind"], job["job"], job["inputs"]) == (
        "job",
        "pipelines/offline-test.yml",
        {"model": "azureml:churn:7"},
    )
    command = shlex.split(job["by_hand"])
    assert command[:6] == ["az", "ml", "job", "create", "-f", "pipelines/offline-test.yml"]
    assert command[command.index("--name") + 1] == job["name"]
    assert command[command.index("--workspace-name") + 1] == "mlw-churn"
    assert command[-2:] == ["--set", "inputs.model.path=azureml:churn:7"]
    assert (mail["kind"], mail["to"]) == ("mail", ["ops@example.com"])
    assert mail["subject"] == "[mlw-churn] Model registered: churn:7"
    assert (other["acts"], other["reason"]) == (False, "not pipeline-failed: no failed run")


def test_people_read_the_same(folder: str, tmp_path: Path) -> None:
    """Line by line, and what is assumed is said beside it."""
    path = tmp_path / "event.json"
    path.write_text(json.dumps(candidate()))
    said = ops("try", str(path), "--folder", folder)
    for part in (
        "acts     candidates: every condition holds",
        "input    model = azureml:churn:7",
        "mail     [mlw-churn] Model registered: churn:7",
        "to       $OPS_EMAIL",
        "guards   budget 10 per 1d, loop 3 times, depth 10 (not asked: that takes the ledger)",
        "nothing  mail-ops: not pipeline-failed: no failed run",
    ):
        assert part in said.out
    assert "INSTALLATION is not at hand" in said.err
    real = ops(
        "try", str(path), "--folder", folder, INSTALLATION="prod", OPS_EMAIL="me@contoso.com", WORKSPACES=WORKSPACE
    )
    assert "to       me@contoso.com" in real.out
    assert "at hand" not in real.err
    assert real.out != said.out


def test_the_first_failing_condition_is_told_with_its_values(folder: str) -> None:
    """Of the reaction asked for, and of no other."""
    event = json.dumps(altered("model-registered", modelTags={"stage": "dev"}))
    said = ops("try", "-", "--folder", folder, "--reaction", "candidates", "--json", stdin=event)
    (found,) = said.document["events"]
    (reaction,) = found["reactions"]
    assert reaction["reason"] == "tags.stage: wanted 'candidate', is 'dev'"


def test_an_event_of_no_family_tells_each_reason(folder: str) -> None:
    """And is no mistake."""
    said = ops("try", str(SAMPLES / "pipeline-failed.step.json"), "--folder", folder)
    assert said.code == 0
    assert "nothing  candidates: not model-registered: no registered model" in said.out
    assert "nothing  mail-ops: not pipeline-failed: a step of a pipeline" in said.out


def test_another_workspace_is_skipped(folder: str) -> None:
    """As the app does it, where the workspaces are known."""
    event = {**candidate(), "topic": OTHERS}
    said = ops("try", "-", "--folder", folder, stdin=json.dumps(event), WORKSPACES=WORKSPACE)
    assert said.out.count("the app skips it: a workspace that is not in WORKSPACES") == 2
    assert "acts     candidates" in ops("try", "-", "--folder", folder, stdin=json.dumps(event)).out


def test_a_workspace_that_is_no_id(folder: str) -> None:
    """The command by hand then leaves the workspace to the person."""
    said = ops("try", "-", "--folder", folder, "--json", stdin=json.dumps({**candidate(), "topic": "mine"}))
    command = said.document["events"][0]["reactions"][0]["effects"][0]["by_hand"]
    assert command.startswith("az ml job create ")
    assert "--workspace-name" not in command


def test_no_network_is_touched(folder: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Not a socket is made."""

    def refuse(*_args: object, **_kwargs: object) -> None:
        raise AssertionError

    monkeypatch.setattr(socket.socket, "connect", refuse)
    assert ops("try", "-", "--folder", folder, stdin=json.dumps(candidate())).code == 0


def letter(raw: bytes) -> bytes:
    """Return a dead letter that keeps bytes."""
    return json.dumps(
        [{"deadLetterReason": "poison: x", "raw": base64.b64encode(raw).decode(), "bytes": len(raw)}]
    ).encode()


BARE = json.dumps(EVENT).encode()
FORMS = {
    "bare": BARE,
    "with a mark": b"\xef\xbb\xbf" + BARE + b"\r\n",
    "array": json.dumps([EVENT, EVENT]).encode(),
    "many": json.dumps([EVENT] * 300).encode(),
    "message": Message(event=msgspec.Raw(BARE)).encode(),
    "base64": base64.b64encode(Message(event=msgspec.Raw(BARE), generation=1).encode()),
    "dead letter": json.dumps([{**EVENT, "deadLetterReason": "x", "reactorFailure": "a#1"}]).encode(),
    "letter of bytes": letter(BARE),
    "letter of a message": letter(base64.b64encode(Message(event=msgspec.Raw(BARE)).encode())),
}


@pytest.mark.parametrize("form", FORMS)
def test_every_form_is_read(form: str, tmp_path: Path) -> None:
    """As the queue and the container of dead letters have them."""
    path = tmp_path / "event.json"
    path.write_bytes(FORMS[form])
    found = read_events(str(path))
    assert len(found) == {"array": 2, "many": 300}.get(form, 1)
    for one in found:
        assert judge(one, rules("reactions: []"), installation="x", workspaces=frozenset()).families == (
            "model-registered",
        )


WRONG = {
    b"": "is empty",
    b"  \n": "is empty",
    b"reactions: []": "neither JSON nor base64",
    b"[": "not JSON",
    b"[" * 100_000: "not JSON",
    b"[]": "holds no event",
    "{}".encode("utf-16"): "is UTF-16",
    b"\x89PNG\r\n\x1a\n\x00": "neither JSON nor base64",
    b'{"event": 1, "blob": 7}': "not JSON that can be read",
    b'{"blob": "abc.json"}': "is the blob abc.json in large-events",
    b'[{"deadLetterReason": "x", "reactorBlob": "abc.json"}]': "is the blob abc.json in large-events",
    b'[{"deadLetterReason": "x"}]': "a dead letter without an event",
    b'[{"deadLetterReason": "x", "raw": "*"}]': "a dead letter without an event",
}


@pytest.mark.parametrize("content", WRONG, ids=lambda content: repr(content[:20]))
def test_what_holds_no_event_is_wrong_usage(folder: str, content: bytes, tmp_path: Path) -> None:
    """With what it should hold; from a file and from standard input alike."""
    path = tmp_path / "event.json"
    path.write_bytes(content)
    for word, stdin in ((str(path), b""), ("-", content)):
        said = ops("try", word, "--folder", folder, "--json", stdin=stdin)
        assert said.code == 2
        assert WRONG[content] in said.document["problem"]
        assert said.document["remedy"]


def test_a_path_that_is_no_file(folder: str, tmp_path: Path) -> None:
    """Missing (with the name that was meant), a folder, and one too large to be an event."""
    missing = ops("try", str(SAMPLES / "model-registred.json"), "--folder", folder)
    assert (missing.code, "did you mean 'model-registered.json'" in missing.err) == (2, True)
    assert "is a folder" in ops("try", str(SAMPLES), "--folder", folder).err
    huge = tmp_path / "huge.json"
    with huge.open("wb") as file:
        file.truncate(LARGEST + 1)
    assert "is larger than" in ops("try", str(huge), "--folder", folder).err
    assert "more than" in ops("try", "-", "--folder", folder, stdin=b"x" * (LARGEST + 1)).err


@pytest.mark.parametrize(
    ("event", "problem"),
    [
        ({"id": "1"}, "the app would keep it as a dead letter: data is missing"),
        ({**EVENT, "data": {}}, "the app would keep it as a dead letter: data.modelName is missing or empty"),
        ({**EVENT, "eventType": "Microsoft.Storage.BlobCreated"}, "its type is 'Microsoft.Storage.BlobCreated'"),
    ],
)
def test_what_the_app_would_refuse_is_2(folder: str, event: object, problem: str) -> None:
    """Beside the other events of the file, which are told all the same."""
    said = ops("try", "-", "--folder", folder, "--json", stdin=json.dumps([candidate(), event]))
    good, bad = said.document["events"]
    assert (said.code, problem in bad["problem"]) == (2, True)
    assert good["reactions"][0]["acts"]


def test_hostile_text_stays_text(folder: str) -> None:
    """Nothing from an event reaches the terminal raw."""
    event = candidate("\x1b[2Jforged\u202e[red]\r\nx")
    said = ops("try", "-", "--folder", folder, stdin=json.dumps({**event, "subject": "\x1b]0;t\x07"}))
    assert not {"\x1b", "\u202e", "\r", "\x07"} & set(said.out + said.err)
    assert "[red]" in said.out


def test_reactions_that_cannot_be_used_are_1(tmp_path: Path) -> None:
    """All their problems, as lines and in the document."""
    broken = project(tmp_path / "b", REACTIONS.replace("mail-ops, on", "mail-ops, no"))
    said = ops("try", str(SAMPLES / "model-registered.json"), "--folder", str(broken), "--json")
    assert said.code == 1
    assert any("did you mean 'on'?" in problem or "`on`" in problem for problem in said.document["problems"])
    assert "problem: reactions.yaml:9" in said.err


def test_an_unknown_reaction_is_2(folder: str) -> None:
    """With the name that was meant."""
    said = ops("try", str(SAMPLES / "model-registered.json"), "--folder", folder, "--reaction", "candidate")
    assert (said.code, "did you mean 'candidates'" in said.err) == (2, True)


def test_what_an_event_says_about_itself() -> None:
    """Leniently: even one that says nothing has a line."""
    assert Told(source="x", content=b"[]").about == "an event that says nothing about itself"
    assert Told(source="x", content=BARE).about.startswith("ModelRegistered · models/churn:7 · mlw-churn · 2026-")
