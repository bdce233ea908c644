"""docs/ops.md holds to the commands: options, kinds, states, roles, exit codes and the keys of the JSON."""

import re
import typing
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import click
import pytest
import typer.main

from ops import letters, problems, replay, settled
from ops.__main__ import app
from ops.documents import letter_json, message_json, report_json, summary_json
from ops.letter_box import Entry
from ops.purge import YOUNGEST, purge_json
from ops.state_rows import PAGE_ROWS, StateRows
from shared.gateways.queue import LONGEST_DELAY
from shared.messages import Message
from tests.markdown import DOCS, blocks, code, section, table

PAGE = (DOCS / "ops.md").read_text(encoding="utf-8")
NOW = datetime(2026, 11, 24, tzinfo=UTC)
OPERATIONS = (DOCS / "operations.md").read_text(encoding="utf-8")


def commands() -> dict[str, Any]:
    """Return the commands by name; those of dead-letters by their own, which no other has."""
    group: Any = typer.main.get_command(app)
    groups = {name: command for name, command in group.commands.items() if hasattr(command, "commands")}
    single = {name: command for name, command in group.commands.items() if name not in groups}
    return single | {name: one for command in groups.values() for name, one in command.commands.items()}


def lines() -> Iterator[list[str]]:
    """Return the words of every command line in the pages."""
    for page in (PAGE, OPERATIONS):
        for block in blocks(page):
            for line in block.text.splitlines():
                if "python -m ops " in line:
                    yield line.split("python -m ops ")[1].removeprefix("dead-letters ").split()


@pytest.mark.parametrize("words", list(lines()), ids=" ".join)
def test_command_lines_are_accepted(words: list[str]) -> None:
    """Every line of the pages is one that the command takes."""
    command = commands()[words[0]]
    command.make_context(words[0], words[1:], resilient_parsing=False)


def test_every_option_is_told() -> None:
    """And no other."""
    options = {option for command in commands().values() for one in command.params for option in one.opts}
    assert set(re.findall(r"(?<!-)--[a-z][a-z-]*", PAGE)) == {option for option in options if option.startswith("--")}


def test_kinds_and_states() -> None:
    """The words that scripts compare with."""
    assert {code(kind)[0] for kind, _ in table(section(PAGE, "list"), "kind")} == set(
        typing.get_args(letters.Kind.__value__)
    )
    (states,) = (what for key, what in table(section(PAGE, "JSON"), "report") if key == "`status`")
    assert set(code(states)) == set(typing.get_args(replay.Status.__value__))


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
    assert keys("report") == report_json(replay.Report(name="x", status="sent")).keys()
    (messages,) = (what for key, what in table(section(PAGE, "JSON"), "report") if key == "`messages`")
    assert set(code(messages)) == message_json(Message()).keys()
