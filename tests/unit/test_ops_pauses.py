"""`python -m ops pause`, `resume` and `pauses`: who may be paused, what is recorded, and what is told."""

import base64
import json
from pathlib import Path
from typing import Any

import pytest

from ops.login import NOBODY, name_in, who
from shared.errors import StorageError
from shared.store import Conflict, Row, Written
from shared.switches import ALL, SWITCHES, Pause, pause_key, read_pause
from tests.fakes.project import Said, ops, project
from tests.fakes.service import START, FakeService
from tests.fakes.store import MemoryStore
from tests.unit.test_ops_commands import nowhere


def run(*words: str, stdin: str = "") -> Said:
    """Run a command on it, from the project's own folder."""
    return ops(*words, stdin=stdin, StateStorage="UseDevelopmentStorage=true")


def switch(service: FakeService, reaction: str) -> Pause | None:
    """Return the pause that the table has for a reaction."""
    return next(
        (read_pause(row) for row in service.store.rows if (row.partition, row.key) == (SWITCHES, pause_key(reaction))),
        None,
    )


def test_pause_and_resume(service: FakeService) -> None:
    """Name, time and note are on record; the operator is told what becomes of the events."""
    said = run("pause", "retrain", "--note", "under review")
    assert said.code == 0
    assert said.out == (
        "retrain             since 2026-11-24 09:00 UTC, by ana@contoso.com; events wait\n"
        "                    under review\n"
    )
    assert said.err == (
        "After 30 s at most nothing of it starts. Its events wait, however long, and go on after `resume`.\n"
    )
    assert switch(service, "retrain") == Pause(reaction="retrain", by="ana@contoso.com", at=START, note="under review")
    said = run("resume", "retrain")
    assert (said.code, said.out) == (
        0,
        "retrain: resumed; paused by ana@contoso.com since 2026-11-24 09:00:00Z: under review\n",
    )
    assert "goes on by itself" in said.err
    assert switch(service, "retrain") is None
    (row,) = service.store.rows
    assert (row.values["resumed_by"], row.values["resumed_at"]) == ("ana@contoso.com", START.isoformat())


def test_a_pause_replaces_one(service: FakeService) -> None:
    """And says what it replaces; a switch that could not be read is mended so."""
    run("pause", "retrain")
    service.clock.forward(hours=1)
    said = run("pause", "retrain", "--drop", "--yes")
    assert "It replaces what was there: paused by ana@contoso.com since 2026-11-24 09:00:00Z.\n" in said.err
    assert "Its events are dropped: decided as skipped, for good" in said.err
    found = switch(service, "retrain")
    assert (found and (found.drop, found.at)) == (True, service.clock.now)
    (row,) = service.store.rows
    service.store.merge(Row(partition=row.partition, key=row.key, values={"events": "?"}, etag=row.etag))
    assert "the row pause|retrain of switches cannot be read" in run("pauses").out
    said = run("pause", "retrain")
    assert "replaces what was there: paused: the row" in said.err
    found = switch(service, "retrain")
    assert (found and found.problem) == ""


def test_dropping_is_confirmed(service: FakeService) -> None:
    """What is dropped does not come back, so it is asked for."""
    said = run("pause", "--all", "--drop", stdin="n\n")
    assert (said.code, service.store.rows) == (1, ())
    assert "error: not confirmed; nothing was paused" in said.err
    assert run("pause", "--all", "--drop", stdin="y\n").code == 0
    found = switch(service, ALL)
    assert (found and found.drop) is True


def test_the_pause_of_all_and_those_of_single_ones(service: FakeService) -> None:
    """Each is ended by itself, and the operator is told which is left."""
    run("pause", "--all")
    assert "there is another: all reactions paused by ana@contoso.com" in run("pause", "retrain").err
    said = run("pauses")
    assert [line.split("  ")[0] for line in said.out.splitlines()] == ["all reactions", "retrain"]
    assert "Still in force: all reactions: all reactions paused by" in run("resume", "retrain").err
    assert "`resume --all` ends it" in run("resume", "retrain").err
    run("pause", "retrain")
    assert "Still in force: retrain: paused by" in run("resume", "--all").err
    run("resume", "retrain")
    said = run("pauses")
    assert (said.code, said.out, said.err) == (0, "", "Nothing is paused.\n")
    assert {row.key for row in service.store.rows} == {"pause|*", "pause|retrain"}


@pytest.mark.parametrize("words", [("pause",), ("pause", "retrain", "--all"), ("resume",), ("resume", "x", "--all")])
def test_one_or_all(service: FakeService, words: tuple[str, ...]) -> None:
    """Neither, and both, are mistakes."""
    said = run(*words)
    assert (said.code, service.store.rows) == (2, ())
    assert "error: name one reaction, or say --all" in said.err


@pytest.mark.parametrize("command", ["pause", "resume"])
def test_a_name_that_is_none(service: FakeService, command: str) -> None:
    """Is refused, with the nearest one and all there are: a pause of nothing would look like one of something."""
    said = run(command, "retrian")
    assert (said.code, service.store.rows) == (2, ())
    assert "'retrian' is no reaction" in said.err
    assert "; did you mean 'retrain'?" in said.err
    assert "there are mail-ops, offline-test, retrain" in said.err


def test_a_paused_reaction_that_is_gone_is_known_by_its_pause(service: FakeService, tmp_path: Path) -> None:
    """Renamed since: its pause can be ended, and is named to who mistypes it."""
    run("pause", "retrain")
    folder = project(tmp_path, "reactions: []")
    said = run("resume", "retrian", "--folder", str(folder))
    assert (said.code, "did you mean 'retrain'?" in said.err) == (2, True)
    assert run("resume", "retrain", "--folder", str(folder)).code == 0
    assert switch(service, "retrain") is None


def test_a_broken_file_does_not_keep_from_pausing(service: FakeService, tmp_path: Path) -> None:
    """The names are all that is needed; without any, all can be paused, and any pause ended."""
    folder = project(tmp_path, "reactions:\n  - { name: retrain, on: nonsense, nonsense: 1 }\n")
    assert run("pause", "retrain", "--folder", str(folder)).code == 0
    (folder / "reactions.yaml").write_text("[")
    said = run("pause", "mail-ops", "--folder", str(folder))
    assert said.code == 2
    assert "there is none in the file that could be read" in said.err
    assert "--all means every reaction" in said.err
    assert run("pause", "--all", "--folder", str(folder)).code == 0
    assert run("resume", "retrain", "--folder", str(folder)).code == 0
    assert switch(service, "retrain") is None


def test_what_is_not_paused_is_told(service: FakeService) -> None:
    """Nothing is written, and that is no mistake."""
    said = run("resume", "retrain")
    assert (said.code, said.out, said.err) == (0, "", "retrain: there is no pause of it.\n")
    assert run("resume", "--all").err == "all reactions: there is no pause of it.\n"
    assert service.store.rows == ()


def test_notes_are_short_and_on_one_line(service: FakeService) -> None:
    """They stand in the reason of every event that waits."""
    assert run("pause", "retrain", "--note", "x" * 201).code == 2
    assert service.store.rows == ()
    run("pause", "retrain", "--note", "a\x1b\nb")
    found = switch(service, "retrain")
    assert (found and found.note) == "a\\x1b\\nb"


def test_json(service: FakeService) -> None:
    """What was, what is, and all."""
    assert service.store.rows == ()
    told: dict[str, Any] = {
        "reaction": "retrain",
        "by": "ana@contoso.com",
        "at": "2026-11-24T09:00:00+00:00",
        "events": "wait",
        "note": None,
        "problem": None,
    }
    assert run("pause", "retrain", "--json").document == {
        "reaction": "retrain",
        "paused": told,
        "before": None,
        "all": None,
    }
    assert run("pauses", "--json").document == {"pauses": [told]}
    assert run("resume", "retrain", "--json").document == {
        "reaction": "retrain",
        "paused": None,
        "before": told,
        "all": None,
    }
    assert run("pauses", "--json").document == {"pauses": []}


class Raced(MemoryStore):
    """A store where somebody else is first, for *times* writes."""

    times = 0

    def insert(self, row: Row) -> Written | Conflict:
        """See Store."""
        if self.times:
            self.times -= 1
            return Conflict(at=START)
        return super().insert(row)


def test_two_operators_at_once(service: FakeService) -> None:
    """The second one reads again; one who always loses is told so."""
    store = service.store = Raced(service.clock)
    store.times = 2
    assert run("pause", "retrain").code == 0
    assert (store.calls.count("query"), switch(service, "retrain") is not None) == (3, True)
    store.times = 99
    said = run("pause", "mail-ops")
    assert said.code == 1
    assert "others change the same row" in said.err


def test_an_account_that_cannot_be_reached() -> None:
    """Nothing is said to be paused."""
    for words in (("pause", "retrain"), ("resume", "retrain"), ("pauses",)):
        said = ops(*words, "--json", StateStorage=nowhere())
        assert (said.code, "cannot be reached" in said.document["problem"]) == (3, True)


def token(**claims: object) -> str:
    """Return a token of Entra ID as far as it is read."""
    part = base64.urlsafe_b64encode(json.dumps(claims).encode()).decode().rstrip("=")
    return f"x.{part}.y"


@pytest.mark.parametrize(
    ("text", "name"),
    [
        (token(upn="ana@contoso.com", appid="1", oid="2"), "ana@contoso.com"),
        (token(unique_name="live.com#ana", oid="2"), "live.com#ana"),
        (token(upn="", appid="04b0", oid="2"), "04b0"),
        (token(oid="2"), "2"),
        (token(upn=7), ""),
        (token(), ""),
        ("", ""),
        ("x", ""),
        ("x.!.y", ""),
        ("x.eA.y", ""),
        ("x.W10.y", ""),
    ],
)
def test_the_name_of_a_login(text: str, name: str) -> None:
    """People before services; a token that says nothing is no reason to fail."""
    assert name_in(text) == name


class Login:
    """A credential that gives a token, or fails."""

    def __init__(self, text: str | Exception) -> None:
        self.text = text

    def get_token(self, *_scopes: str, **_: object) -> Any:
        """See TokenCredential."""
        if isinstance(self.text, Exception):
            raise self.text
        return type("Token", (), {"token": self.text})


def test_who(monkeypatch: pytest.MonkeyPatch) -> None:
    """The login's name, the machine's user with a connection string, and never nothing."""
    from azure.core.exceptions import ClientAuthenticationError  # noqa: PLC0415 - not for the others

    assert who(Login(token(upn="ana@contoso.com"))) == "ana@contoso.com"
    assert who(Login("nonsense")) == NOBODY
    with pytest.raises(StorageError):
        who(Login(ClientAuthenticationError("no")))
    monkeypatch.setattr("getpass.getuser", lambda: "ana")
    assert who(None) == "ana"

    def unknown() -> str:
        raise OSError

    monkeypatch.setattr("getpass.getuser", unknown)
    assert who(None) == NOBODY
