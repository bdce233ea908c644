"""What is made of the runs and definitions that Azure ML tells: which failed first, what changed, what fits a row."""

from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.definitions import changes, inputs_of, pieces_of
from shared.diagnosis import DIAGNOSIS_CHARACTERS, MOST, bounded
from shared.notices import CAUSE_CHARACTERS, NOTICE_CHARACTERS, Change, Diagnosis, Notice, characters
from shared.redaction import REDACTED
from shared.runs import Run, first_failed, last_success

PIPELINE, STEP = "azureml.PipelineRun", "azureml.StepRun"
ARM = "/subscriptions/1/resourceGroups/rg/providers/Microsoft.MachineLearningServices/workspaces/ws"


def run(name: str, *, minute: int = 0, **told: Any) -> Run:
    """Return a run that ended at that minute of the hour."""
    time = f"2026-11-24T05:{minute:02}:00.1234567Z"
    return Run.of({"runId": name, "createdUtc": time, "endTimeUtc": time, "runType": PIPELINE, **told})


def test_the_first_to_fail_is_told() -> None:
    """By time: later ones may be its consequence. Cancelled ones did not fail, nor did those that went well."""
    runs = [
        run("late", minute=9, status="Failed"),
        run("cancelled", minute=1, status="Canceled"),
        run("first", minute=5, status="Failed"),
        run("fine", minute=0, status="Completed"),
        run("untold", status="failed", endTimeUtc=None),
    ]
    assert [found.id for found in [first_failed(runs)] if found] == ["first"]
    assert [found.id for found in [first_failed(runs[-1:])] if found] == ["untold"]
    assert first_failed(runs[1:2]) is None


@pytest.mark.parametrize(
    "other",
    [
        run("newer", minute=40, status="Completed"),
        run("failed", minute=20, status="Failed"),
        run("step", minute=20, status="Completed", runType=STEP),
        run("nested", minute=20, status="Completed", rootRunId="somebody"),
        run("undated", status="Completed", createdUtc=None),
        run("", minute=20, status="Completed"),
        run("this", minute=20, status="Completed"),
    ],
    ids=lambda one: one.id or "nameless",
)
def test_the_last_success_is_the_newest_job_before(other: Run) -> None:
    """Of the same kind; no step, no nested pipeline, and nothing that came later."""
    this = run("this", minute=30, status="Failed")
    good = [run("older", minute=5, status="Completed"), run("good", minute=10, status="completed", rootRunId="good")]
    found = last_success([good[0], other, good[1]], before=this)
    assert found is not None
    assert found.id == "good"
    assert last_success([other], before=this) is None


@pytest.mark.parametrize(
    ("told", "by"),
    [
        ({}, ""),
        ({"createdBy": {"userName": "Dana", "upn": "d@x"}}, "Dana"),
        ({"createdBy": {"userName": None, "upn": "d@x"}}, "d@x"),
        ({"createdBy": "Dana"}, ""),
        ({"properties": {"runType": "Schedule"}}, "a schedule"),
        ({"properties": {"runType": "Schedule"}, "createdBy": {"userName": "Dana"}}, "a schedule of Dana"),
        ({"properties": {"runType": "HTTP"}, "createdBy": {"userName": "Dana"}}, "Dana"),
        ({"properties": {"reactor_reaction": "retrain"}, "createdBy": {"userName": "mi"}}, "reaction retrain"),
        ({"properties": {"reactor_chain": "offline-test,retrain"}}, "reaction retrain"),
        ({"properties": {"reactor_reaction": "<b>"}, "createdBy": {"userName": "Dana"}}, "Dana"),
    ],
)
def test_who_started_it(told: dict[str, Any], by: str) -> None:
    """Our own reaction, a schedule, or whoever submitted it; anybody may write properties."""
    assert run("a", **told).started_by == by


@pytest.mark.parametrize(
    ("told", "has"),
    [
        ({"runType": PIPELINE}, True),
        ({"runType": None, "properties": {"azureml.runsource": PIPELINE}}, True),
        ({"runType": STEP}, False),
        ({"runType": STEP, "properties": {"StepType": "SubGraphCloudStep"}}, True),
        ({"runType": STEP, "properties": {"stepType": "subgraphcloudstep"}}, True),
        ({"runType": "azureml.scriptrun"}, False),
    ],
)
def test_what_has_steps(told: dict[str, Any], has: bool) -> None:  # noqa: FBT001 - a table
    """A pipeline, and the step that a nested one is."""
    assert run("a", **told).has_steps is has


def test_inputs_are_told_by_name_and_version() -> None:
    """What is registered in a workspace or a registry, a literal, a path; what has no value is left out."""
    job = {
        "inputs": {
            "data": {"jobInputType": "uri_folder", "uri": f"{ARM}/data/churn-train/versions/42"},
            "short": {"jobInputType": "uri_folder", "uri": "azureml:churn-train:42"},
            "shared": {"jobInputType": "mlflow_model", "uri": "azureml://registries/r/models/churn/versions/7"},
            "path": {"jobInputType": "uri_file", "uri": "azureml://datastores/d/paths/x.csv"},
            "rate": {"jobInputType": "literal", "value": "0.1"},
            "number": {"job_input_type": "literal", "value": 3},
            "api_key": {"jobInputType": "literal", "value": "hunter2"},
            "none": {"jobInputType": "literal", "value": None},
            "text": "text",
        }
    }
    assert inputs_of(job) == {
        "data": "churn-train:42",
        "short": "churn-train:42",
        "shared": "churn:7",
        "path": "azureml://datastores/d/paths/x.csv",
        "rate": "0.1",
        "number": "3",
        "api_key": REDACTED,
    }


def test_what_changed_since() -> None:
    """Data, components, environments, compute, code, the commit; what is bound to an input of the job is told there."""

    def job(version: str, **steps: Any) -> dict[str, Any]:
        step = {
            "componentId": f"{ARM}/components/train/versions/{version}",
            "inputs": {
                "data": {"job_input_type": "literal", "value": f"${{{{parent.inputs.data{version}}}}}"},
                "depth": {"job_input_type": "literal", "value": version},
            },
        }
        return {
            "environmentId": f"azureml:env:{version}",
            "computeId": f"{ARM}/computes/cpu",
            "inputs": {"data": {"uri": f"azureml:churn:{version}"}, "password": {"value": version}},
            "jobs": {"train": step, **steps},
        }

    commits = [run(c, properties={"mlflow.source.git.commit": c}) for c in ("abc", "def")]
    before = pieces_of(job("1", old={"componentId": "azureml:old:1"}), commits[0])
    after = pieces_of(job("2"), commits[1])
    assert changes(before, after) == (
        Change(what="commit", before="abc", after="def"),
        Change(what="input data", before="churn:1", after="churn:2"),
        Change(what="environment", before="env:1", after="env:2"),
        Change(what="component of step train", before="train:1", after="train:2"),
        Change(what="input depth of step train", before="1", after="2"),
        Change(what="component of step old", before="old:1", after="none"),
    )
    assert changes(after, after) == ()


KEYS = st.sampled_from(
    sorted(
        {"runId", "rootRunId", "runType", "error", "createdBy", "userName", "createdUtc", "endTimeUtc"}
        | {"properties", "inputs", "jobs", "uri", "value", "componentId"}
    )
)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3)
    | st.dictionaries(KEYS, inner, max_size=4),
    max_leaves=12,
)  # fmt: skip


@settings(max_examples=60)
@given(st.dictionaries(KEYS, JSON, max_size=6))
def test_whatever_is_told_is_read(told: dict[str, Any]) -> None:
    """Another type than expected counts as not told; nothing raises."""
    found = Run.of(told)
    assert (first_failed([found]), last_success([found], before=found)) == (None, None)
    assert isinstance(found.started_by, str)
    assert found.has_steps in {True, False}
    assert changes(pieces_of(told, found), {}) is not None
    assert all(isinstance(value, str) for value in inputs_of(told).values())


LONG = st.sampled_from(["x", "\u00e9", "\U0001f40d", '"', "\x01", "ab ", "line\n"]).flatmap(
    lambda letter: st.integers(0, 6000).map(lambda count: letter * count)
)


@settings(max_examples=30)
@given(LONG, st.integers(0, 40), st.integers(0, 40), LONG)
def test_a_diagnosis_fits_its_row(text: str, inputs: int, changed: int, error: str) -> None:
    """With a cause of the greatest length beside it; what is left out is counted."""
    found = Diagnosis(
        step=text, step_name=text, code=text, error=error, started_by=text, last_success=text,
        changes=tuple(Change(what=f"{n} {text}", before=text, after=text) for n in range(changed)),
        inputs={f"{n:02}{text}": text for n in range(inputs)},
        unread=(text,) * 30,
    )  # fmt: skip
    told = bounded(found)
    assert characters(told) <= DIAGNOSIS_CHARACTERS + 200
    left = [line for line in told.unread if "left out for their size" in line]
    assert len(left) == (len(told.inputs) < inputs) + (len(told.changes) < changed)
    assert max(len(told.inputs), len(told.changes)) <= MOST
    notice = Notice(
        kind="k",
        headline="h",
        workspace="w",
        experiment="e",
        run="r",
        status="s",
        time="",
        reaction="m",
        cause="x" * CAUSE_CHARACTERS,
    )
    kept = msgspec.structs.replace(notice, diagnosis=told).bounded()
    assert kept.diagnosis == told
    assert characters(kept) <= NOTICE_CHARACTERS


def test_of_a_long_error_beginning_and_end_are_told() -> None:
    """A traceback says at its end what happened; a secret is known before anything is cut."""
    told = bounded(
        Diagnosis(error="Execution failed.\n" + "  File x\n" * 9000 + "KeyError: 'tenure' password=hunter2")
    ).error
    assert told.startswith("Execution failed.\n")
    assert told.endswith(f"KeyError: 'tenure' password={REDACTED}")
    assert len(told) < 4100
    cut_within = f"{'x' * 2000} password=hunter2 {'y' * 2992}"
    assert "hunter2" not in bounded(Diagnosis(error=cut_within)).error
    assert bounded(Diagnosis(error="  short\n")).error == "short"


def test_everything_is_redacted() -> None:
    """Each field may have come from somebody else."""
    secret = "password=hunter2"  # noqa: S105 - made up
    found = Diagnosis(
        step=secret, step_name=secret, code=secret, error=secret, started_by=secret, last_success=secret,
        changes=(Change(what=secret, before=secret, after=secret),), inputs={secret: secret}, unread=(secret,),
    )  # fmt: skip
    told = msgspec.json.encode(bounded(found)).decode()
    assert "hunter2" not in told
    assert told.count(REDACTED) == 12
