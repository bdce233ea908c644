"""Envelopes, and how families recognise events."""

import subprocess
import sys
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import pytest

from handlers import HANDLERS, data_drift, model_registered, pipeline_failure
from handlers.drifted import DataDrifted
from handlers.model_registered import ModelRegistered
from handlers.pipeline_failure import PipelineFailed
from shared.errors import MalformedError
from shared.events import Event, NotOurs, parse
from shared.retelling import retell
from tests.fakes.events import SAMPLES, altered, sample


def identity(event: Event | NotOurs) -> str:
    """Return the identity of a recognised event."""
    assert isinstance(event, Event)
    return event.identity


def test_both_schemas_and_any_key_case_tell_the_same_event() -> None:
    """A version that is an int, null tags and PascalCase keys change nothing about what happened."""
    told = [sample("model-registered"), sample("model-registered.cloudevents")]
    events = [model_registered.recognise(parse(event)) for event in told]
    assert [identity(event) for event in events] == ["churn:7", "churn:7"]


def test_the_misspelt_specversion_of_microsofts_examples_is_read() -> None:
    """The schema is told by the names of type and source."""
    event = sample("model-registered.cloudevents")
    event["specVersion"] = event.pop("specversion")
    assert identity(model_registered.recognise(parse(event))) == "churn:7"


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"data": None}, "data is missing"),
        ({"data": []}, "data is missing"),
        ({"id": 7}, "id is missing"),
        ({"id": "x" * 5000}, "id is missing or not a short text"),
        ({"topic": ""}, "topic is missing"),
        ({"eventType": None}, "eventType is missing"),
        ({"subject": 1}, "subject is missing or not a short text"),
    ],
)
def test_broken_envelopes_say_what_is_wrong(change: dict[str, Any], reason: str) -> None:
    """Every broken header is refused in words of ours."""
    with pytest.raises(MalformedError) as error:
        parse({**sample("model-registered"), **change})
    assert reason in error.value.reason


@pytest.mark.parametrize("told", [None, 7, "text", [], [{}]])
def test_what_is_no_object_is_refused(told: object) -> None:
    """An event is a JSON object."""
    with pytest.raises(MalformedError):
        parse(told)


@pytest.mark.parametrize(
    "data",
    [
        {"modelName": None},
        {"modelName": ""},
        {"modelName": ["x"]},
        {"modelVersion": True},
        {"modelVersion": 1.5},
        {"modelTags": "text"},
        {"modelName": "x" * 5000},
    ],
)
def test_wrong_types_of_data_are_refused(data: dict[str, Any]) -> None:
    """A field of another type is never guessed at, and its text is not in the error."""
    with pytest.raises(MalformedError) as error:
        model_registered.recognise(parse(altered("model-registered", **data)))
    assert "xxx" not in str(error.value) + error.value.reason


def test_a_breach_told_four_ways_is_one_event() -> None:
    """Completed step and RunCompleted are one identity; Finalizing and the root are not ours."""
    answers = {
        name: data_drift.recognise(parse(sample(name)))
        for name in (
            "monitor-breach",
            "monitor-breach.run-completed",
            "monitor-breach.finalizing",
            "monitor-breach.root",
        )
    }
    assert identity(answers["monitor-breach"]) == identity(answers["monitor-breach.run-completed"])
    assert isinstance(answers["monitor-breach.finalizing"], NotOurs)
    assert isinstance(answers["monitor-breach.root"], NotOurs)


def test_monitor_and_signal_follow_the_documented_naming_rule() -> None:
    """`<monitor>_<signal>`; any other name leaves the monitor to the experiment."""
    breach = sample("monitor-breach")
    event = data_drift.recognise(parse(breach))
    assert isinstance(event, DataDrifted)
    assert (event.monitor, event.signal) == ("churn-monitor", "data_drift")
    tags = breach["data"]["runTags"]
    tags["azureml_modelmonitor_threshold_breached"] = "The signal 'my_signal' has failed due to"
    event = data_drift.recognise(parse(breach))
    assert isinstance(event, DataDrifted)
    assert (event.monitor, event.signal) == ("churn-monitor", "my_signal")


def test_a_breach_text_cut_off_by_the_service_is_still_a_breach() -> None:
    """Nothing but the tag is needed; the signal is then unknown."""
    breach = sample("monitor-breach")
    breach["data"]["runTags"]["azureml_modelmonitor_threshold_breached"] = "The sig"
    event = data_drift.recognise(parse(breach))
    assert isinstance(event, DataDrifted)
    assert event.signal == ""


def test_the_retired_drift_event_is_the_same_family() -> None:
    """DatasetDriftDetected counts as drift of data."""
    event = data_drift.recognise(parse(sample("dataset-drift")))
    assert isinstance(event, DataDrifted)
    assert (event.monitor, event.signal, event.subject) == ("churn-drift", "data_drift", "churn-drift")


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("pipeline-failed.step", "a step of a pipeline"),
        ("pipeline-failed.nested", "a nested pipeline; its root tells the failure"),
        ("run-failed.no-pipeline", "no run of a known kind"),
        ("monitor-breach", "a run that did not fail"),
        ("monitor-breach.run-completed", "no failed run"),
        ("model-registered", "no failed run"),
    ],
)
def test_only_a_root_pipeline_fails(name: str, reason: str) -> None:
    """Everything else says why it is not ours."""
    assert pipeline_failure.recognise(parse(sample(name))) == NotOurs(reason)


@pytest.mark.parametrize("parent", ["azureml.pipelinerunid", "azureml.rootpipelinerunid"])
@pytest.mark.parametrize("where", ["runTags", "runProperties"])
def test_a_parents_id_in_either_map_makes_a_nested_pipeline(parent: str, where: str) -> None:
    """Captured steps name their pipeline in the tags only, others in the properties."""
    event = sample("pipeline-failed")
    event["data"][where][parent] = "another-run"
    assert isinstance(pipeline_failure.recognise(parse(event)), NotOurs)
    event["data"][where][parent] = event["data"]["runId"]
    assert isinstance(pipeline_failure.recognise(parse(event)), PipelineFailed)


def test_the_source_alone_makes_a_nested_pipeline() -> None:
    """`runSource` says SubGraphCloud where no parent is named."""
    event = sample("pipeline-failed")
    event["data"]["runProperties"]["runSource"] = "SubGraphCloud"
    assert isinstance(pipeline_failure.recognise(parse(event)), NotOurs)


def test_a_null_run_type_leaves_it_to_the_property() -> None:
    """`runType` may be null; then `azureml.runsource` says what the run is."""
    assert isinstance(pipeline_failure.recognise(parse(altered("pipeline-failed", runType=None))), PipelineFailed)
    event = altered("pipeline-failed", runType=None, runProperties=None)
    assert pipeline_failure.recognise(parse(event)) == NotOurs("no run of a known kind")


@pytest.mark.parametrize(
    ("run_type", "kind", "told"),
    [
        ("azureml.PipelineRun", "pipeline", "pipeline-failed"),
        ("azureml.scriptrun", "command", "job-failed"),
        ("hyperdrive", "sweep", "job-failed"),
        ("automl", "automl", "job-failed"),
    ],
)
def test_a_failed_run_of_each_kind(run_type: str, kind: str, told: str) -> None:
    """By the run type; the mail calls a pipeline a pipeline, and nothing else."""
    event = pipeline_failure.recognise(parse(altered("pipeline-failed", runType=run_type)))
    assert isinstance(event, PipelineFailed)
    assert (event.kind, pipeline_failure.FAMILY.notice(event).kind) == (kind, told)


@pytest.mark.parametrize("run_type", ["azureml.PipelineRun", "azureml.scriptrun"])
def test_a_canceled_run_is_told_as_such(run_type: str) -> None:
    """It is no failure, in no word of its mail."""
    event = pipeline_failure.recognise(parse(altered("pipeline-failed", runType=run_type, runStatus="Canceled")))
    assert isinstance(event, PipelineFailed)
    notice = pipeline_failure.FAMILY.notice(event)
    assert (event.status, notice.kind, notice.status) == ("canceled", "job-canceled", "Canceled")
    assert notice.headline.endswith(" was canceled: churn-training")


def test_a_monitor_without_data_says_so() -> None:
    """It is a failed pipeline, with its cause in words, and what to look at."""
    event = pipeline_failure.recognise(parse(sample("monitor-without-data")))
    assert isinstance(event, PipelineFailed)
    notice = pipeline_failure.FAMILY.notice(event)
    assert (notice.kind, notice.headline) == ("monitor-failed", "Model monitor failed: churn-monitor")
    first, remedy = notice.cause.splitlines()
    assert first == "The model monitor could not run: DataNotFoundError"
    assert remedy.startswith("Look whether data collection is on for the deployment")
    assert isinstance(data_drift.recognise(parse(sample("monitor-without-data"))), NotOurs)


@pytest.mark.parametrize("family", HANDLERS, ids=lambda family: family.name)
def test_every_family_has_a_sample(family: Any) -> None:
    """A new family comes with a sample event that it recognises."""
    recognised = [
        path.stem for path in SAMPLES.glob("*.json") if isinstance(family.recognise(parse(sample(path.stem))), Event)
    ]
    assert recognised, f"add an event of family {family.name} to samples/"


def test_every_sample_is_described() -> None:
    """samples/README.md says of each file what it causes."""
    text = (SAMPLES / "README.md").read_text()
    assert [path.name for path in SAMPLES.glob("*.json") if f"`{path.name}`" not in text] == []


def test_event_types_are_azures_own() -> None:
    """Our names are checked against azure-eventgrid's list of system events."""
    from azure.eventgrid import SystemEventNames  # noqa: PLC0415 - the only test that needs it

    known = {str(name.value) for name in SystemEventNames}
    assert {one for family in HANDLERS for one in family.event_types} <= known


def test_what_the_binding_hands_over_is_told_again() -> None:
    """EventGridEvent and CloudEvent of azure.functions both become the JSON they came from."""
    time = datetime(2026, 11, 24, 9, 0, tzinfo=UTC)
    common = {"id": "e", "subject": "s", "get_json": lambda: {"modelName": "churn", "modelVersion": "7"}}
    grid = SimpleNamespace(
        topic="t", event_type="Microsoft.MachineLearningServices.ModelRegistered", event_time=time, **common
    )
    cloud = SimpleNamespace(source="t", type="Microsoft.MachineLearningServices.ModelRegistered", time=time, **common)
    assert parse(retell(grid)) == parse(retell(cloud))
    assert isinstance(model_registered.recognise(parse(retell(grid))), ModelRegistered)


def test_the_core_imports_no_sdk() -> None:
    """Recognising and planning need none of the packages that make a cold start slow."""
    slow = "{'azure', 'yaml', 'requests', 'jinja2'}"
    code = f"import handlers, sys; print([m for m in sys.modules if m.split('.')[0] in {slow}])"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=SAMPLES.parent, timeout=60
    )
    assert done.stdout.strip() == "[]"
