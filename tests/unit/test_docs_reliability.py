"""docs/reliability.md is what the fault tests wrote: a row for every bar, each with its test and its figures."""

from pathlib import Path

import pytest

from tests.faults.bars import BARS, Bar
from tests.faults.figures import Figures, united
from tests.faults.page import HEAD, page, row
from tests.markdown import DOCS, table

PAGE = (DOCS / "reliability.md").read_text(encoding="utf-8")


def test_every_bar_has_its_row() -> None:
    """In the order of the bars, with the same words."""
    rows = list(table(PAGE, "bar"))
    assert [cells[:3] for cells in rows] == [[bar.number, bar.name, bar.promise] for bar in BARS]
    assert all(cells[4] for cells in rows), "a bar without figures: run `make figures`"


def test_the_page_begins_as_it_is_written() -> None:
    """`make figures` would change nothing but rows."""
    assert PAGE.startswith(HEAD)


@pytest.mark.parametrize("name", ["reliability.md", "operations.md"])
def test_mails_are_promised_in_the_same_words(name: str) -> None:
    """As they are tested: at least once, once where it can be asked, one more for each lost answer where it cannot."""
    words = " ".join((DOCS / name).read_text(encoding="utf-8").split()).casefold()
    assert "at least once" in words
    assert "once wherever the mail service can be asked" in words
    assert (
        "where operations cannot be looked up, one lost answer may cost one more mail after the service's 5-minute "
        "window, and each further lost answer one more"
    ) in words


@pytest.mark.parametrize("bar", BARS, ids=lambda bar: bar.number)
def test_every_bar_has_its_test(bar: Bar) -> None:
    """The file is there, and records figures under the number of that bar."""
    text = (DOCS.parent / "tests" / bar.test).read_text(encoding="utf-8")
    assert "figures: Figures" in text
    assert f'"{bar.number}"' in text


def test_figures_of_several_processes_are_united(tmp_path: Path) -> None:
    """Numbers are added, worst and most are maxima."""
    for name, seconds in (("a", 1.5), ("b", 1.25)):
        Figures(tmp_path / f"{name}.jsonl").record("1", kills=2, worst_run_s=seconds)
    figures = united(tmp_path.glob("*.jsonl"))
    assert figures == {"1": {"kills": 4, "worst_run_s": 1.5}}
    assert "kills 4, worst run s 1.5" in row(BARS[0], figures["1"])
    assert page(figures).count("\n| ") == len(BARS) + 1
