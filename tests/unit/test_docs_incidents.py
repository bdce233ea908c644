"""docs/incidents.md: its reasons are the code's own, its example loads, its costs are those counted."""

from datetime import timedelta

from shared.incidents import INTERVALS
from shared.limits import span
from tests.fakes.service import rules
from tests.markdown import DOCS, blocks, section, table
from tests.unit.test_incidents import COSTS, Story, failed, hours, succeeded

PAGE = (DOCS / "incidents.md").read_text(encoding="utf-8")


def test_reasons_are_those_of_the_code() -> None:
    """A failure, one within the hour, one after it, a success, and a failure that comes late."""
    story = Story()
    story.at(0, failed("a"))
    story.at(0.5, failed("b", hours(0.5)))
    story.at(5, failed("c", hours(5)))
    story.at(6, succeeded("d", hours(6)))
    story.at(7, failed("e", hours(0.2)))
    (block,) = (block for block in blocks(PAGE) if block.info == "text reason")
    assert block.text.splitlines() == [story.reason(run) for run in "abcde"]


def test_the_example_loads() -> None:
    """It mails each failure."""
    (block,) = (block for block in blocks(PAGE) if block.info == "yaml")
    (rule,) = rules(f"recipients: {{ ops: $OPS_EMAIL }}\nreactions:\n{block.text}").rules
    assert not rule.folds


def test_intervals_are_those_of_the_code() -> None:
    """As the table says them."""
    (told,) = (when for mail, when in table(section(PAGE, "The mails"), "mail") if mail == "reminder")
    assert all(f"{span(one)[:-1]} h" in told for one in INTERVALS[:2])
    assert INTERVALS[2] == timedelta(hours=24)
    assert "24 h after each further one" in told


def test_costs_are_those_counted() -> None:
    """By tests/unit/test_incidents.py."""
    told = {event: int(requests) for event, requests in table(section(PAGE, "What an incident costs"), "event")}
    assert told == {
        "the failure that opens it": len(COSTS["opens"]),
        "a failure that is folded": len(COSTS["folds"]),
        "a reminder with nothing to say": len(COSTS["reminds of nothing"]),
        "the success that ends it": len(COSTS["resolves"]),
        "any other success of a root run": len(COSTS["succeeds"]),
        "a success that no rule is about": len(COSTS["concerns nobody"]),
    }
