"""Events played with a virtual clock: the same decisions as the ledger, guards included; and what differs."""

from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ops.backtest import EPOCH, Happening, Key, in_order, play, time_of
from ops.comparison import Comparison, compare
from ops.told import Told
from shared.actions import mail_beside
from shared.messages import Message
from tests.fakes.events import altered, sample
from tests.fakes.service import START, WORKSPACE, FakeService, rules

GUARDED = """
recipients: { ops: $OPS_EMAIL }
reactions:
  - name: guarded
    on: model-registered
    when: { tags: { stage: candidate } }
    run: { job: pipelines/offline-test.yml, inputs: { model: "${{ event.model }}" } }
    mail: { to: ops }
    guards: { cooldown: 90m, budget: { runs: 2, per: 1d } }
  - { name: all, on: model-registered, run: { job: pipelines/offline-test.yml }, guards: none }
"""


def told(*events: dict[str, Any]) -> list[Told]:
    """Return events as they are found."""
    return [Told(source=f"#{number}", content=msgspec.json.encode(event)) for number, event in enumerate(events)]


def registered(version: int, *, at: datetime = START, model: str = "churn", stage: str = "candidate") -> dict[str, Any]:
    """Return the event of a model version."""
    event = altered("model-registered", modelName=model, modelVersion=version, modelTags={"stage": stage})
    return {**event, "eventTime": at.isoformat()}


def played(text: str, *events: dict[str, Any]) -> dict[Key, Happening]:
    """Play events through rules."""
    return dict(play(in_order(told(*events)).all, rules(text), installation="test"))


def reasons(found: dict[Key, Happening], reaction: str) -> list[str]:
    """Return what was decided for a reaction, event by event: "acts", or why not."""
    verdicts = [happening.verdicts[reaction] for happening in found.values()]
    return ["acts" if verdict.acts else verdict.reason for verdict in verdicts]


tellings = st.lists(
    st.tuples(
        st.integers(min_value=1, max_value=6),
        st.integers(min_value=0, max_value=40).map(lambda half: START + timedelta(minutes=30 * half)),
        st.sampled_from(["churn", "fraud"]),
        st.sampled_from(["candidate", "dev"]),
    ),
    max_size=14,
)


@given(tellings)
def test_it_decides_as_the_ledger_does(chosen: list[tuple[int, datetime, str, str]]) -> None:
    """Same events, same times: the same decisions, reasons and names as on the real path, told twice or anew."""
    events = [registered(version, at=at, model=model, stage=stage) for version, at, model, stage in chosen]
    ordered = in_order(told(*events)).all
    service = FakeService(reactions=rules(GUARDED))
    for telling in ordered:
        service.clock.now = telling.at
        version, model = telling.envelope.text("modelVersion"), telling.envelope.text("modelName")
        stage = telling.envelope.strings("modelTags")["stage"]
        service.deliver(registered(int(version), at=telling.at, model=model, stage=stage))
    for happening in play(ordered, service.reactions, installation="test").values():
        message = Message(event=msgspec.Raw(b"{}"))
        records = service.ledger.admit(happening.event, (), message, service.inquiry()).record.reactions
        for name, verdict in happening.verdicts.items():
            assert verdict.acts == (records[name].decision == "admitted")
            assert verdict.reason == records[name].reason
            assert {e.key: e.name for e in verdict.effects} == {
                key: record.effect
                for key, record in records.items()
                if key in {name, mail_beside(name)} and record.decision == "admitted"
            }


def test_a_budget_shows() -> None:
    """By the times of the events, whatever the order in which they are found; for each subject on its own."""
    hours = [START + timedelta(hours=2 * number) for number in range(3)]
    events = [registered(number, at=at) for number, at in enumerate(hours)]
    found = played(GUARDED, *reversed(events), registered(9, at=hours[2], model="fraud"))
    first, second, third, other = reasons(found, "guarded")
    assert (first, second, other) == ("acts", "acts", "acts")
    assert third == "budget: 2 of 2 runs used; again from 2026-11-25 09:00:00Z"
    assert reasons(found, "all") == ["acts"] * 4


def test_one_fact_counts_once() -> None:
    """Told three times, in both schemas: one event, one job, one place in the budget."""
    cloud = sample("model-registered.cloudevents")
    found = played(GUARDED, registered(7), registered(7, at=START + timedelta(hours=5)), cloud)
    assert len(found) == 1
    assert reasons(found, "all") == ["acts"]


def test_a_condition_may_hold_at_a_later_telling() -> None:
    """As in the ledger: what did not match is asked again, what acted stays, with the inputs of its own telling."""
    later = START + timedelta(minutes=1)
    found = played(GUARDED, registered(7, stage="dev"), registered(7, at=later), registered(7, stage="dev", at=later))
    (happening,) = found.values()
    assert happening.verdicts["guarded"].acts
    assert len(happening.verdicts["guarded"].effects) == 2


def test_what_is_not_played() -> None:
    """What the app would refuse is told, what no family knows or is of another workspace is counted."""
    found = in_order(
        told({"id": "1"}, sample("pipeline-failed.step"), registered(1), sample("foreign-workspace")),
        frozenset({WORKSPACE.casefold()}),
    )
    assert (len(found.all), found.passed) == (1, 2)
    assert found.refused == ("#0: the app would keep it as a dead letter: data is missing or not an object",)


@pytest.mark.parametrize(
    ("text", "time"),
    [
        ("2026-11-24T09:00:00.0412310Z", datetime(2026, 11, 24, 9, 0, 0, 41231, tzinfo=UTC)),
        ("2026-11-24T09:00:00+02:00", datetime(2026, 11, 24, 7, tzinfo=UTC)),
        ("2026-11-24T09:00:00", datetime(2026, 11, 24, 9, tzinfo=UTC)),
        ("", EPOCH),
        ("soon", EPOCH),
        ("0001-01-01T00:00:00Z", EPOCH),
        ("9999-12-31T23:59:59Z", EPOCH),
    ],
)
def test_times(text: str, time: datetime) -> None:
    """UTC, and room for any cooldown before and after."""
    assert time_of(text) == time
    assert len(played(GUARDED, {**registered(1), "eventTime": text})) == 1


def compared(old: str, new: str, *events: dict[str, Any], changed_jobs: frozenset[str] = frozenset()) -> Comparison:
    """Compare two sets of rules on the same events."""
    return compare(played(old, *events), played(new, *events), changed_jobs=changed_jobs)


def lines(found: Comparison) -> list[str]:
    """Return what differs, a line each."""
    return [f"{one.how} {one.kind} {one.reaction} {one.what}: {'; '.join(one.details)}" for one in found.changes]


def test_nothing_differs() -> None:
    """Between a set of rules and itself."""
    found = compared(GUARDED, GUARDED, registered(1), registered(2))
    assert (found.changes, found.reasons) == ((), ())
    assert (found.before, found.after) == ({"job": 3, "mail": 1}, {"job": 3, "mail": 1})


@pytest.mark.parametrize(
    ("old", "new", "wanted"),
    [
        (
            "stage: candidate",
            "stage: prod",
            [
                "goes job guarded pipelines/offline-test.yml: now: tags.stage: wanted 'prod', is 'candidate'",
                "goes mail guarded $OPS_EMAIL: now: tags.stage: wanted 'prod', is 'candidate'",
            ],
        ),
        (
            "name: all,",
            "name: every,",
            [
                "goes job all pipelines/offline-test.yml: now: no such reaction",
                "comes job every pipelines/offline-test.yml: before: no such reaction",
            ],
        ),
        (
            '"${{ event.model }}" }',
            '"azureml:${{ event.model.name }}:1" }',
            ["changes job guarded pipelines/offline-test.yml: model: azureml:churn:2 → azureml:churn:1"],
        ),
        (
            "    mail: { to: ops }\n",
            "",
            ["goes mail guarded $OPS_EMAIL: now: the reaction has no such action"],
        ),
        (
            "mail: { to: ops }",
            "mail: { to: me, runbook: 'https://x/y' }",
            ["changes mail guarded me@contoso.com: to: $OPS_EMAIL → me@contoso.com; runbook: none → https://x/y"],
        ),
        (
            GUARDED[GUARDED.index("    run:") : GUARDED.index("  - { name: all")],
            "    mail: { to: ops }\n",
            ["goes job guarded pipelines/offline-test.yml: now: the reaction has no such action"],
        ),
        (
            "job: pipelines/offline-test.yml }",
            "job: pipelines/retrain.yml }",
            ["changes job all pipelines/retrain.yml: job file: pipelines/offline-test.yml → pipelines/retrain.yml"],
        ),
    ],
)
def test_what_differs(old: str, new: str, wanted: list[str]) -> None:
    """Conditions, names, inputs, recipients, job files: each job and mail, and why."""
    text = GUARDED.replace("ops: $OPS_EMAIL", "ops: $OPS_EMAIL, me: me@contoso.com")
    assert old in text
    assert lines(compared(text, text.replace(old, new), registered(2))) == wanted


def test_that_a_mail_says_less_is_a_change() -> None:
    """Although the event tells the same."""
    text = "recipients: { ops: $OPS_EMAIL }\nreactions: [{ name: tell, on: pipeline-failed, mail: { to: ops } }]"
    less = text.replace("to: ops }", "to: ops, details: none }")
    assert lines(compared(text, less, sample("pipeline-failed"))) == [
        "changes mail tell $OPS_EMAIL: details: run history → none"
    ]


def test_a_changed_job_file_is_a_change() -> None:
    """Although the reactions name the same one."""
    found = compared(GUARDED, GUARDED, registered(1), changed_jobs=frozenset({"pipelines/offline-test.yml"}))
    told = "job file: pipelines/offline-test.yml itself was changed"
    assert [(one.reaction, one.details) for one in found.changes] == [("guarded", (told,)), ("all", (told,))]


def test_another_reason_is_told_apart() -> None:
    """Nothing before and nothing now, but for another reason; a job that goes is no reason."""
    found = compared(GUARDED, GUARDED.replace("stage: candidate", "stage: prod"), registered(1, stage="dev"))
    assert found.changes == ()
    (reason,) = found.reasons
    assert (reason.reaction, reason.event, reason.workspace) == ("guarded", "churn:1", "mlw-churn")
    assert (reason.before, reason.after) == (
        "tags.stage: wanted 'candidate', is 'dev'",
        "tags.stage: wanted 'prod', is 'dev'",
    )


def test_a_tighter_budget_takes_jobs_away() -> None:
    """The reason is the guard's."""
    events = [registered(number, at=START + timedelta(hours=2 * number)) for number in range(3)]
    found = compared(GUARDED, GUARDED.replace("runs: 2", "runs: 1"), *events)
    assert {one.how for one in found.changes} == {"goes"}
    assert "budget: 1 of 1 runs used" in found.changes[0].details[0]
    (reason,) = found.reasons
    assert (reason.before.partition(";")[0], reason.after.partition(";")[0]) == (
        "budget: 2 of 2 runs used",
        "budget: 1 of 1 runs used",
    )
