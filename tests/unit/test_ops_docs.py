"""docs/ops.md holds to the commands: options, kinds, states, roles, exit codes and the keys of the JSON."""

import re
import shlex
import typing
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any, get_args

import click
import pytest
import typer.main

from ops import letters, problems, replay, settled
from ops.__main__ import app
from ops.backtest import Tellings
from ops.comparison import Change, Comparison, Reason
from ops.doctor.finding import Status, ok
from ops.doctor.registry import CHECKS
from ops.doctor.rendering import document as doctor_document
from ops.doctor.rendering import finding_json
from ops.doctor.state import READERS
from ops.doctor.traffic import MANY
from ops.documents import letter_json, message_json, report_json, summary_json
from ops.finding import Found as Looked
from ops.judgement import Judged
from ops.letter_box import Entry
from ops.pauses import pause_json, switched_json
from ops.preview_rendering import Preview, change_json, preview_json, reason_json
from ops.probing import answer_json
from ops.purge import YOUNGEST, purge_json
from ops.silences import LONGEST, silence_json
from ops.standing import Action, State, standing_of
from ops.standing_rendering import standing_json
from ops.state_rows import PAGE_ROWS, StateRows, Stored
from ops.switching import Switched
from ops.told import Told
from ops.trial import try_event
from ops.tried_rendering import judged_json
from ops.validate import Found, _document, _reaction_json
from ops.why import _document as why_json
from shared import silences
from shared.gateways.queue import LONGEST_DELAY
from shared.messages import Message
from shared.silences import Silence
from shared.store import Row
from shared.switches import ALL, CHARACTERS, SECONDS, Pause
from tests.fakes.events import sample
from tests.fakes.service import REACTIONS, rules
from tests.markdown import DOCS, ROOT, blocks, code, pages, section, table

PAGE = (DOCS / "ops.md").read_text(encoding="utf-8")
NOW = datetime(2026, 11, 24, tzinfo=UTC)
CALL = re.compile(r"python -m ops ([^\n`#>]*[a-zA-Z0-9])")


def commands(group: Any = None, *words: str) -> Iterator[tuple[tuple[str, ...], Any]]:
    """Return every command with the words that name it."""
    group = group or typer.main.get_command(app)
    for name, command in group.commands.items():
        if hasattr(command, "commands"):
            yield from commands(command, *words, name)
        else:
            yield (*words, name), command


def lines() -> list[str]:
    """Return every command line in the pages' blocks and in the pipelines to copy."""
    texts = [block.text for page in pages() for block in blocks(page.read_text(encoding="utf-8"))]
    texts += [path.read_text(encoding="utf-8") for path in sorted((DOCS / "ci").iterdir())]
    return sorted({found.strip() for text in texts for found in CALL.findall(text)})


@pytest.mark.parametrize("line", lines())
def test_command_lines_are_accepted(line: str) -> None:
    """Every line of the pages is one that the command takes."""
    words = shlex.split(line)
    ((name, command),) = ((name, command) for name, command in commands() if words[: len(name)] == list(name))
    command.make_context(" ".join(name), words[len(name) :], resilient_parsing=False)


def test_every_option_is_told() -> None:
    """And no other."""
    options = {option for _, command in commands() for one in command.params for option in one.opts}
    assert set(re.findall(r"(?<![-\w])--[a-z][a-z-]*", PAGE)) == {
        option for option in options if option.startswith("--")
    }


def test_kinds_and_states() -> None:
    """The words that scripts compare with."""
    assert {code(kind)[0] for kind, _ in table(section(PAGE, "list"), "kind")} == set(get_args(letters.Kind.__value__))
    (states,) = (what for key, what in table(section(PAGE, "JSON"), "report") if key == "`status`")
    assert set(code(states)) == set(get_args(replay.Status.__value__))


def test_words_of_a_purge() -> None:
    """What it counts, in the table, in the JSON and in the code; the limits are those of the code."""
    text = section(PAGE, "purge")
    counted = [typing.get_args(words.__value__) for words in (settled.Purged, settled.Spared)]
    assert [code(word)[0] for word, *_ in table(text, "counted as")] == [word for words in counted for word in words]
    rows = {key: code(what) for key, what in table(section(PAGE, "JSON"), "counts")}
    assert [tuple(rows[key]) for key in ("`purged`", "`spared`")] == counted
    assert f"({settled.LONGEST_WINDOW.days:,} days)" in text
    assert f"**At least {YOUNGEST.days} days.**" in text
    assert f"delayed for up to {LONGEST_DELAY.days} days" in text
    assert f"{PAGE_ROWS:,} rows at a time" in text


def test_checks_of_the_doctor() -> None:
    """Each is told, in order; so are the roles that a look takes, and its figures."""
    text = section(PAGE, "doctor")
    assert all(f"`{status}`" in text for status in get_args(Status.__value__))
    assert [code(name)[0] for name, _ in table(text, "check")] == [check.name for check in CHECKS]
    roles = [role for _, role, _ in table(text, "to look at")]
    assert all(role in roles for role, _ in READERS.values())
    assert f"more than {MANY:,} messages" in text


def test_figures_of_a_pause() -> None:
    """How long it takes, and how long a note may be."""
    text = section(PAGE, "pause")
    assert f"After {SECONDS:.0f} s at most" in text
    assert f"({CHARACTERS} characters)" in text


def test_figures_of_a_silence() -> None:
    """How long it may be, how long a note, and how many there may be."""
    text = section(PAGE, "silence")
    assert f"at most {LONGEST.days} days" in text
    assert f"({silences.CHARACTERS} characters)" in text
    assert f"there may be {silences.MOST} at a time" in text


def test_exit_codes() -> None:
    """All of them, in order."""
    told = [int(number) for number, _ in table(section(PAGE, "Exit codes"), "code")]
    assert told == [problems.DONE, problems.NOT_ALL, problems.USAGE, problems.NO_ACCESS]
    assert click.UsageError.exit_code == problems.USAGE


def test_roles() -> None:
    """What an error names as missing is what the page asks for."""
    told = {role: set(code(scope)) for _, role, scope in table(section(PAGE, "Which account, and who asks"), "to")}
    for role, scope in problems.ROLES.values():
        assert all(name in scope for name in told[role]), role


def test_json_documents_are_told() -> None:
    """Of validate, preview and doctor, whose documents are no list of one thing."""
    told = {code(name)[0]: set(code(document)) for name, document in table(section(PAGE, "JSON"), "command")}
    found = Found(problems=(), warnings=(), settings="", reactions=())
    assert told["validate"] == _document(found, ROOT).keys()
    examined = doctor_document([(CHECKS[0], ok(""))])
    assert told["doctor"] == examined.keys()
    comparison = Comparison(changes=(), reasons=(), before={"job": 0, "mail": 0}, after={"job": 0, "mail": 0})
    preview = Preview(against="", events=0, tellings=Tellings(all=(), refused=()), comparison=comparison)
    document: Any = preview_json(preview)
    assert told["preview"] == document.keys() | document["jobs"].keys()


def keys(head: str) -> set[str]:
    """Return the keys that a table of the page tells."""
    return {key for cell, _ in table(section(PAGE, "JSON"), head) for key in code(cell)}


def test_json_keys_are_those_of_the_code() -> None:
    """Each table, key by key."""
    letter = letters.foreign_letter(Entry(name="x", when=NOW, size=1))
    assert keys("letter") == summary_json(letter).keys()
    assert keys("more of it") == letter_json(letter, ()).keys() - summary_json(letter).keys()
    purge = settled.Purge(rows=StateRows(None), before=NOW, now=NOW)  # type: ignore[arg-type] # nothing is asked
    assert keys("counts") == purge_json(purge, None).keys()
    assert keys("pause") == pause_json(Pause(reaction=ALL)).keys()
    assert keys("silence") == silence_json(Silence(subject="x", until=NOW, by="ana", at=NOW)).keys()
    assert code(dict(table(section(PAGE, "JSON"), "action on record"))["`state`"])[:-1] == list(
        get_args(State.__value__)
    )
    switched = {code(name)[0]: set(code(what)) - {"*"} for name, what in table(section(PAGE, "JSON"), "command")}
    assert switched["send-test-mail"] == answer_json("x", None).keys() | {"done", "failed", "deferred", "null"}
    assert switched["pause"] == switched_json(Switched(reaction=ALL, now=None, before=None)).keys()
    standing = standing_of(Stored(row=Row(partition="", key="", values={}), at=NOW))
    event: Any = standing_json(replace(standing, actions=(Action(key="", decision="", reason=""),)), {})
    assert (keys("event on record"), keys("action on record")) == (event.keys(), event["reactions"][0].keys())
    assert switched["why"] == why_json("", Looked(standings=(), looked=())).keys()
    assert keys("report") == report_json(replay.Report(name="x", status="sent")).keys()
    assert keys("finding") == finding_json(CHECKS[0], ok("")).keys()
    rule = rules(REACTIONS).rules[0]
    assert keys("reaction") == _reaction_json(rule, "").keys()
    (trial,) = try_event(sample("model-registered"), rules(REACTIONS))
    judged = Judged(told=Told(source="", content=b"{}"), verdicts=trial.verdicts)
    document: Any = judged_json(judged, lambda _: "", None)
    verdict = document["reactions"][0]
    assert (keys("event tried"), keys("verdict")) == (document.keys(), verdict.keys())
    assert keys("effect") == verdict["effects"][0].keys()
    place: Any = {"event": "", "family": "", "workspace": "", "at": datetime(2026, 11, 24, tzinfo=UTC), "reaction": ""}
    change = Change(**place, how="comes", kind="job", what="", details=())
    assert keys("change") == change_json(change).keys()
    assert keys("changed reason") == reason_json(Reason(**place, before="", after="")).keys()
    (messages,) = (what for key, what in table(section(PAGE, "JSON"), "report") if key == "`messages`")
    assert set(code(messages)) == message_json(Message()).keys()
