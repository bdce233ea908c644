"""docs/guards.md: its examples load, its reasons are the code's own, and the costs and limits on it are counted."""

import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import msgspec
import pytest

from handlers.data_drift import COOLDOWN
from shared.actions import Deferred
from shared.gateways.reading import RUN
from shared.guarding import LINEAGE, TOLD
from shared.guards import LOOP_ACTIONS
from shared.lineage import Chain, ModelVersion
from shared.memory import TOLD as CHAINS
from shared.reactions.guard_rules import DAILY, LOOP, GuardsRule
from shared.store import Row
from shared.switches import ALL, SECONDS, SWITCHES, Pause, pause_key, write_pause
from tests.fakes.events import altered
from tests.fakes.service import FakeService, rules
from tests.markdown import DOCS, blocks, code, section, table

NAME = "offline-test"
PAGE = (DOCS / "guards.md").read_text(encoding="utf-8")
EXAMPLES = {block.info.split()[1]: block.text for block in blocks(PAGE) if block.info.startswith("yaml ")}
REASONS = {block.info: block.text.splitlines() for block in blocks(PAGE) if block.info.startswith("text reason")}


def service(example: str) -> FakeService:
    """Return a service with the rules of an example."""
    return FakeService(reactions=rules(f"reactions:\n{example}"))


def guarded(guards: str) -> str:
    """Return a rule that tests models with these guards."""
    return f"  - {{ name: {NAME}, on: model-registered, guards: {guards}, run: {{ job: pipelines/retrain.yml }} }}\n"


def registered(version: int, model: str = "churn", **properties: str) -> dict[str, Any]:
    """Return an event about a model version."""
    return altered(
        "model-registered",
        event_id=f"{model}-{version}",
        modelName=model,
        modelVersion=str(version),
        modelProperties=properties,
    )


def breach(number: int) -> dict[str, Any]:
    """Return an event about a breach."""
    return altered("monitor-breach", event_id=f"breach-{number}", runId=f"run-{number}")


def decided(service: FakeService, event: dict[str, Any]) -> str:
    """Deliver an event, and return the reason of what was decided."""
    service.deliver(event)
    (row,) = (row for row in service.store.rows if row.values.get("event_id") == event["id"])
    (column,) = (column for column in row.values if column.startswith("r_"))
    reason: str = msgspec.json.decode(str(row.values[column]))["reason"]
    return reason


def hours(service: FakeService) -> list[str]:
    """A breach in the middle of a working day."""
    return [decided(service, breach(1))]


def confirm(service: FakeService) -> list[str]:
    """A breach, and another one the next day."""
    first = decided(service, breach(1))
    service.clock.forward(days=1)
    return [first, decided(service, breach(2))]


def loop(service: FakeService) -> list[str]:
    """Versions of which the jobs of the second and third are known."""
    for version in (1, 2):
        decided(service, registered(version))
    chain = Chain()
    reasons = []
    for version in (3, 4):
        chain = chain.then("offline-test", event="churn-1")
        service.lineages.known[ModelVersion(name="churn", version=str(version))] = chain.properties()
        reasons.append(decided(service, registered(version)))
    return reasons


def cooldown(service: FakeService) -> list[str]:
    """A breach, and another one six hours later."""
    decided(service, breach(1))
    service.clock.forward(hours=6)
    return [decided(service, breach(2))]


def budget(service: FakeService) -> list[str]:
    """Three models."""
    decided(service, registered(1, "churn"))
    return [decided(service, registered(1, model)) for model in ("price", "risk")]


PLAYED: dict[str, Callable[[FakeService], list[str]]] = {
    play.__name__: play for play in (hours, confirm, loop, cooldown, budget)
}


@pytest.mark.parametrize("guard", EXAMPLES)
def test_reasons_are_the_codes_own(guard: str) -> None:
    """Each example, played."""
    assert PLAYED[guard](service(EXAMPLES[guard])) == REASONS[f"text reason {guard}"]


def test_there_is_an_example_of_every_guard() -> None:
    """Of every key, and each is asked in the order of the page."""
    assert EXAMPLES.keys() == set(GuardsRule.__struct_fields__)
    assert [heading.casefold() for heading in re.findall(r"^## (\w+)$", PAGE, re.MULTILINE)][1:] == ORDER
    assert sorted(ORDER) == sorted(EXAMPLES)


#: Guards that refuse the second of two events, if its chain has the reaction in it already.
REFUSING = {
    "hours": '{ not: "08:00-18:00" }',
    "confirm": "{ events: 50, within: 7d }",
    "loop": "{ times: 1 }",
    "cooldown": "9d",
    "budget": "{ runs: 1, per: 9d }",
}
ORDER = [code(guard)[0] for guard, *_ in table(section(PAGE, "What a guard decides"), "guard")[1:]]


@pytest.mark.parametrize("guard", ORDER)
def test_the_first_that_refuses_decides(guard: str) -> None:
    """In the order of the page: of this guard and those behind it, which would refuse as well, this one tells."""
    played = service(guarded("{}"))
    decided(played, registered(1))
    carried = Chain().then(NAME, event="x").properties()
    behind = ORDER[ORDER.index(guard) :]
    for number, names in enumerate([*([name] for name in behind), behind], start=2):
        guards = ", ".join(f"{name}: {REFUSING[name]}" for name in names)
        played.reactions = rules(f"reactions:\n{guarded(f'{{ {guards} }}')}")
        assert decided(played, registered(number, **carried)).partition(":")[0] == names[0]


@pytest.mark.parametrize(
    ("guards", "events", "requests", "reads"),
    [
        ("none", 0, 2, 0),
        ("{ loop: none }", 0, 3, 0),
        ("{ cooldown: 1s, hours: { not: '01:00-02:00' } }", 0, 3, 0),
        ("{}", 1, 3, 0),
        ("{}", LOOP_ACTIONS, 3, 1),
        ("{ budget: { runs: 9, per: 1d, for: reaction } }", 0, 5, 0),
        ("{ cooldown: 1d }", 1, 2, 0),
        ("{ budget: { runs: 1, per: 1d } }", 1, 4, 0),
        ("{ budget: { runs: 1, per: 1d } }", 2, 2, 0),
        ("{ budget: { runs: 1, per: 1d, for: reaction } }", 2, 3, 0),
    ],
)
def test_requests_are_those_of_the_page(guards: str, events: int, requests: int, reads: int) -> None:
    """After so many events of the day, counted for the next one; the switches are read before."""
    played = service(guarded(guards))
    for version in range(events):
        decided(played, registered(version))
    played.clock.forward(seconds=2)
    played.switches.paused(NAME)
    before, asked = len(played.store.calls), len(played.lineages.asked)
    decided(played, registered(99))
    assert (len(played.store.calls) - before, len(played.lineages.asked) - asked) == (requests, reads)
    starts = {row[1] for row in table(section(PAGE, "What it costs"), "guards")}
    skipped = "One that a guard skips costs 2, or 3 with a budget `for: reaction`; 2 more where Ops are mailed"
    assert str(requests) in starts if len(played.jobs.puts) > events else skipped in " ".join(PAGE.split())


def test_what_waits_costs_three() -> None:
    """At each asking: here of a pause, which has no end."""
    played = service(EXAMPLES["cooldown"])
    pause = Pause(reaction="retrain", by="ana", at=played.clock.now)
    played.store.insert(Row(partition=SWITCHES, key=pause_key("retrain"), values=write_pause(pause)))
    played.deliver(breach(1))
    for _ in range(3):
        ((message, after),) = played.queue.sent
        played.queue.sent.clear()
        played.clock.now += after
        played.switches.paused("retrain")
        before = len(played.store.calls)
        played.deliver_text(message)
        assert len(played.store.calls) - before == 3
    assert "An event that waits costs 3 at each asking" in PAGE


def test_reasons_of_pauses_are_the_codes_own() -> None:
    """Of one reaction and of all, in force by the switches of the table."""
    by, at = "ana@contoso.com", FakeService().clock.now
    pauses = (
        Pause(reaction="retrain", by=by, at=at, note="model under review"),
        Pause(reaction=ALL, by=by, at=at, drop=True),
    )
    found = []
    for pause in pauses:
        played = service(EXAMPLES["cooldown"])
        played.store.insert(Row(partition=SWITCHES, key=pause_key(pause.reaction), values=write_pause(pause)))
        found.append(decided(played, breach(1)))
    assert found == REASONS["text reason"]


def test_an_unreadable_lineage_is_told_as_the_page_says() -> None:
    """What is missing, by its name."""
    played = service(EXAMPLES["loop"])
    for version in (1, 2):
        decided(played, registered(version))
    reason = f"lineage-unread: forbidden (AuthorizationFailed): {RUN.forbidden}"
    played.lineages.script = [Deferred(reason=reason, after=timedelta(minutes=5))]
    assert [decided(played, registered(3))] == REASONS["text reason unread"]


def test_numbers_are_those_of_the_code() -> None:
    """Defaults and bounds, in words."""
    text = " ".join(PAGE.split())
    assert f"`times: {LOOP.times}`, `depth: {LOOP.depth}`" in text
    assert (DAILY.runs, DAILY.per) == (10, timedelta(days=1))
    assert "`runs: 10`, `per: 1d` for every `run` and subject, by default" in text
    assert timedelta(hours=1) == COOLDOWN
    assert "`data-drift` has one of `1h` by default" in text
    assert timedelta(hours=24) == LINEAGE
    assert "the event waits**, for 24 hours at most" in text
    assert timedelta(days=1) == TOLD
    assert LOOP_ACTIONS == 2
    assert "from the third run of a reaction on one subject within a day on" in text
    assert f"Switches are read at most every {SECONDS:.0f} s" in text
    assert f"200 runs, 50 events, {CHAINS} chains" in text


@pytest.mark.parametrize(
    ("guards", "mails"),
    [
        ("{ loop: { times: 1 } }", 1),
        ("{ budget: { runs: 1, per: 1d } }", 1),
        ("{ budget: { runs: 1, per: 1d, for: reaction } }", 1),
        ("{ cooldown: 1d }", 0),
        ("{ confirm: { events: 9, within: 1d } }", 0),
        ("{ hours: { not: '08:00-18:00' } }", 0),
    ],
)
def test_ops_hear_of_the_first(guards: str, mails: int) -> None:
    """Of five that a limit or budget holds back; of cooldown, confirm and hours they hear nothing."""
    played = service(guarded(guards))
    carried = Chain().then(NAME, event="x").properties() if "loop" in guards else {}
    for version in range(5):
        decided(played, registered(version, **carried))
    assert len(played.mail.posts) == mails
