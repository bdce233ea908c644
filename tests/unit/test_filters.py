"""Every condition of every family: held, missed, absent; lists, negation, presence and bounds, on the sample events."""

from typing import Any

import msgspec
import pytest

import handlers
from handlers.family import Family
from shared.events import Event, NotOurs, parse
from shared.reactions import Unmatched
from testkit import events
from tests.fakes.events import altered, sample
from tests.fakes.service import rules

RUN = {
    "model-registered": "run: { job: pipelines/offline-test.yml }",
    "data-drift": "run: { job: pipelines/retrain.yml }",
    "pipeline-failed": "mail: { to: ops }",
    "reaction-finished": "mail: { to: ops }",
}
MODEL = altered(
    "model-registered",
    modelTags={"stage": "candidate", "Stage": "x", "empty": ""},
    modelProperties={"flavors.python": "3.13"},
)
BREACH = altered(
    "monitor-breach",
    runTags={
        "azureml_modelmonitor_threshold_breached": "The signal 'churn-monitor_data_drift' has failed due to\n"
        '[\'{"metric_name":"PopulationStabilityIndex","group":"tenure"}\', '
        '\'{"metric_name":"JensenShannonDistance"}\']',
        "team": "growth",
    },
)
FINISHED = altered("reaction-finished", runTags={"team": "growth"})
JUDGED = events.reaction_finished(verdict="passed")
DRIFT, FAILED = sample("dataset-drift"), sample("pipeline-failed")
CANCELED = altered("pipeline-failed", runStatus="Canceled")
PUBLISHED = altered("pipeline-failed", runTags={"azureml.pipelineid": "p-1"}, runProperties={"owner": "growth"})
COMMAND = altered(
    "pipeline-failed", runType="azureml.scriptrun", runProperties={"azureml.runsource": "azureml.scriptrun"}
)


def failing(family: str, when: str, event: dict[str, Any]) -> str:
    """Return the first condition that fails for a rule with just these conditions."""
    reactions = rules(
        f"recipients: {{ ops: $OPS_EMAIL }}\nreactions:\n"
        f"  - {{ name: a, on: {family}, when: {{ {when} }}, {RUN[family]} }}\n"
    )
    found = next(one for one in handlers.HANDLERS if one.name == family)
    recognised = found.recognise(parse(event))
    assert isinstance(recognised, Event), recognised
    (item,) = found.plan(recognised, reactions)
    return item.reason if isinstance(item, Unmatched) else ""


#: family, event, conditions, and the reason ("" where they hold).
CASES: list[tuple[str, dict[str, Any], str, str]] = [
    ("model-registered", MODEL, "model: churn", ""),
    ("model-registered", MODEL, "model: 'ch?r*'", ""),
    ("model-registered", MODEL, "model: Churn", "model: wanted 'Churn', is 'churn'"),
    ("model-registered", MODEL, "model: [price, 'ch*']", ""),
    ("model-registered", MODEL, "model: [price, fraud]", "model: wanted 'price' or 'fraud', is 'churn'"),
    ("model-registered", MODEL, "model: { not: 'test-*' }", ""),
    ("model-registered", MODEL, "model: { not: [fraud, churn] }", "model: wanted not 'fraud' or 'churn', is 'churn'"),
    ("model-registered", MODEL, "model: { is: 'c*', not: churn }", "model: wanted 'c*' and not 'churn', is 'churn'"),
    ("model-registered", MODEL, "version: '7'", ""),
    ("model-registered", MODEL, "version: '1.*'", "version: wanted '1.*', is '7'"),
    ("model-registered", MODEL, "version: [6, 8]".replace("6", "'6'").replace("8", "'8'"), "'6' or '8', is '7'"),
    ("model-registered", MODEL, "tags: { stage: candidate }", ""),
    ("model-registered", MODEL, "tags: { stage: prod }", "tags.stage: wanted 'prod', is 'candidate'"),
    ("model-registered", MODEL, "tags: { STAGE: '*' }", "tags.STAGE: wanted '*', is absent"),
    ("model-registered", MODEL, "tags: { Stage: x, stage: candidate }", ""),
    ("model-registered", MODEL, "tags: { owner: '*' }", "tags.owner: wanted '*', is absent"),
    ("model-registered", MODEL, "tags: { empty: '*' }", ""),
    ("model-registered", MODEL, "tags: { empty: '?*' }", "tags.empty: wanted '?*', is ''"),
    ("model-registered", MODEL, "tags: { stage: { present: true } }", ""),
    ("model-registered", MODEL, "tags: { empty: { present: true } }", ""),
    ("model-registered", MODEL, "tags: { owner: { present: true } }", "tags.owner: wanted to be present, is absent"),
    ("model-registered", MODEL, "tags: { owner: { present: false } }", ""),
    (
        "model-registered",
        MODEL,
        "tags: { stage: { present: false } }",
        "tags.stage: wanted to be absent, is 'candidate'",
    ),
    ("model-registered", MODEL, "tags: { owner: { not: me } }", ""),
    (
        "model-registered",
        MODEL,
        "tags: { owner: { not: me, present: true } }",
        "tags.owner: wanted to be present and not 'me', is absent",
    ),
    ("model-registered", MODEL, "properties: { flavors.python: '3.*' }", ""),
    ("model-registered", MODEL, "properties: { flavors.python: '2.*' }", "properties.flavors.python: wanted '2.*'"),
    ("model-registered", MODEL, "properties: { other: '*' }", "properties.other: wanted '*', is absent"),
    ("model-registered", MODEL, "workspace: mlw-churn", ""),
    ("model-registered", MODEL, "workspace: MLW-Churn", ""),
    ("model-registered", MODEL, "workspace: [MLW-PRICE, 'MLW-C*']", ""),
    ("model-registered", MODEL, "workspace: { not: MLW-CHURN }", "workspace: wanted not 'mlw-churn', is 'mlw-churn'"),
    ("model-registered", MODEL, "workspace: mlw-price", "workspace: wanted 'mlw-price', is 'mlw-churn'"),
    ("data-drift", BREACH, "monitor: churn-monitor", ""),
    ("data-drift", BREACH, "monitor: price-*", "monitor: wanted 'price-*', is 'churn-monitor'"),
    ("data-drift", BREACH, "signal: prediction_drift", "signal: wanted 'prediction_drift', is 'data_drift'"),
    ("data-drift", BREACH, "signal: { not: 'data_*' }", "signal: wanted not 'data_*', is 'data_drift'"),
    ("data-drift", BREACH, "signal: [data_drift, mine]", ""),
    ("data-drift", BREACH, "metric: JensenShannonDistance", ""),
    ("data-drift", BREACH, "metric: [Wasserstein, 'Population*']", ""),
    (
        "data-drift",
        BREACH,
        "metric: Wasserstein",
        "metric: wanted 'Wasserstein', is 'PopulationStabilityIndex', 'JensenShannonDistance'",
    ),
    ("data-drift", BREACH, "metric: { not: 'Population*' }", "metric: wanted not 'Population*', is 'Pop"),
    ("data-drift", BREACH, "metric: { present: true }", ""),
    ("data-drift", DRIFT, "metric: '*'", "metric: wanted '*', is absent"),
    ("data-drift", DRIFT, "metric: { present: false }", ""),
    ("data-drift", BREACH, "feature: ['ten*', age]", ""),
    ("data-drift", BREACH, "feature: age", "feature: wanted 'age', is 'tenure'"),
    ("data-drift", DRIFT, "feature: '*'", "feature: wanted '*', is absent"),
    ("data-drift", BREACH, "experiment: churn-monitor", ""),
    ("data-drift", DRIFT, "experiment: '*'", "experiment: wanted '*', is absent"),
    ("data-drift", DRIFT, "experiment: { not: churn }", ""),
    ("data-drift", BREACH, "tags: { team: growth }", ""),
    ("data-drift", DRIFT, "tags: { team: growth }", "tags.team: wanted 'growth', is absent"),
    ("data-drift", BREACH, "properties: { StepType: 'Spark*' }", ""),
    ("data-drift", BREACH, "properties: { StepType: x }", "properties.StepType: wanted 'x', is 'SparkComponent'"),
    ("data-drift", BREACH, "workspace: Mlw-*", ""),
    ("data-drift", BREACH, "workspace: x", "workspace: wanted 'x', is 'mlw-churn'"),
    ("data-drift", DRIFT, "drift_coefficient: { above: 0.6 }", ""),
    ("data-drift", DRIFT, "drift_coefficient: { above: 0.62 }", "drift_coefficient: wanted above 0.62, is 0.62"),
    ("data-drift", DRIFT, "drift_coefficient: { at_least: 0.62, at_most: 0.62 }", ""),
    ("data-drift", DRIFT, "drift_coefficient: { below: 0.62 }", "drift_coefficient: wanted below 0.62, is 0.62"),
    ("data-drift", DRIFT, "drift_coefficient: { at_most: 0.5 }", "drift_coefficient: wanted at most 0.5, is 0.62"),
    ("data-drift", DRIFT, "drift_coefficient: { above: 0, below: 1 }", ""),
    ("data-drift", DRIFT, "drift_coefficient: { at_least: 0.7, below: 1 }", "wanted at least 0.7 and below 1, is 0.62"),
    ("data-drift", BREACH, "drift_coefficient: { above: 0 }", "drift_coefficient: wanted above 0, is absent"),
    ("pipeline-failed", FAILED, "experiment: 'churn-*'", ""),
    ("pipeline-failed", FAILED, "experiment: prod", "experiment: wanted 'prod', is 'churn-training'"),
    ("pipeline-failed", FAILED, "kind: pipeline", ""),
    ("pipeline-failed", FAILED, "kind: [sweep, pipeline]", ""),
    ("pipeline-failed", FAILED, "kind: command", "kind: wanted 'command', is 'pipeline'"),
    ("pipeline-failed", COMMAND, "kind: command", ""),
    ("pipeline-failed", CANCELED, "status: [failed, canceled]", ""),
    ("pipeline-failed", CANCELED, "status: '*'", ""),
    ("pipeline-failed", CANCELED, "experiment: '*'", "status: wanted 'failed', is 'canceled'"),
    ("pipeline-failed", FAILED, "status: canceled", "status: wanted 'canceled', is 'failed'"),
    ("pipeline-failed", COMMAND, "experiment: '*'", "kind: wanted 'pipeline', is 'command'"),
    ("pipeline-failed", COMMAND, "kind: '*'", ""),
    ("pipeline-failed", PUBLISHED, "pipeline: p-1", ""),
    ("pipeline-failed", PUBLISHED, "pipeline: { not: p-1 }", "pipeline: wanted not 'p-1', is 'p-1'"),
    ("pipeline-failed", FAILED, "pipeline: '*'", "pipeline: wanted '*', is absent"),
    ("pipeline-failed", FAILED, "pipeline: { present: false }", ""),
    ("pipeline-failed", FAILED, "tags: { team: [growth, ads] }", ""),
    ("pipeline-failed", FAILED, "tags: { team: ads }", "tags.team: wanted 'ads', is 'growth'"),
    ("pipeline-failed", PUBLISHED, "properties: { owner: growth }", ""),
    ("pipeline-failed", FAILED, "properties: { owner: growth }", "properties.owner: wanted 'growth', is absent"),
    ("pipeline-failed", FAILED, "workspace: 'MLW-*'", ""),
    ("pipeline-failed", FAILED, "workspace: 'x*'", "workspace: wanted 'x*', is 'mlw-churn'"),
    ("pipeline-failed", FAILED, "experiment: x, tags: { team: x }", "experiment: wanted 'x'"),
    ("reaction-finished", FINISHED, "reaction: 'offline-*'", ""),
    ("reaction-finished", FINISHED, "reaction: retrain", "reaction: wanted 'retrain', is 'offline-test'"),
    ("reaction-finished", FINISHED, "outcome: completed", ""),
    ("reaction-finished", FINISHED, "outcome: [failed, canceled]", "wanted 'failed' or 'canceled', is 'completed'"),
    ("reaction-finished", JUDGED, "verdict: [passed, failed]", ""),
    ("reaction-finished", JUDGED, "verdict: failed", "verdict: wanted 'failed', is 'passed'"),
    ("reaction-finished", FINISHED, "verdict: passed", "verdict: wanted 'passed', is absent"),
    ("reaction-finished", FINISHED, "model: churn", ""),
    ("reaction-finished", FINISHED, "model: { not: churn }", "model: wanted not 'churn', is 'churn'"),
    ("reaction-finished", FINISHED, "experiment: offline-test", ""),
    ("reaction-finished", FINISHED, "experiment: x", "experiment: wanted 'x', is 'offline-test'"),
    ("reaction-finished", FINISHED, "tags: { team: growth }", ""),
    ("reaction-finished", FINISHED, "tags: { team: ads }", "tags.team: wanted 'ads', is 'growth'"),
    ("reaction-finished", FINISHED, "properties: { reactor_depth: '1' }", ""),
    ("reaction-finished", FINISHED, "properties: { owner: x }", "properties.owner: wanted 'x', is absent"),
    ("reaction-finished", FINISHED, "workspace: 'MLW-*'", ""),
    ("reaction-finished", FINISHED, "workspace: 'x*'", "workspace: wanted 'x*', is 'mlw-churn'"),
]


@pytest.mark.parametrize(("family", "event", "when", "reason"), CASES, ids=[f"{case[0]} {case[2]}" for case in CASES])
def test_a_condition(family: str, event: dict[str, Any], when: str, reason: str) -> None:
    """Held, or missed with what it wanted and what it met."""
    told = failing(family, when, event)
    assert reason in told if reason else told == ""


@pytest.mark.parametrize("family", handlers.HANDLERS, ids=lambda family: family.name)
def test_no_condition_is_without_a_case(family: Family[Any]) -> None:
    """Every condition is seen to hold and to fail."""
    for field in msgspec.structs.fields(family.vocabulary.when):
        held = {reason == "" for name, _, when, reason in CASES if name == family.name and f"{field.name}:" in when}
        assert held == {True, False}, field.name


def test_a_workspace_that_is_told_in_another_case() -> None:
    """Azure tells the same workspace in several cases; a condition knows one."""
    event = {**MODEL, "topic": MODEL["topic"].upper()}
    assert failing("model-registered", "workspace: { is: mlw-churn, not: 'MLW-P*' }", event) == ""


def test_a_rule_for_one_of_several_workspaces() -> None:
    """The rule of the other workspace says so, and the rule without a condition acts for both."""
    reactions = rules(
        "recipients: { ops: $OPS_EMAIL }\nreactions:\n"
        "  - { name: here, on: pipeline-failed, when: { workspace: mlw-churn }, mail: { to: ops } }\n"
        "  - { name: there, on: pipeline-failed, when: { workspace: mlw-price }, mail: { to: ops } }\n"
        "  - { name: everywhere, on: pipeline-failed, mail: { to: ops } }\n"
    )
    family = handlers.pipeline_failure.FAMILY
    event = family.recognise(parse(FAILED))
    assert not isinstance(event, NotOurs)
    matched = {item.reaction.name: not isinstance(item, Unmatched) for item in family.plan(event, reactions)}
    assert matched == {"here": True, "there": False, "everywhere": True}
