"""What an event's row becomes: uniting facts, in every order, is the same and never undoes anything."""

import itertools
from datetime import timedelta

import pytest

from handlers import model_registered
from shared.actions import Deferred, Done, Failed, Outcome
from shared.decisions import decide_event
from shared.events import parse
from shared.guarding import Given
from shared.notices import Notice
from shared.outcomes import unite, without_notices
from shared.records import EventRecord, ReactionRecord, Wake, read_event, write_event
from shared.store import Row
from tests.fakes.events import sample
from tests.fakes.service import REACTIONS, START, FakeService, rules

DONE, FAILED = Done(receipt="job-1"), Failed(reason="refused")
LATER = Deferred(reason="http 503", after=timedelta(minutes=1))
ADMITTED = ReactionRecord(decision="admitted", operation="op", effect="job-1")
MINE, THEIRS = Wake(token="mine", due=START), Wake(token="theirs", due=START)  # noqa: S106 - marks, no secrets


def row(**changes: object) -> EventRecord:
    """Return a row with two reactions admitted."""
    values = {"reactions": {"a": ADMITTED, "b": ADMITTED}, **changes}
    return EventRecord(**values)  # type: ignore[arg-type] # its own fields


def united(record: EventRecord, outcomes: dict[str, Outcome], *, wake: Wake | None = None) -> EventRecord:
    """Unite as a delivery does that read no wake."""
    return unite(record, outcomes, seen=None, wake=wake, now=START)


@pytest.mark.parametrize("order", list(itertools.permutations([DONE, FAILED, LATER])))
def test_done_beats_failed_in_any_order(order: tuple[Outcome, ...]) -> None:
    """Deliveries that disagree, in any order: the effect exists, so it is done."""
    record = row()
    for outcome in order:
        record = united(record, {"a": outcome})
    assert record.reactions["a"].outcome == DONE


def test_a_failure_is_counted_once() -> None:
    """Two deliveries that meet the same refusal make one failure."""
    record = united(united(row(), {"a": FAILED}), {"a": Failed(reason="refused again")})
    assert (record.reactions["a"].failure, record.reactions["a"].outcome) == (1, FAILED)


def test_a_receipt_stays() -> None:
    """What is done is not done again under another receipt."""
    record = united(united(row(), {"a": DONE}), {"a": Done(receipt="another")})
    assert record.reactions["a"].outcome == DONE


def test_a_late_deferral_does_not_reopen_what_is_done() -> None:
    """A slow delivery that met a 503 changes nothing about an effect that exists."""
    record = united(row(reactions={"a": ADMITTED}), {"a": DONE})
    assert united(record, {"a": LATER}, wake=MINE) == record


def test_the_first_live_copy_stays_the_live_one() -> None:
    """Two deliveries put copies back at once: the row names the first, the other finds nothing to do."""
    record = united(row(), {"a": LATER}, wake=THEIRS)
    assert united(record, {"a": LATER}, wake=MINE).wake == THEIRS


def test_the_copy_that_was_read_is_replaced() -> None:
    """The live copy itself puts the next one back."""
    record = unite(row(wake=THEIRS), {"a": LATER}, seen=THEIRS, wake=MINE, now=START)
    assert record.wake == MINE


def test_nothing_waits_once_all_is_settled() -> None:
    """Wake and trouble end with the last outcome."""
    record = row(wake=MINE, trouble_since=START)
    settled = united(record, {"a": DONE, "b": FAILED})
    assert (settled.wake, settled.trouble_since) == (None, None)


def test_a_success_resets_the_trouble() -> None:
    """A day of trouble means a day without any success; what still waits begins anew."""
    later = START + timedelta(hours=20)
    record = row(trouble_since=START)
    waiting = unite(record, {"a": DONE, "b": LATER}, seen=None, wake=MINE, now=later)
    assert waiting.trouble_since == later
    still = unite(record, {"b": LATER}, seen=None, wake=MINE, now=later)
    assert still.trouble_since == START


def test_a_delivery_that_puts_off_is_one_attempt() -> None:
    """However many reactions it puts off; one that ends in outcomes is none."""
    record = united(row(), {"a": LATER, "b": LATER}, wake=MINE)
    assert record.attempts == 1
    assert united(record, {"a": DONE}, wake=MINE).attempts == 1


def test_a_failure_beside_what_waits_is_no_trouble() -> None:
    """Only what is put off begins a day of trouble, not what is over, nor what was never tried."""
    assert united(row(), {"a": FAILED}, wake=MINE).trouble_since is None


def test_a_reason_with_a_limit_is_timed_in_one_piece() -> None:
    """Half an hour of the same kind of trouble counts from its beginning; another reason in between ends it."""
    limited = Deferred(reason="forbidden", after=timedelta(minutes=5), limit=timedelta(minutes=30))
    first = unite(row(), {"a": limited}, seen=None, wake=MINE, now=START)
    assert first.reactions["a"].limited_since == START
    again = unite(first, {"a": limited}, seen=MINE, wake=MINE, now=START + timedelta(minutes=5))
    assert again.reactions["a"].limited_since == START
    other = unite(again, {"a": LATER}, seen=MINE, wake=MINE, now=START + timedelta(minutes=9))
    assert other.reactions["a"].limited_since is None


def test_rows_are_written_as_they_are_read() -> None:
    """Only the columns that changed are written; an emptied one is told as such, since updates merge."""
    before = row(wake=MINE, trouble_since=START, attempts=2)
    columns = write_event(None, before)
    assert read_event(Row(partition="p", key="k", values=columns)) == before
    after = united(before, {"a": DONE, "b": DONE})
    changed = write_event(before, after)
    assert changed.keys() == {"r_a", "r_b", "wake", "trouble_since"}
    assert read_event(Row(partition="p", key="k", values={**columns, **changed})) == after
    assert write_event(after, after) == {}
    assert read_event(Row(partition="p", key="k", values={})) == EventRecord()


def test_columns_and_fields_of_another_version_are_ignored() -> None:
    """Two versions of the code work side by side on one row."""
    text = '{"decision":"admitted","operation":"op","effect":"job-1","a_field_of_tomorrow":1}'
    values = {"r_offline_test": text, "column_of_tomorrow": "x", "event": "{}"}
    record = read_event(Row(partition="p", key="k", values=values))
    assert record.reactions == {"offline-test": ADMITTED}


def told_again(standing: ReactionRecord, *, reopen: str = "") -> ReactionRecord:
    """Tell an event again to a rule that no longer matches; return what then stands."""
    event = model_registered.recognise(parse(sample("model-registered")))
    assert isinstance(event, model_registered.ModelRegistered)
    reactions = rules(REACTIONS.replace("on: model-registered", "on: model-registered\n    when: { model: other }"))
    given = Given(
        operation_of=lambda name: FakeService().ledger.operation(event, 0, name),
        label=event.label,
        now=START,
        reopen=reopen,
    )
    row = EventRecord(reactions={"offline-test": standing})
    return decide_event(row, model_registered.FAMILY.plan(event, reactions), given).record.reactions["offline-test"]


def test_a_rule_that_no_longer_matches_undoes_nothing() -> None:
    """What was admitted stays so, done or not; only the failure that a replay reopens is looked at again."""
    failed = ReactionRecord(decision="admitted", outcome=FAILED, failure=2)
    for standing in (ADMITTED, ReactionRecord(decision="admitted", outcome=DONE), failed):
        assert told_again(standing) == standing
    assert told_again(failed, reopen="offline-test#1") == failed
    assert told_again(failed, reopen="offline-test#2").decision == "unmatched"


def test_what_is_still_to_be_mailed_keeps_its_content() -> None:
    """Only mails that are settled lose it, when a row is full."""
    notice = Notice(kind="k", headline="h", workspace="w", experiment="", run="", status="", time="", reaction="a")
    pending, settled = (ReactionRecord(decision="admitted", notice=notice, outcome=outcome) for outcome in (None, DONE))
    left = without_notices(EventRecord(reactions={"a": pending, "b": settled})).reactions
    assert (left["a"].notice, left["b"].notice) == (notice, None)
