"""docs/mutants.md and a run of mutmut: what the page has to learn, and that it speaks of lines that are there."""

import inspect
import pkgutil

import pytest

from tests.mutants import PAGE, Change, Run, change, figures, listed, problems, tell

TEXT = PAGE.read_text(encoding="utf-8")
DIFF = """\
--- shared/ledger.py
+++ shared/ledger.py
@@ -1,3 +1,2 @@
 def admit(self) -> int:
-    first = a |  b
-        # see `c`
+    first = None
"""
LOST = Change(function="shared.ledger:Ledger.admit", line="first = a | b # see `c`", becomes="first = None")
GONE = Change(function="shared.guards:_clock", line="pass", becomes="")
COUNTED = "| module | mutants | survive |\n|---|---|---|\n| `shared.guards` | 3 | 1 |\n| `shared.ledger` | 9 | 1 |\n"
HEAD = f"{COUNTED}\n## Survivors\n\n### Words\n\nWhy.\n\n| function | line | becomes |\n|---|---|---|\n"
RUN = Run(mutants={"shared.guards": 3, "shared.ledger": 9}, survivors=(LOST, GONE))


def page(*changes: Change) -> str:
    """Return a page that lists *changes*."""
    return HEAD + "".join(f"{one.row()}\n" for one in changes)


def test_a_mutant_is_known_by_its_function_and_line() -> None:
    """Of a method and of a function, without the number that changes with every edit."""
    assert change("shared.ledger.xǁLedgerǁadmit__mutmut_12", DIFF) == LOST
    removed = "--- a\n+++ a\n@@ -1 +1 @@\n def f():\n-    pass\n"
    assert change("shared.guards.x__clock__mutmut_1", removed) == GONE


def test_a_page_is_read_as_it_is_written() -> None:
    """Pipes, backquotes, and a line that is gone."""
    assert listed(page(LOST, GONE)) == {LOST: 1, GONE: 1}
    assert figures(page()) == {"shared.guards": (3, 1), "shared.ledger": (9, 1)}


def test_a_page_that_lists_the_survivors_has_nothing_to_learn() -> None:
    """In any order."""
    assert list(problems(page(GONE, LOST), RUN)) == []
    assert tell([]) == 0


@pytest.mark.parametrize(
    ("changes", "words", "row"),
    [((LOST,), "survives", GONE), ((LOST, GONE, GONE), "is listed", GONE), ((), "survives", LOST)],
    ids=["new", "killed meanwhile", "nothing listed"],
)
def test_every_difference_is_a_problem(
    changes: tuple[Change, ...], words: str, row: Change, capsys: pytest.CaptureFixture[str]
) -> None:
    """A survivor without a reason, and a reason without its survivor; with the row to write or to take away."""
    found = list(problems(page(*changes), RUN))
    assert any(one.startswith(words) and row.row() in one for one in found)
    assert tell(found) == 1
    assert row.row() in capsys.readouterr().err


def test_figures_of_another_run_are_a_problem() -> None:
    """A module that has more mutants now, one that is new, one that is gone."""
    run = Run(mutants={"shared.ledger": 10, "shared.new": 2}, survivors=(LOST,))
    assert [one for one in problems(page(LOST), run) if "figures" in one] == [
        "shared.guards: the figures of this run are\n  | `shared.guards` | 0 | 0 |",
        "shared.ledger: the figures of this run are\n  | `shared.ledger` | 10 | 1 |",
        "shared.new: the figures of this run are\n  | `shared.new` | 2 | 0 |",
    ]


def test_without_a_run_nothing_is_said_of_survivors() -> None:
    """None of them would seem to survive."""
    found = list(problems(page(LOST, GONE), Run(mutants={"shared.ledger": 0}, survivors=())))
    assert found == ["there is no run to compare it with: `make mutants`"]


@pytest.mark.parametrize("one", sorted(listed(TEXT)), ids=lambda one: f"{one.function} {one.becomes[:40]}")
def test_every_survivor_is_of_a_line_that_is_there(one: Change) -> None:
    """Without a run: a line that was edited since is to be looked at again."""
    source = " ".join(inspect.getsource(pkgutil.resolve_name(one.function)).split())
    assert f" {one.line} " in f" {source} ", "the line has changed: run `make mutants`, and mend docs/mutants.md"


def test_the_page_counts_what_it_lists() -> None:
    """The figures of each module and the rows say the same."""
    survive = {module: survivors for module, (_mutants, survivors) in figures(TEXT).items()}
    assert sum(survive.values()) == listed(TEXT).total()
    for module, number in survive.items():
        assert number == sum(count for one, count in listed(TEXT).items() if one.function.startswith(f"{module}:"))
