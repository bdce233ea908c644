"""The builders of the test kit: events of every family, that are told as the samples are."""

from collections.abc import Callable
from typing import Any

import msgspec
import pytest

import handlers
from handlers.family import Family
from local.samples import all_samples
from shared.events import Event, NotOurs, parse
from shared.reactions.conditions import first_failing
from testkit import events

ARM_ID = "/subscriptions/1/resourceGroups/r/providers/Microsoft.MachineLearningServices/workspaces/mlw-eu"
#: For every condition of every family: what to tell a builder, and a condition that holds of nothing but that.
VARIATIONS: dict[str, dict[str, tuple[Callable[..., dict[str, Any]], dict[str, Any], Any]]] = {
    "model-registered": {
        "workspace": (events.model_registered, {"workspace": "mlw-eu"}, "mlw-eu"),
        "model": (events.model_registered, {"name": "price"}, "price"),
        "version": (events.model_registered, {"version": "12"}, "12"),
        "tags": (events.model_registered, {"tags": {"a": "1"}}, {"a": "1"}),
        "properties": (events.model_registered, {"properties": {"b": "2"}}, {"b": "2"}),
    },
    "data-drift": {
        "workspace": (events.dataset_drift, {"workspace": ARM_ID}, "mlw-eu"),
        "monitor": (events.drift, {"monitor": "price-monitor"}, "price-monitor"),
        "signal": (events.drift, {"signal": "model_performance"}, "model_performance"),
        "metric": (events.drift, {"metric": ["JensenShannonDistance", "Other"]}, "Other"),
        "feature": (events.drift, {"feature": "balance"}, "balance"),
        "drift_coefficient": (events.dataset_drift, {"drift_coefficient": 0.9}, {"above": 0.8}),
        "experiment": (events.drift, {"experiment": "elsewhere"}, "elsewhere"),
        "tags": (events.drift, {"tags": {"a": "1"}}, {"a": "1"}),
        "properties": (events.drift, {"properties": {"b": "2"}}, {"b": "2"}),
    },
    "pipeline-failed": {
        "workspace": (events.pipeline_failed, {"workspace": "mlw-eu"}, "mlw-eu"),
        "experiment": (events.pipeline_failed, {"experiment": "elsewhere"}, "elsewhere"),
        "kind": (events.pipeline_failed, {"kind": "sweep"}, "sweep"),
        "status": (events.pipeline_failed, {"status": "canceled"}, "canceled"),
        "pipeline": (events.pipeline_failed, {"pipeline": "p-1"}, "p-1"),
        "tags": (events.pipeline_failed, {"tags": {"a": "1"}}, {"a": "1"}),
        "properties": (events.pipeline_failed, {"properties": {"b": "2"}}, {"b": "2"}),
    },
    "reaction-finished": {
        "workspace": (events.reaction_finished, {"workspace": "mlw-eu"}, "mlw-eu"),
        "reaction": (events.reaction_finished, {"reaction": "retrain"}, "retrain"),
        "outcome": (events.reaction_finished, {"outcome": "canceled"}, "canceled"),
        "verdict": (events.reaction_finished, {"verdict": "failed"}, "failed"),
        "model": (events.reaction_finished, {"model": "price:2"}, "price"),
        "experiment": (events.reaction_finished, {"experiment": "elsewhere"}, "elsewhere"),
        "tags": (events.reaction_finished, {"tags": {"a": "1"}}, {"a": "1"}),
        "properties": (events.reaction_finished, {"properties": {"b": "2"}}, {"b": "2"}),
    },
}
CASES = [
    pytest.param(family, name, id=f"{family.name}-{name}")
    for family in handlers.HANDLERS
    for name in (field.name for field in msgspec.structs.fields(family.vocabulary.when))
]


def recognised(family: Family[Any], event: dict[str, Any]) -> Event:
    """Return the event as its family sees it."""
    found: Event | NotOurs = family.recognise(parse(event))
    assert not isinstance(found, NotOurs), found.reason
    return found


@pytest.mark.parametrize("family", handlers.HANDLERS, ids=lambda family: family.name)
def test_every_family_has_a_builder(family: Family[Any]) -> None:
    """And what it builds without being told anything is an event of that family, and of no other."""
    assert events.BUILDERS.get(family.name), f"write a builder for {family.name} in testkit/events.py"
    for build in events.BUILDERS[family.name]:
        recognised(family, build())
        others = [other for other in handlers.HANDLERS if other is not family]
        assert all(isinstance(other.recognise(parse(build())), NotOurs) for other in others)


def test_there_is_no_builder_of_no_family() -> None:
    """The words are those after `on:`."""
    assert events.BUILDERS.keys() == handlers.VOCABULARIES.keys()


def test_what_is_not_told_is_as_in_a_sample() -> None:
    """Nothing is made up: all but the length of a breach's list is the sample's own."""
    samples = list(all_samples())
    for builders in events.BUILDERS.values():
        for build in builders:
            if build is not events.drift:
                assert build() in samples
    breach, built = events.sample("monitor-breach"), events.drift()
    (first,), (second,) = (
        [one for one in event["data"]["runTags"].values() if "signal" in one] for event in (breach, built)
    )
    assert first.partition("['")[0] == second.partition("['")[0]
    built["data"]["runTags"] = breach["data"]["runTags"]
    assert built == breach


@pytest.mark.parametrize(("family", "condition"), CASES)
def test_every_condition_can_be_met(family: Family[Any], condition: str) -> None:
    """The builder tells what the condition asks for, and does not without being told."""
    build, words, wanted = VARIATIONS[family.name][condition]
    other = {"signal": ["*"], "kind": ["pipeline", "command", "sweep", "automl"], "status": ["failed"]}
    given = {key: value for key, value in other.items() if key in family.vocabulary.when.__struct_fields__}
    when = msgspec.convert({**given, condition: wanted}, family.vocabulary.when)
    assert first_failing(when, recognised(family, build(**words))) == ""
    assert first_failing(when, recognised(family, build())).startswith(condition)


@pytest.mark.parametrize("kind", ["pipeline", "command", "sweep", "automl"])
def test_every_kind_of_run_can_fail(kind: str) -> None:
    """By the words of `kind`, and also where the run's type is left out, as Azure ML may."""
    event = events.pipeline_failed(kind=kind)
    untyped = {**event, "data": {**event["data"], "runType": None}}
    (family,) = (one for one in handlers.HANDLERS if one.name == "pipeline-failed")
    assert [getattr(recognised(family, one), "kind", "") for one in (event, untyped)] == [kind, kind]


def test_a_workspace_is_a_name_or_an_arm_id() -> None:
    """A name is one beside the sample's."""
    assert parse(events.model_registered(workspace=ARM_ID)).workspace == ARM_ID
    beside = parse(events.model_registered(workspace="mlw-eu")).workspace
    assert beside == parse(events.sample("model-registered")).workspace.replace("mlw-churn", "mlw-eu")


@pytest.mark.parametrize("build", [build for builders in events.BUILDERS.values() for build in builders])
def test_the_other_schema_tells_the_same(build: Callable[..., dict[str, Any]]) -> None:
    """To the last field."""
    assert parse(events.cloud_event(build())) == parse(build())
