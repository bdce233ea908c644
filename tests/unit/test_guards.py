"""Guards: pure functions of memory and time, asked as the ledger asks them."""

from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, time, timedelta
from functools import cache

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from handlers import model_registered
from shared.actions import Deferred, Failed, Operation, alert_beside
from shared.decisions import Decided, decide_event
from shared.events import parse
from shared.guarding import LINEAGE, PAUSED, TOLD, Given
from shared.guards import Admitted, Known, LineageWanted, Skipped, Waiting, decide
from shared.hours import Hours
from shared.limits import Budget, Confirm, Guards, Loop, span
from shared.lineage import Chain
from shared.memory import LATEST, Entry, Memory
from shared.reactions import Matched, Reactions, Unmatched
from shared.reactions.guard_rules import GuardsRule, guards_of
from shared.records import EventRecord, ReactionRecord, failure_id
from shared.switches import Pause
from shared.waits import RULE_GONE
from tests.fakes.events import sample
from tests.fakes.service import REACTIONS, rules

T0 = datetime(2026, 11, 24, 9, 0, tzinfo=UTC)
MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
NAME = "offline-test"


def known(memory: Memory | None = None, *, now: datetime = T0, operation: str = "b", **more: object) -> Known:
    """Return what a guard goes by, about the operation b."""
    values = {"reaction": NAME, "operation": operation, "now": now, "memory": memory or Memory(), **more}
    return Known(**values)  # type: ignore[arg-type] # its own fields


def acted(*minutes: float, operation: str = "") -> Memory:
    """Return a memory with admissions so many minutes ago."""
    return Memory(
        entries=tuple(
            Entry(operation=operation or f"earlier-{number}", at=T0 - minute * MINUTE)
            for number, minute in enumerate(minutes)
        )
    )


@cache
def matched() -> Matched:
    """Return what one reaction wants to do about a registered model."""
    event = model_registered.recognise(parse(sample("model-registered")))
    assert isinstance(event, model_registered.ModelRegistered)
    (item,) = model_registered.FAMILY.plan(event, Reactions(tuple(rules(REACTIONS).on("model-registered"))))
    assert isinstance(item, Matched)
    return item


@dataclass
class Subject:
    """One subject and its reaction, decided event by event as the ledger does it; nothing else is read."""

    guards: Guards
    name: str = "churn"
    memories: dict[str, Memory] = field(default_factory=dict)
    wholes: dict[str, Memory] = field(default_factory=dict)
    rows: dict[int, EventRecord] = field(default_factory=dict)
    lineage: Chain | Deferred | None = field(default_factory=Chain)
    pauses: dict[str, Pause] = field(default_factory=dict)

    def operation(self, number: int, key: str = NAME) -> Operation:
        """Return the operation of an event."""
        return Operation(installation="t", workspace="w", identity=f"{self.name}:{number}", reaction=key)

    def tell(self, number: int, at: datetime, *, matches: bool = True, rule: bool = True) -> ReactionRecord:
        """Tell an event, and return what is on record of the reaction then."""
        item = matched()
        reaction = replace(item.reaction, guards=self.guards)
        planned = replace(item, reaction=reaction) if matches else Unmatched(reaction=reaction, reason="model: wanted")
        decided = self.decide(number, at, (planned,) if rule else ())
        self.rows[number] = decided.record
        self.memories |= decided.memories
        self.wholes |= decided.wholes
        return decided.record.reactions[NAME]

    def decide(self, number: int, at: datetime, plan: tuple[Matched | Unmatched, ...]) -> Decided:
        """Decide and keep nothing."""
        circumstances = Given(
            operation_of=lambda key: self.operation(number, key),
            label=self.name,
            memories=self.memories,
            wholes=self.wholes,
            pauses=self.pauses,
            lineage=self.lineage,
            now=at,
        )
        return decide_event(self.rows.get(number, EventRecord()), plan, circumstances)

    def play(self, minutes: list[int]) -> list[bool]:
        """Tell another event at each of the minutes, and say which were admitted."""
        return [self.tell(number, T0 + minute * MINUTE).decision == "admitted" for number, minute in enumerate(minutes)]

    def alerts(self) -> int:
        """Count the mails that told Ops."""
        return sum(alert_beside(NAME) in row.reactions for row in self.rows.values())


@pytest.mark.parametrize(
    ("guards", "minutes", "admitted"),
    [
        (Guards(), [0, 0, 0], [True, True, True]),
        (Guards(cooldown=HOUR), [0, 0, 59, 60, 119, 120], [True, False, False, True, False, True]),
        (Guards(budget=Budget(runs=2, per=HOUR)), [0, 10, 20, 60, 61, 70], [True, True, False, True, False, True]),
        (Guards(whole=Budget(runs=2, per=HOUR)), [0, 10, 20, 60, 61, 70], [True, True, False, True, False, True]),
        (Guards(cooldown=HOUR, budget=Budget(runs=1, per=2 * HOUR)), [0, 60, 120], [True, False, True]),
        (Guards(confirm=Confirm(events=2, within=HOUR)), [0, 59, 60, 90], [False, True, False, True]),
        (Guards(confirm=Confirm(events=2, within=HOUR)), [0, 60, 119], [False, False, True]),
        (Guards(confirm=Confirm(events=3, within=HOUR)), [0, 1, 2, 3, 4, 5], [False, False, True, False, False, True]),
        (
            Guards(confirm=Confirm(events=2, within=DAY), cooldown=HOUR),
            [0, 1, 2, 3, 61],
            [False, True, False, False, True],
        ),
    ],
    ids=["none", "cooldown", "budget", "whole", "both", "confirm", "confirm slides", "confirm 3", "confirm cooldown"],
)
def test_what_is_admitted(guards: Guards, minutes: list[int], admitted: list[bool]) -> None:
    """The edges count: exactly at the end of a cooldown, exactly when a run leaves the window."""
    assert Subject(guards).play(minutes) == admitted


def test_an_admitted_operation_is_admitted_again() -> None:
    """A redelivery must not meet its own mark, whatever the guard."""
    guards = Guards(
        cooldown=HOUR,
        budget=Budget(runs=1, per=HOUR),
        whole=Budget(runs=1, per=HOUR),
        confirm=Confirm(events=5, within=HOUR),
        loop=Loop(times=1, depth=1),
        hours=Hours(start=time(0), end=time(23)),
    )
    memory = acted(0, operation="a")
    chain = Chain(depth=9, reactions=(NAME,))
    again = decide(guards, known(memory, operation="a", whole=memory, chain=chain))
    assert isinstance(again, Admitted)
    assert again.reason.startswith("admitted before; 5 of 5 events within 1h; no cooldown running; 1 of 1 runs")
    assert not isinstance(decide(guards, known(memory, operation="b", whole=memory, chain=chain)), Admitted)


def test_a_reservation_of_its_own_counts_as_one() -> None:
    """Killed between the reservation and the decision: the redelivery finds its run reserved, and takes no other."""
    guards = Guards(whole=Budget(runs=1, per=HOUR))
    reserved = acted(0, operation="b")
    decision = decide(guards, known(whole=reserved))
    assert decision == Admitted("1 of 1 runs of the whole reaction")


def test_what_is_not_admitted_gives_its_reservation_back() -> None:
    """Reserved, and then a cooldown began: the run is for another subject."""
    subject = Subject(Guards(cooldown=HOUR, whole=Budget(runs=1, per=HOUR)))
    reserved = subject.operation(0).digest
    subject.wholes[NAME] = acted(0, operation=reserved)
    subject.memories[NAME] = acted(1)
    assert subject.tell(0, T0).decision == "skipped"
    assert subject.wholes[NAME].entries == ()


def test_what_is_forgotten_suppresses_nothing() -> None:
    """A rejected action gives cooldown, budget and what had confirmed it back."""
    guards = Guards(cooldown=HOUR, budget=Budget(runs=1, per=DAY), confirm=Confirm(events=2, within=DAY))
    subject = Subject(guards)
    assert subject.play([0, 1]) == [False, True]
    assert subject.tell(2, T0 + 2 * MINUTE).decision == "skipped"
    subject.memories[NAME] = subject.memories[NAME].forget(subject.operation(1).digest)
    assert subject.tell(3, T0 + 3 * MINUTE).decision == "admitted"


@pytest.mark.parametrize(
    ("guards", "given_", "decision"),
    [
        (
            Guards(cooldown=HOUR),
            known(acted(0)),
            Skipped("cooldown: acted at 2026-11-24 09:00:00Z; again from 2026-11-24 10:00:00Z"),
        ),
        (
            Guards(budget=Budget(runs=1, per=HOUR)),
            known(acted(0)),
            Skipped("budget: 1 of 1 runs used; again from 2026-11-24 10:00:00Z", chain="budget"),
        ),
        (
            Guards(whole=Budget(runs=2, per=DAY)),
            known(whole=acted(60, 30)),
            Skipped(
                "budget: 2 of 2 runs of the whole reaction used; again from 2026-11-25 08:00:00Z",
                chain="budget",
                of_all=True,
            ),
        ),
        (
            Guards(confirm=Confirm(events=3, within=7 * DAY)),
            known(Memory(seen=(Entry(operation="a", at=T0 - HOUR), Entry(operation="b", at=T0)))),
            Skipped("confirm: 2 of 3 events within 7d; acts on the last of them"),
        ),
        (
            Guards(hours=Hours(start=time(8), end=time(18), zone="Europe/Berlin")),
            known(),
            Waiting(
                "hours: not within 08:00-18:00 Europe/Berlin; waits until 2026-11-24 17:00:00Z",
                until=datetime(2026, 11, 24, 17, tzinfo=UTC),
            ),
        ),
        (
            Guards(loop=Loop(times=2, depth=9)),
            known(chain=Chain(root="e-1", depth=3, reactions=(NAME, "retrain", NAME))),
            Skipped(
                "loop: offline-test acted 2 times in this chain, 2 are the limit; "
                "the chain: offline-test > retrain > offline-test",
                chain="e-1",
            ),
        ),
        (
            Guards(loop=Loop(times=2, depth=3)),
            known(chain=Chain(depth=3, reactions=("a", "b", "c"))),
            Skipped("loop: 3 reactions in this chain, 3 are the limit; the chain: a > b > c", chain="loop"),
        ),
        (
            Guards(loop=Loop(times=2, depth=4)),
            known(chain=Chain(depth=3, reactions=("a", "b", NAME))),
            Admitted("no loop: a > b > offline-test came before"),
        ),
        (Guards(loop=Loop(times=1, depth=1)), known(chain=Chain()), Admitted()),
        (Guards(loop=Loop(times=1, depth=1)), known(acted(1, 2)), LineageWanted()),
        (Guards(loop=Loop(times=1, depth=1)), known(acted(1)), Admitted()),
        (Guards(loop=Loop(times=1, depth=1)), known(acted(1, 1440)), Admitted()),
        (Guards(), known(acted(1, 2, 3)), Admitted()),
        (
            Guards(cooldown=MINUTE, budget=Budget(runs=5, per=HOUR), confirm=Confirm(events=2, within=DAY)),
            known(
                Memory(
                    entries=acted(30, 10).entries,
                    seen=(Entry(operation="a", at=T0 - MINUTE), Entry(operation="b", at=T0)),
                )
            ),
            Admitted("2 of 2 events within 1d; no cooldown running; 3 of 5 runs of the budget"),
        ),
    ],
    ids=[
        "cooldown",
        "budget",
        "whole",
        "confirm",
        "hours",
        "loop",
        "depth",
        "chain below the limit",
        "no chain",
        "third action",
        "second action",
        "third, but over a day",
        "no guard",
        "numbers",
    ],
)
def test_decisions_name_the_guard_and_its_values(guards: Guards, given_: Known, decision: object) -> None:
    """The reason says until when and how many, so that nobody has to work it out."""
    assert decide(guards, given_) == decision


def test_the_lineage_is_asked_for_from_the_third_action_on() -> None:
    """The first two on a subject within a day cost no read."""
    subject = Subject(Guards(loop=Loop(times=3, depth=10)), lineage=None)
    assert subject.play([0, 1]) == [True, True]
    plan = (matched(),)
    assert subject.decide(2, T0 + 2 * MINUTE, plan).lineage_wanted
    assert not subject.decide(2, T0 + DAY + 2 * MINUTE, plan).lineage_wanted


def test_an_unreadable_lineage_waits_and_is_given_up_after_a_day() -> None:
    """Never act without having looked; and never wait for ever. Ops hear of it."""
    subject = Subject(Guards(loop=Loop(times=3, depth=10)), lineage=None)
    assert subject.play([0, 1]) == [True, True]
    subject.lineage = Deferred(reason="http 503", after=MINUTE)
    waiting = subject.tell(2, T0 + 2 * MINUTE)
    assert (waiting.decision, waiting.reason) == ("deferred", "loop: the lineage cannot be read yet: http 503")
    assert waiting.due == T0 + 3 * MINUTE
    for minute in range(2, 12):  # others have acted meanwhile: the memory is young
        subject.memories[NAME] = subject.memories[NAME].admit(
            f"other-{minute}", now=T0 + LINEAGE - minute * MINUTE, horizon=DAY, window=DAY
        )
    last = subject.tell(2, T0 + 2 * MINUTE + LINEAGE - MINUTE)
    assert last.decision == "deferred"
    over = subject.tell(2, T0 + 2 * MINUTE + LINEAGE)
    assert (over.decision, subject.alerts()) == ("skipped", 1)
    assert over.reason == "loop: the lineage could not be read for 24 h; last: http 503"


def test_a_pause_holds_and_drops() -> None:
    """Events wait and are decided when it ends; with --drop they are skipped for good."""
    subject = Subject(Guards(budget=Budget(runs=1, per=DAY)))
    subject.pauses[NAME] = Pause(reaction=NAME, by="ann", at=T0, drop=False)
    waiting = subject.tell(0, T0)
    assert (waiting.decision, waiting.due) == ("deferred", T0 + PAUSED)
    assert waiting.reason == "paused by ann since 2026-11-24 09:00:00Z"
    assert subject.tell(0, T0 + PAUSED - MINUTE) == waiting
    subject.pauses.clear()
    assert subject.tell(0, T0 + PAUSED - MINUTE) == waiting
    assert subject.tell(0, T0 + PAUSED).decision == "admitted"
    subject.pauses[NAME] = Pause(reaction=NAME, by="ann", at=T0, drop=True)
    dropped = subject.tell(1, T0)
    assert (dropped.decision, dropped.reason) == ("skipped", "paused by ann since 2026-11-24 09:00:00Z, --drop")
    subject.pauses.clear()
    assert subject.tell(1, T0 + DAY) == dropped
    assert subject.memories[NAME].admitted(subject.operation(0).digest)


def test_what_waits_counts_for_nothing() -> None:
    """Neither for confirm nor for a budget: it has not been decided."""
    hours = Hours(start=time(9), end=time(10))
    subject = Subject(Guards(hours=hours, confirm=Confirm(events=2, within=DAY), whole=Budget(runs=1, per=DAY)))
    assert subject.tell(0, T0).decision == "deferred"
    assert (subject.memories, subject.wholes) == ({}, {})


def test_a_rule_that_goes_while_its_event_waits_is_given_up() -> None:
    """After half an hour: a rolling update is shorter. Before, it may come back."""
    subject = Subject(Guards(hours=Hours(start=time(9), end=time(10))))
    subject.tell(0, T0)
    gone = subject.tell(0, T0 + HOUR, rule=False)
    assert (gone.decision, gone.reason) == ("deferred", "rule_gone: the rule was removed, or does something else now")
    assert (gone.due, gone.limited_since) == (T0 + HOUR + 5 * MINUTE, T0 + HOUR)
    assert subject.tell(0, T0 + HOUR + RULE_GONE - MINUTE, rule=False).decision == "deferred"
    ended = subject.tell(0, T0 + HOUR + RULE_GONE + 5 * MINUTE, rule=False)
    assert (ended.decision, ended.reason) == ("skipped", gone.reason)
    assert subject.tell(1, T0).decision == "deferred"
    subject.tell(1, T0 + HOUR, rule=False)
    assert subject.tell(1, T0 + HOUR + 6 * MINUTE).decision == "admitted"


def test_a_missing_rule_is_waited_for_to_the_minute() -> None:
    """Half an hour, and not a moment more."""
    subject = Subject(Guards(hours=Hours(start=time(9), end=time(10))))
    subject.tell(0, T0)
    subject.tell(0, T0 + HOUR, rule=False)
    row = subject.rows[0]
    assert row.reactions[NAME].due is not None
    subject.rows[0] = row.changed({NAME: msgspec.structs.replace(row.reactions[NAME], due=T0 + HOUR + RULE_GONE)})
    assert subject.tell(0, T0 + HOUR + RULE_GONE, rule=False).decision == "skipped"


def test_of_several_missing_rules_each_is_waited_for() -> None:
    """Those that are there still, or do not wait, are passed over."""
    waiting = ReactionRecord(decision="deferred", reason="hours: later", due=T0)
    record = EventRecord(
        reactions={"b-done": ReactionRecord(decision="skipped", reason="x"), "a": waiting, "c": waiting}
    )
    subject = Subject(Guards(), rows={0: record})
    after = subject.decide(0, T0 + HOUR, ()).record.reactions
    assert [name for name, one in after.items() if one.reason.startswith("rule_gone")] == ["a", "c"]


def test_a_failure_that_is_reopened_keeps_its_number_while_it_waits() -> None:
    """Else its next dead letter would be taken for the first one."""
    subject = Subject(Guards(hours=Hours(start=time(9), end=time(10))))
    failed = ReactionRecord(decision="admitted", outcome=Failed("no"), failure=2)
    subject.rows[0] = EventRecord(reactions={NAME: failed})
    reaction = replace(matched().reaction, guards=subject.guards)
    given = Given(
        operation_of=lambda key: subject.operation(0, key),
        label="churn",
        now=T0,
        lineage=Chain(),
        reopen=failure_id(NAME, failed.failure),
    )
    reopened = decide_event(subject.rows[0], (replace(matched(), reaction=reaction),), given).record.reactions[NAME]
    assert (reopened.decision, reopened.failure) == ("deferred", 2)


def test_what_waits_may_match_no_more() -> None:
    """Conditions are asked again when the wait is over."""
    subject = Subject(Guards(hours=Hours(start=time(9), end=time(10))))
    subject.tell(0, T0)
    assert subject.tell(0, T0 + HOUR, matches=False).decision == "unmatched"


def test_ops_hear_once_of_a_spent_budget() -> None:
    """Twenty events beyond the budget are one mail; another a day later, when it is spent again."""
    subject = Subject(Guards(budget=Budget(runs=1, per=HOUR)))
    subject.play(list(range(20)))
    assert subject.alerts() == 1
    alert = next(row.reactions[alert_beside(NAME)] for row in subject.rows.values() if len(row.reactions) > 1)
    assert alert.reason == "budget: 1 of 1 runs used; again from 2026-11-24 10:00:00Z"
    subject.tell(50, T0 + TOLD)
    subject.tell(51, T0 + TOLD + 2 * MINUTE)
    assert subject.alerts() == 2


def test_ops_hear_once_of_each_chain() -> None:
    """A loop is told by the event it began with."""
    subject = Subject(Guards(loop=Loop(times=1, depth=9)))
    for number, root in enumerate(["e-1", "e-1", "e-2", "e-1", "e-2"]):
        subject.lineage = Chain(root=root, depth=1, reactions=(NAME,))
        assert subject.tell(number, T0 + number * MINUTE).decision == "skipped"
    assert subject.alerts() == 2


def test_one_subject_tells_of_the_whole_reaction() -> None:
    """Five hundred models beyond a budget they share are one mail; the one that began to tell tells again."""
    guards, wholes = Guards(whole=Budget(runs=1, per=DAY)), dict[str, Memory]()
    subjects = [Subject(guards, name=f"model-{number}", wholes=wholes) for number in range(5)]
    for subject in subjects:
        subject.tell(0, T0)
        wholes |= subject.wholes
        subject.wholes = wholes
    assert [subject.alerts() for subject in subjects] == [0, 1, 0, 0, 0]
    again = Subject(guards, name="model-1", wholes=wholes)
    again.tell(0, T0 + MINUTE)
    assert again.alerts() == 1


@given(st.lists(st.integers(0, 500), max_size=60), st.integers(1, 5), st.integers(1, 90), st.booleans())
def test_no_window_ever_holds_more_than_the_budget(minutes: list[int], runs: int, per: int, whole: bool) -> None:  # noqa: FBT001 - Hypothesis
    """For every window that ends at an admission, in any order of asking times made monotonic."""
    budget = Budget(runs=runs, per=timedelta(minutes=per))
    times = sorted(minutes)
    subject = Subject(Guards(whole=budget) if whole else Guards(budget=budget))
    taken = [minute for minute, admitted in zip(times, subject.play(times), strict=True) if admitted]
    assert all(sum(end - per < minute <= end for minute in taken) <= runs for end in taken)


@given(st.lists(st.integers(0, 300), max_size=60), st.integers(2, 5), st.integers(1, 90))
def test_every_admission_has_its_own_confirmations(minutes: list[int], events: int, within: int) -> None:
    """At least so many different events lie in the window before each, and none of them confirms twice."""
    times = sorted(minutes)
    admitted = Subject(Guards(confirm=Confirm(events=events, within=within * MINUTE))).play(times)
    last = -1
    for number, acts in enumerate(admitted):
        if acts:
            window = [one for one in range(last + 1, number + 1) if times[one] > times[number] - within]
            assert len(window) >= events
            last = number


@given(st.lists(st.tuples(st.integers(0, 300), st.integers(0, 5)), max_size=40))
def test_the_same_event_never_confirms_itself(tellings: list[tuple[int, int]]) -> None:
    """However often it is told."""
    subject = Subject(Guards(confirm=Confirm(events=2, within=DAY)))
    first = [subject.tell(0, T0 + minute * MINUTE).decision for minute, _number in tellings]
    assert set(first) <= {"skipped"}


@given(st.lists(st.sampled_from(["a", "b", NAME]), max_size=12), st.integers(1, 4), st.integers(1, 8))
def test_no_chain_goes_beyond_its_limits(names: list[str], times: int, depth: int) -> None:
    """An admission leaves the chain within both."""
    chain = Chain(root="e", depth=len(names), reactions=tuple(names))
    admitted = isinstance(decide(Guards(loop=Loop(times=times, depth=depth)), known(chain=chain)), Admitted)
    assert admitted == (names.count(NAME) < times and len(names) < depth)


@pytest.mark.parametrize(
    ("guards", "horizon"),
    [
        (Guards(), timedelta()),
        (Guards(cooldown=HOUR), HOUR),
        (Guards(budget=Budget(runs=1, per=HOUR)), HOUR),
        (Guards(cooldown=HOUR, budget=Budget(runs=1, per=2 * HOUR)), 2 * HOUR),
        (Guards(cooldown=2 * HOUR, budget=Budget(runs=1, per=HOUR)), 2 * HOUR),
        (Guards(confirm=Confirm(events=2, within=3 * HOUR), cooldown=HOUR), 3 * HOUR),
        (Guards(loop=Loop(times=1, depth=1), cooldown=HOUR), DAY),
        (Guards(whole=Budget(runs=1, per=HOUR)), timedelta()),
        (Guards(hours=Hours(start=time(9), end=time(10))), timedelta()),
    ],
    ids=["none", "cooldown", "budget", "budget longer", "cooldown longer", "confirm", "loop", "whole", "hours"],
)
def test_the_longest_guard_is_how_far_memory_reaches(guards: Guards, horizon: timedelta) -> None:
    """Zero where nothing of the subject is remembered; what is asked all the same says `asked`."""
    assert guards.horizon == horizon
    assert guards.asked == (guards != Guards())


def test_memory_stays_bounded() -> None:
    """What no guard asks for any more is dropped, so that the row cannot grow for ever."""
    subject = Subject(Guards(budget=Budget(runs=3, per=HOUR)))
    subject.play([20 * number for number in range(100)])
    assert len(subject.memories[NAME].entries) == 3
    quick = Subject(Guards(budget=Budget(runs=200, per=MINUTE), loop=Loop(times=3, depth=10)))
    quick.play(list(range(1000)))
    assert len(quick.memories[NAME].entries) == LATEST + 1


def test_what_is_as_old_as_the_window_is_out_of_it() -> None:
    """Of four admissions an hour ago the latest stay, for what guards ask of them, and the oldest goes."""
    memory = Memory(entries=tuple(Entry(operation=str(number), at=T0) for number in range(4)))
    after = memory.admit("new", now=T0 + HOUR, horizon=DAY, window=HOUR)
    assert [entry.operation for entry in after.entries] == ["1", "2", "3", "new"]


@pytest.mark.parametrize(
    ("time", "words"),
    [(DAY, "1d"), (36 * HOUR, "36h"), (90 * MINUTE, "90m"), (timedelta(seconds=90), "90s"), (7 * DAY, "7d")],
)
def test_times_are_told_as_they_are_written(time: timedelta, words: str) -> None:
    """In the largest unit that leaves no rest."""
    assert span(time) == words


def test_memory_knows_what_it_is_asked() -> None:
    """Marks are kept as long as they matter, the newest of each, and no longer."""
    memory = Memory().tell("a", now=T0, window=DAY).tell("b", now=T0 + HOUR, window=DAY)
    assert memory.has_told("a", now=T0 + DAY - MINUTE, window=DAY)
    assert not memory.has_told("a", now=T0 + DAY, window=DAY)
    assert memory.told_by_another("a", now=T0 + DAY, window=DAY)
    assert not memory.told_by_another("b", now=T0 + DAY, window=DAY)
    assert len(memory.tell("c", now=T0 + DAY, window=DAY).told) == 2
    seen = Memory().see("a", now=T0, window=HOUR, most=2).see("a", now=T0 + MINUTE, window=HOUR, most=2)
    assert seen.seen == (Entry(operation="a", at=T0),)
    many = seen.see("b", now=T0 + MINUTE, window=HOUR, most=2).see("c", now=T0 + MINUTE, window=HOUR, most=2)
    assert [entry.operation for entry in many.seen] == ["b", "c"]
    assert [entry.operation for entry in many.see("d", now=T0 + HOUR + MINUTE, window=HOUR, most=2).seen] == ["d"]


def test_defaults_protect() -> None:
    """A run has a budget and a loop limit; a budget for the reaction leaves that of each subject."""
    default = guards_of(GuardsRule(), cooldown=None)
    assert (default.budget, default.whole, default.loop) == (
        Budget(runs=10, per=DAY),
        None,
        Loop(times=3, depth=10),
    )
