"""The test kit: what a team's test may say, and what it is told when that does not hold."""

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ops.rules import PLACEHOLDER, told_address
from testkit import Reactor, events
from testkit.history import History
from testkit.reactor import UnusableEventError
from testkit.scenario import Scenario
from tests.fakes.service import FakeService, rules
from tests.markdown import ROOT

RULES = """\
recipients: { ops: $OPS_EMAIL, team: [a@example.org, b@example.org] }
reactions:
  - name: test
    on: model-registered
    when: { tags: { stage: candidate } }
    run: { job: pipelines/offline-test.yml, inputs: { model: "${{ event.model }}" } }
    mail: { to: ops, runbook: "https://example.org/runbook" }
    guards: { cooldown: 2h, budget: { runs: 2, per: 1d } }
  - name: retrain
    on: data-drift
    run: { job: pipelines/retrain.yml }
  - name: mail-team
    on: pipeline-failed
    mail: { to: team }
"""
CANDIDATE = events.model_registered()


@pytest.fixture
def reactor() -> Reactor:
    """Reactions of every kind, in the project's own folder."""
    return Reactor(folder=ROOT, reactions=rules(RULES))


def candidate(version: str, **other: Any) -> dict[str, Any]:
    """Return the event of a version to be tested."""
    return events.model_registered(version=version, tags={"stage": "candidate"}, **other)


def test_what_holds_chains(reactor: Reactor) -> None:
    """A file, a path, a builder's event: all that can be said of them."""
    registered = reactor.when("samples/model-registered.json")
    registered = registered.starts("test", inputs={"model": "azureml:churn:7", "other": None})
    registered = registered.starts("test", job="pipelines/offline-test.yml")
    registered.mails("test", to="ops", subject="churn:7", runbook="https://example.org/runbook").nothing_but("test")
    reactor.when(Path("samples") / "pipeline-failed.json").mails("mail-team", to="team")
    failed = reactor.when(events.pipeline_failed())
    failed.mails("mail-team", to=["b@example.org", "a@example.org"]).nothing_but("mail-team", "test")
    reactor.when(events.pipeline_failed()).skips("test", because="not about model-registered").skips("retrain")
    reactor.when("samples/pipeline-failed.step.json").does_nothing().nothing_but()


WRONG: list[tuple[Callable[[Scenario], object], str]] = [
    (lambda it: it.starts("retrain"), "'retrain' starts no job"),
    (
        lambda it: it.starts("test", job="pipelines/retrain.yml"),
        "'test' starts pipelines/offline-test.yml, not pipelines/retrain.yml",
    ),
    (
        lambda it: it.starts("test", inputs={"model": "azureml:churn:8"}),
        "input 'model' of 'test' is 'azureml:churn:7'; wanted 'azureml:churn:8'",
    ),
    (lambda it: it.starts("test", inputs={"data": 1.5}), "input 'data' of 'test' is not given; wanted '1.5'"),
    (
        lambda it: it.starts("test", inputs={"model": None}),
        "input 'model' of 'test' is 'azureml:churn:7'; wanted not given",
    ),
    (lambda it: it.mails("mail-team"), "'mail-team' sends no mail"),
    (lambda it: it.mails("test", to="team"), f"'test' mails {PLACEHOLDER}, not team"),
    (lambda it: it.mails("test", to=["a@example.org"]), f"'test' mails {PLACEHOLDER}, not a@example.org"),
    (
        lambda it: it.mails("test", subject="price"),
        "the subject of 'test' is '[mlw-churn] Model registered: churn:7'; 'price' is not in it",
    ),
    (lambda it: it.mails("test", runbook=""), "the runbook of 'test' is 'https://example.org/runbook', not ''"),
    (lambda it: it.skips("test"), "'test' acts"),
    (
        lambda it: it.skips("retrain", because="monitor: wanted"),
        "'retrain' does nothing, but 'monitor: wanted' is not in its reason",
    ),
    (lambda it: it.does_nothing(), "something follows that should not: test"),
    (lambda it: it.nothing_but("retrain"), "something follows that should not: test"),
]


@pytest.mark.parametrize(("statement", "problem"), WRONG, ids=[problem for _, problem in WRONG])
def test_what_does_not_hold(reactor: Reactor, statement: Callable[[Scenario], object], problem: str) -> None:
    """Says so, and what was decided instead, with the reason of every reaction."""
    with pytest.raises(AssertionError) as raised:
        statement(reactor.when("samples/model-registered.json"))
    assert str(raised.value).splitlines() == [
        f"samples/model-registered.json: {problem}",
        "decided:",
        "  test       starts pipelines/offline-test.yml with model='azureml:churn:7'",
        f"  test       mails {told_address(PLACEHOLDER)}: [mlw-churn] Model registered: churn:7",
        "  retrain    nothing, not about data-drift: no run and no dataset drift",
        "  mail-team  nothing, not about pipeline-failed: no failed run",
    ]


def test_a_later_event_is_named(reactor: Reactor) -> None:
    """By its number and what it is."""
    told = reactor.when(CANDIDATE).then(events.pipeline_failed(run="r1"))
    with pytest.raises(
        AssertionError, match=r"^event 2, RunStatusChanged experiments/.*/runs/r1: 'test' starts no job"
    ):
        told.starts("test")


def test_a_reaction_that_there_is_not(reactor: Reactor) -> None:
    """Is a mistake of the test, whatever it says of it."""
    told = reactor.when(CANDIDATE)
    with pytest.raises(LookupError, match=r"there is no reaction 'retrian'; did you mean 'retrain'\?"):
        told.skips("retrian")
    with pytest.raises(LookupError, match="there is no reaction 'x'; there are: test, retrain, mail-team"):
        told.starts("x")
    with pytest.raises(LookupError, match="there is no reaction 'tst'"):
        told.nothing_but("tst")


def test_guards_hold_by_the_virtual_clock(reactor: Reactor) -> None:
    """Cooldown and budget, for job and mail together, with the guard's own reason."""
    told = reactor.when(candidate("1")).starts("test")
    told.then(candidate("2"), after="119m").skips("test", because="cooldown: acted at").does_nothing()
    told = told.then(candidate("2"), after="2h").starts("test").mails("test")
    told.then(candidate("3"), after="3h").skips("test", because="budget: 2 of 2 runs used")
    told.then(candidate("3"), after="22h").starts("test")


def test_what_is_remembered_is_of_the_subject(reactor: Reactor) -> None:
    """Another model, or another workspace, has its own cooldown."""
    told = reactor.when(candidate("1")).starts("test")
    told.then(candidate("1", name="price")).starts("test")
    told.then(candidate("1", workspace="mlw-eu")).starts("test")
    told.then(candidate("2", workspace="MLW-churn")).skips("test", because="cooldown")


def test_an_event_that_is_told_twice_acts_once(reactor: Reactor) -> None:
    """Its first decision stands; but what did not match may match when it is told with the tag."""
    told = reactor.when(candidate("1"))
    told.twice().does_nothing().skips("test", because="told before")
    told.twice(after="3d").does_nothing()
    refused = told.then(candidate("2")).skips("test", because="cooldown")
    refused.twice(after="3d").skips("test", because="cooldown")
    reactor.when(events.model_registered(tags={})).skips("test", because="tags.stage").then(CANDIDATE).starts("test")


def test_a_scenario_is_a_value(reactor: Reactor) -> None:
    """Two ways on from one event know nothing of each other."""
    told = reactor.when(candidate("1"))
    told.then(candidate("2"), after="2h").starts("test")
    told.then(candidate("3"), after="2h").starts("test")
    reactor.when(candidate("4")).starts("test")


@pytest.mark.parametrize("after", ["", "2 h", "soon", "0h", "-1h", "2h30m"])
def test_a_time_that_is_none(reactor: Reactor, after: str) -> None:
    """Says what would be one."""
    with pytest.raises(ValueError, match="write a number and one of s, m, h, d"):
        reactor.when(CANDIDATE).then(CANDIDATE, after=after)


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (None, "event.json cannot be read (FileNotFoundError); the path is from "),
        ("nonsense", "event.json is no JSON: "),
        ("\udcff", "event.json is no JSON: "),
        ("[]", "event.json must hold one event, an object, alone or in an array; it holds 0 entries. Tell several"),
        ("[{}, {}]", "it holds 2 entries"),
        ("3", "event.json must hold one event"),
        ("{}", "event.json is no workspace event: data is missing or not an object"),
    ],
)
def test_a_file_that_holds_no_event(tmp_path: Path, content: str | None, problem: str) -> None:
    """Says what is wrong with it."""
    if content is not None:
        (tmp_path / "event.json").write_text(content, encoding="utf-8", errors="surrogateescape")
    with pytest.raises(UnusableEventError) as raised:
        Reactor(folder=tmp_path, reactions=rules(RULES)).when("event.json")
    assert problem in str(raised.value)


def test_an_event_that_is_none(reactor: Reactor) -> None:
    """A builder's event that was altered too far."""
    with pytest.raises(UnusableEventError, match=r"ModelRegistered models/churn:7 is no .*: data.modelName is missing"):
        reactor.when({**CANDIDATE, "data": {"modelVersion": "7"}})


TELLINGS = st.lists(
    st.tuples(
        st.sampled_from(
            [
                candidate("1"),
                candidate("2"),
                candidate("3", name="price"),
                events.model_registered(version="1", tags={}),
                events.cloud_event(candidate("4")),
                events.drift(run="a"),
                events.drift(run="b", signal="prediction_drift"),
                events.dataset_drift(),
                events.pipeline_failed(),
                events.sample("pipeline-failed.step"),
            ]
        ),
        st.sampled_from([0, 1, 59, 60, 61, 119, 120, 1439, 1440]),
    ),
    max_size=12,
)


@given(TELLINGS)
def test_the_kit_decides_as_the_service_does(tellings: list[tuple[dict[str, Any], int]]) -> None:
    """The same events at the same times: the same jobs and mails by name, each once, and no others."""
    reactions = rules(RULES)
    service = FakeService(reactions=reactions)
    history = History(reactions=reactions, now=service.clock.now)
    effects: list[str] = []
    for event, minutes in tellings:
        service.clock.forward(minutes=minutes)
        service.deliver(event)
        history, verdicts = history.later(timedelta(minutes=minutes)).tell(event)
        effects += [effect.name for verdict in verdicts for effect in verdict.effects]
    assert sorted(effects) == sorted([*service.jobs.puts, *service.mail.posts])
