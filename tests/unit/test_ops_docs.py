"""docs/ops.md holds to the commands: options, kinds, states, roles, exit codes and the keys of the JSON."""

import re
import typing
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import click
import pytest
import typer.main

from ops import letters, problems, replay
from ops.__main__ import app
from ops.documents import letter_json, message_json, report_json, summary_json
from ops.letter_box import Entry
from shared.messages import Message
from tests.markdown import DOCS, blocks, code, section, table

PAGE = (DOCS / "ops.md").read_text(encoding="utf-8")
OPERATIONS = (DOCS / "operations.md").read_text(encoding="utf-8")


def commands() -> dict[str, Any]:
    """Return the commands of dead-letters by name."""
    group: Any = typer.main.get_command(app)
    return dict(group.commands["dead-letters"].commands)


def lines() -> Iterator[list[str]]:
    """Return the words of every command line in the pages."""
    for page in (PAGE, OPERATIONS):
        for block in blocks(page):
            for line in block.text.splitlines():
                if "python -m ops dead-letters" in line:
                    yield line.split("dead-letters ")[1].split()


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
    letter = letters.foreign_letter(Entry(name="x", when=datetime(2026, 11, 24, tzinfo=UTC), size=1))
    assert keys("letter") == summary_json(letter).keys()
    assert keys("more of it") == letter_json(letter, ()).keys() - summary_json(letter).keys()
    assert keys("report") == report_json(replay.Report(name="x", status="sent")).keys()
    (messages,) = (what for key, what in table(section(PAGE, "JSON"), "report") if key == "`messages`")
    assert set(code(messages)) == message_json(Message()).keys()
