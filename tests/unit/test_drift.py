"""Drift that can be trusted: which breach it is, what it is called, what may start a job, and what job and mail say."""

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from handlers import data_drift
from handlers.drifted import VALUE_CHARACTERS, DataDrifted, named
from ops.trial import try_event
from shared.events import parse
from shared.reactions.monitors import SIGNALS, MonitorRule, Monitors
from testkit import events
from tests.fakes.events import altered, sample
from tests.fakes.service import FakeService, rules

HEAD = "recipients: { ops: $OPS_EMAIL }\n"
RULES = """
reactions:
  - { name: retrain, on: data-drift, run: { job: pipelines/retrain.yml } }
  - { name: retrain-any, on: data-drift, when: { signal: "*" }, guards: none, run: { job: pipelines/retrain.yml } }
  - { name: tell, on: data-drift, mail: { to: ops } }
"""
MONITORS = """
monitors:
  - { experiment: exp-7f3c, signal_name: adv_inputs, monitor: churn, signal: data_drift }
  - { experiment: exp-7f3c, monitor: churn }
  - { signal_name: "quality-*", signal: data_quality }
"""


def recognised(event: dict[str, Any]) -> DataDrifted:
    """Return the event as the family sees it."""
    found = data_drift.recognise(parse(event))
    assert isinstance(found, DataDrifted)
    return found


def breach(signal_name: str, *, experiment: str = "exp-7f3c", listed: str = "", step: str = "step-1") -> dict[str, Any]:
    """Return a breach of a signal of that whole name."""
    text = f"The signal '{signal_name}' has failed due to one or more features\n{listed}"
    tags = {data_drift.BREACH_TAG: text}
    return altered("monitor-breach", event_id=step, runId=step, experimentName=experiment, runTags=tags)


def decided(service: FakeService) -> dict[str, tuple[str, str]]:
    """Return decision and reason of every reaction to the one event."""
    (row,) = (columns for key, columns in service.rows().items() if key.startswith("event|"))
    records = {name: msgspec.json.decode(str(text)) for name, text in row.items() if name.startswith("r_")}
    return {name: (record["decision"], record.get("reason", "")) for name, record in records.items()}


def told(*events: dict[str, Any], text: str = HEAD + RULES) -> FakeService:
    """Deliver events to a service with these rules."""
    service = FakeService(reactions=rules(text))
    for event in events:
        service.deliver(event)
    return service


def test_what_a_breach_says() -> None:
    """Metrics, features, values and thresholds; each metric and feature once."""
    event = recognised(sample("monitor-breach"))
    assert (event.metric, event.feature, event.whole) == (
        ("PopulationStabilityIndex",),
        ("tenure", "monthly_charges"),
        True,
    )
    values = data_drift.values(event)
    assert values["event.features"] == "tenure, monthly_charges"
    assert values["event.breach"] == (
        "tenure: PopulationStabilityIndex 0.41 (threshold 0.2); "
        "monthly_charges: PopulationStabilityIndex 0.33 (threshold 0.2)"
    )


@pytest.mark.parametrize("name", ["event.metric", "event.features", "event.breach"])
def test_values_are_bounded(name: str) -> None:
    """Ten thousand features make a text that an input takes."""
    listed = [f'{{"metric_name":"Metric{n}","group":"feature-{n}"}}' for n in range(10_000)]
    text = str(data_drift.values(recognised(breach("m_data_drift", listed=str(listed))))[name])
    assert len(text) == VALUE_CHARACTERS
    assert text.endswith("…")


@pytest.mark.parametrize("signal", SIGNALS)
def test_which_signals_retrain(signal: str) -> None:
    """Drift of data and of predictions by default; a rule may name others; a mail hears of all."""
    decisions = decided(told(events.drift(signal=signal)))
    drift = signal in {"data_drift", "prediction_drift"}
    assert decisions["r_retrain"][0] == ("admitted" if drift else "unmatched")
    assert decisions["r_retrain_any"][0] == decisions["r_tell"][0] == "admitted"


def test_a_mail_beside_a_job_is_about_the_same_signals() -> None:
    """The default of a `run` is that of the whole rule."""
    text = (
        HEAD + "reactions:\n  - { name: a, on: data-drift, run: { job: pipelines/retrain.yml }, mail: { to: ops } }\n"
    )
    service = told(events.drift(signal="data_quality"), text=text)
    assert (service.jobs.jobs, service.mail.mails) == ({}, {})


def test_a_value_on_the_good_side_starts_no_job() -> None:
    """Azure ML tells it as a breach; no rule retrains, the reason has the numbers, and the mail says so."""
    service = told(events.drift(signal="model_performance", metric="Accuracy", value=0.93, threshold=0.9, feature=""))
    reason = "model_performance: Accuracy 0.93 is on the good side of 0.9"
    assert decided(service)["r_retrain_any"] == ("unmatched", reason)
    assert service.jobs.jobs == {}
    ((mail),) = service.mail.mails.values()
    assert mail.notice.headline == "Better than the threshold: model_performance of churn-monitor"
    assert "Accuracy 0.93 is on the good side of 0.9. No job was started." in mail.notice.cause


def test_a_rule_with_both_does_neither() -> None:
    """The mail beside a job is about the job."""
    text = (
        f"{HEAD}reactions:\n  - {{ name: a, on: data-drift, when: {{ signal: '*' }}, "
        "run: { job: pipelines/retrain.yml }, mail: { to: ops } }\n"
    )
    better = events.drift(signal="model_performance", metric="Accuracy", value=0.93, threshold=0.9)
    service = told(better, text=text)
    assert (service.jobs.jobs, service.mail.mails) == ({}, {})


@pytest.mark.parametrize(
    ("metrics", "starts", "counts"),
    [
        ([("Accuracy", 0.93, 0.9), ("Recall", 0.8, 0.7)], False, ("Accuracy", "Recall")),
        ([("Accuracy", 0.93, 0.9), ("Recall", 0.6, 0.7)], True, ("Recall",)),
        ([("Accuracy", 0.93, 0.9), ("Mine", 0.6, 0.7)], True, ("Mine",)),
        ([("Accuracy", 0.93, "x")], True, ("Accuracy",)),
    ],
)
def test_of_both_kinds_the_bad_side_counts(
    metrics: list[tuple[str, float, object]],
    starts: bool,  # noqa: FBT001 - a table
    counts: tuple[str, ...],
) -> None:
    """A job starts when one value is bad or unknown, and conditions see just those."""
    listed = [
        f'{{"metric_value":{value},"metric_name":"{name}","threshold_value":"{threshold}"}}'
        for name, value, threshold in metrics
    ]
    event = breach("m_model_performance", listed=str(listed))
    assert recognised(event).metric == counts
    assert bool(told(event).jobs.jobs) is starts
    assert recognised(event).objection.endswith(", and so is 1 more") is not starts


def test_a_list_that_was_cut_off_is_no_good_news() -> None:
    """What was not told may be bad."""
    listed = """['{"metric_value":0.93,"metric_name":"Accuracy","threshold_value":0.9}', '{"metric"""
    assert len(told(breach("m_model_performance", listed=listed)).jobs.jobs) == 1


def test_a_job_says_what_it_was_started_for() -> None:
    """Monitor, signal, features and metrics stand in its properties; other families have none of them."""
    service = told(sample("monitor-breach"))
    ((_, (_, properties)),) = ((name, job) for name, job in service.jobs.jobs.items() if "retrain-churn" in name)
    drift = {name: value for name, value in properties.items() if name.startswith("reactor_drift_")}
    assert drift == {
        "reactor_drift_monitor": "churn-monitor",
        "reactor_drift_signal": "data_drift",
        "reactor_drift_features": "tenure, monthly_charges",
        "reactor_drift_metrics": data_drift.values(recognised(sample("monitor-breach")))["event.breach"],
    }
    retired = recognised(sample("dataset-drift")).stamp
    assert retired == {"reactor_drift_monitor": "churn-drift", "reactor_drift_signal": "data_drift"}


@given(st.lists(st.text(min_size=1, max_size=40).map(lambda text: text * 40), max_size=5))
def test_what_a_job_carries_is_bounded(features: list[str]) -> None:
    """Azure ML takes 1,000 characters for a property."""
    listed = [msgspec.json.encode({"metric_name": "M" * 60, "group": feature}).decode() for feature in features]
    stamp = recognised(breach("m_data_drift", listed=str(listed))).stamp
    assert all(0 < len(value) <= VALUE_CHARACTERS for value in stamp.values())


def test_metrics_of_the_whole_model_are_of_no_feature() -> None:
    """They name none: there is no empty one in the list."""
    event = recognised(events.drift(signal="model_performance", metric=["Accuracy", "Recall"], feature=""))
    assert event.feature == ()
    assert "reactor_drift_features" not in event.stamp


@pytest.mark.parametrize(
    ("event", "headline", "cause", "shown"),
    [
        (
            events.drift(signal="prediction_drift"),
            "Drift: prediction_drift of churn-monitor",
            "",
            ["PopulationStabilityIndex"],
        ),
        (
            events.drift(signal="data_quality", metric="NullValueRate"),
            "Beyond the threshold: data_quality of churn-monitor",
            "",
            ["NullValueRate"],
        ),
        (
            events.drift(signal="model_performance", metric=["Accuracy", "RMSE"]),
            "Beyond the threshold: model_performance of churn-monitor",
            "",
            ["RMSE", "Accuracy"],
        ),
        (
            breach("m_data_drift", listed="""['{"metric_name":"A"}', '{"me"""),
            "Drift: data_drift of m",
            "Azure ML told only the beginning of its list; the run has all of it.",
            ["A"],
        ),
        (events.dataset_drift(), "Drift: data_drift of churn-drift", "", ["Drift coefficient"]),
    ],
)
def test_what_a_mail_says(event: dict[str, Any], headline: str, cause: str, shown: list[str]) -> None:
    """Drift by its name, other signals by theirs; what is bad first; whether the list was cut off."""
    notice = data_drift.notice(recognised(event))
    assert (notice.headline, notice.cause) == (headline, cause)
    assert [one.metric for one in notice.measurements] == shown


@pytest.mark.parametrize(
    ("signal_name", "experiment", "expected"),
    [
        ("adv_inputs", "exp-7f3c", ("churn", "data_drift")),
        ("other", "exp-7f3c", ("churn", "other")),
        ("adv_prediction_drift", "exp-7f3c", ("churn", "prediction_drift")),
        ("quality-of-inputs", "price", ("price", "data_quality")),
        ("price_data_drift", "price", ("price", "data_drift")),
        ("_data_drift", "price", ("price", "data_drift")),
        ("adv_inputs", "price", ("price", "adv_inputs")),
    ],
)
def test_names_of_the_file_come_first(signal_name: str, experiment: str, expected: tuple[str, str]) -> None:
    """The first entry that fits; what it leaves out is as the naming rule says."""
    monitors = rules(HEAD + MONITORS + RULES).monitors
    event = named(recognised(breach(signal_name, experiment=experiment)), monitors)
    assert (event.monitor, event.signal) == expected


def test_the_retired_form_keeps_its_names() -> None:
    """It names its monitor itself."""
    entry = MonitorRule(signal_name="*", monitor="another", signal="data_quality")
    event = recognised(sample("dataset-drift"))
    assert named(event, Monitors((entry,))) == event


def test_a_name_of_the_file_is_matched_mailed_and_stamped() -> None:
    """Conditions, inputs, properties and the mail have it; the names of jobs have the one of Azure ML."""
    text = (
        HEAD + MONITORS + "reactions:\n  - { name: retrain, on: data-drift, when: { monitor: churn }, run: { job: "
        "pipelines/retrain.yml, inputs: { drift_monitor: '${{ event.monitor }}' } }, mail: { to: ops } }\n"
    )
    service = told(breach("adv_inputs"), text=text)
    ((name, (action, properties)),) = service.jobs.jobs.items()
    assert name.startswith("retrain-exp-7f3c-")
    assert action.inputs == {"drift_monitor": "churn"}
    assert (properties["reactor_drift_monitor"], properties["reactor_drift_signal"]) == ("churn", "data_drift")
    (mail,) = service.mail.mails.values()
    assert mail.notice.headline == "Drift: data_drift of churn"


def test_a_try_sees_the_names_of_the_file() -> None:
    """`python -m ops try`, `preview` and the test kit plan as the service does."""
    text = (
        f"{HEAD}{MONITORS}reactions:\n  - {{ name: a, on: data-drift, when: {{ monitor: churn }}, "
        "mail: { to: ops } }\n"
    )
    (trial,) = try_event(breach("adv_inputs"), rules(text))
    assert [verdict.acts for verdict in trial.verdicts] == [True]


@given(
    st.sampled_from(["adv_inputs", "churn_data_drift", "x", "_data_quality", ""]),
    st.sampled_from([None, "*", "exp-*"]),
    st.sampled_from([None, "churn", "x" * 300]),
    st.sampled_from([None, *SIGNALS]),
)
def test_no_name_changes_what_happened(signal_name: str, experiment: str, monitor: str, signal: Any) -> None:
    """Identity, partition and the job's name stay, so that an edit starts nothing again."""
    entry = MonitorRule(experiment=experiment, signal_name="*", monitor=monitor, signal=signal)
    event = recognised(breach(signal_name))
    other = named(event, Monitors((entry,)))
    assert (other.identity, other.subject, other.label) == (event.identity, event.subject, event.label)
    assert event.identity == f"breach|step-1|{event.signal}"


def test_an_edit_of_the_names_starts_nothing_again() -> None:
    """On the path: the same breach after an entry was added, and another signal of the run within the cooldown."""
    service = FakeService(reactions=rules(HEAD + RULES))
    service.deliver(breach("churn_data_drift"))
    before = dict(service.jobs.jobs)
    service.reactions = rules(HEAD + MONITORS + RULES)
    service.deliver(breach("churn_data_drift"))
    service.deliver(breach("adv_inputs", step="step-2"))
    started = service.jobs.jobs.keys() - before.keys()
    assert {name.partition("-exp")[0] for name in started} == {"retrain-any"}
    skipped = [row for row in service.rows().values() if "cooldown: acted at" in str(row.get("r_retrain"))]
    assert len(skipped) == 1


def test_every_telling_of_a_breach_is_one_event() -> None:
    """Finalizing, Completed, RunCompleted and the root, twice each: one job of each rule, and one mail."""
    names = ("monitor-breach.finalizing", "monitor-breach", "monitor-breach.run-completed", "monitor-breach.root")
    service = told(*(sample(name) for name in (*names, *reversed(names))))
    assert (len(service.jobs.puts), len(service.mail.posts)) == (2, 1)


def test_a_monitor_without_data_is_no_drift() -> None:
    """It is told to those who hear of failed pipelines."""
    assert not isinstance(data_drift.recognise(parse(sample("monitor-without-data"))), DataDrifted)
