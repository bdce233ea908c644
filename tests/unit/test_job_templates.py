"""Filling a template: pure, without azure-ai-ml."""

import copy
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.errors import ConfigurationError
from shared.job_templates import SENTINEL_NAME, SENTINEL_WORKSPACE, JobTemplate
from shared.job_templates.fill import Request, fill
from shared.job_templates.inputs import JobInput, UnusableInputError, Value

WORKSPACE = (
    "/subscriptions/11111111-1111-1111-1111-111111111111/resourceGroups/rg"
    "/providers/Microsoft.MachineLearningServices/workspaces/ws"
)
ELSEWHERE = WORKSPACE.replace("/rg/", "/other/")


def declared(name: str, kind: str, *, optional: bool = True) -> JobInput:
    """An input of the template below."""
    return JobInput(name=name, type=kind, optional=optional, entry={"jobInputType": kind, "mode": "Download"})


def template(job_type: str = "Pipeline", **details: Any) -> JobTemplate:
    """A template with one input of each kind, and *details* in its body."""
    inputs = (
        declared("custom", "custom_model"),
        declared("data", "uri_folder"),
        declared("model", "mlflow_model"),
        declared("table", "mltable"),
        declared("threshold", "literal"),
        declared("triton", "triton_model"),
    )
    body = {"properties": {"jobType": job_type, "inputs": {}, "tags": {}, "properties": {}, **details}}
    return JobTemplate(
        file="pipelines/job.yml",
        sdk="azure-ai-ml 0",
        sha256="0" * 64,
        job_type=job_type,
        api_version="2024-01-01-preview",
        url="{workspace}/jobs/{name}",
        inputs=inputs,
        body=body,
    )


def filled(of: JobTemplate, inputs: dict[str, Value] | None = None, **overrides: Any) -> Request:
    """The template filled with *inputs*."""
    arguments: dict[str, Any] = {"workspace": WORKSPACE, "name": "job-1", "inputs": inputs or {}, "properties": {}}
    return fill(of, **{**arguments, **overrides})


@pytest.mark.parametrize(
    ("name", "value", "sent"),
    [
        ("model", "azureml:churn:7", f"{WORKSPACE}/models/churn/versions/7"),
        ("custom", "azureml:a.b-c_d:2026.1", f"{WORKSPACE}/models/a.b-c_d/versions/2026.1"),
        ("triton", "azureml:net:1", f"{WORKSPACE}/models/net/versions/1"),
        ("data", "azureml:events:4", f"{WORKSPACE}/data/events/versions/4"),
        ("table", "azureml:features:11", f"{WORKSPACE}/data/features/versions/11"),
        ("model", f"{ELSEWHERE}/models/churn/versions/7", f"{ELSEWHERE}/models/churn/versions/7"),
        ("model", f"azureml:{ELSEWHERE}/models/churn/versions/7", f"{ELSEWHERE}/models/churn/versions/7"),
        ("data", "azureml://datastores/blob/paths/x", "azureml://datastores/blob/paths/x"),
        ("data", "https://a.blob.core.windows.net/b", "https://a.blob.core.windows.net/b"),
        ("data", "wasbs://c@a/b", "wasbs://c@a/b"),
    ],
)
def test_an_asset_becomes_a_whole_id(name: str, value: str, sent: str) -> None:
    """By the declared type: models are models, everything else is data; full ids and URIs stay."""
    entry = filled(template(), {name: value}).body["properties"]["inputs"][name]
    assert entry["uri"] == sent
    assert entry["mode"] == "Download"
    assert "value" not in entry


@pytest.mark.parametrize(
    "value",
    [
        "azureml:churn@latest",
        "azureml:churn",
        "azureml:churn:",
        "azureml:a:b:c",
        "./model",
        "azureml:../x:1",
        "azureml:a:1\n",
        f"{WORKSPACE}/../models/a/versions/1",
    ],
)
def test_what_is_no_asset_is_refused_without_repeating_it(value: str) -> None:
    """Labels, local paths and dots: the value may come from an event, so it is not told."""
    with pytest.raises(UnusableInputError) as refused:
        filled(template(), {"model": value})
    assert "input model takes azureml:<name>:<version>" in refused.value.reason
    assert value not in refused.value.reason


@pytest.mark.parametrize(
    ("value", "sent"),
    [
        (True, "True"),
        (False, "False"),
        (3, "3"),
        (0.85, "0.85"),
        (1e-05, "1e-05"),
        ("azureml:a:1", "azureml:a:1"),
        ("0", "0"),
        (" ", " "),
    ],
)
def test_a_literal_is_sent_as_text(value: Value, sent: str) -> None:
    """As azure-ai-ml writes it, whatever it looks like."""
    entry = filled(template(), {"threshold": value}).body["properties"]["inputs"]["threshold"]
    assert entry["value"] == sent


@pytest.mark.parametrize("empty", ["", None])
@pytest.mark.parametrize("name", ["threshold", "model"])
def test_an_empty_input_of_a_pipeline_is_dropped(name: str, empty: Value) -> None:
    """Also when the file has a value: the reaction's word counts."""
    of = template(inputs={name: {"jobInputType": "literal", "value": "0.5"}, "depth": {"value": "3"}})
    assert filled(of, {name: empty}).body["properties"]["inputs"] == {"depth": {"value": "3"}}


def test_an_empty_literal_of_a_command_is_sent() -> None:
    """azure-ai-ml drops it from pipelines only."""
    sent = filled(template("Command"), {"threshold": ""}).body["properties"]["inputs"]
    assert sent["threshold"]["value"] == ""


@pytest.mark.parametrize(
    ("job_type", "optional", "name", "value"),
    [("Pipeline", False, "model", ""), ("Pipeline", False, "model", None), ("Command", True, "model", "")],
)
def test_an_input_that_the_job_needs_is_not_dropped(job_type: str, optional: bool, name: str, value: Value) -> None:  # noqa: FBT001 - a table
    """The event had nothing for it: refused, and repeating would not help."""
    of = template(job_type)
    of = JobTemplate(**{**_fields(of), "inputs": (declared("model", "mlflow_model", optional=optional),)})
    with pytest.raises(UnusableInputError) as refused:
        filled(of, {name: value})
    assert refused.value.reason == "pipelines/job.yml: input model needs a value and was given none"


def _fields(of: JobTemplate) -> dict[str, Any]:
    return {name: getattr(of, name) for name in of.__struct_fields__}


def test_an_input_without_any_value_is_a_mistake_of_the_reaction() -> None:
    """Neither the file nor the rule gives one."""
    of = JobTemplate(**{**_fields(template()), "inputs": (declared("model", "mlflow_model", optional=False),)})
    with pytest.raises(ConfigurationError, match=r"pipelines/job.yml: input model has no value in the file; give it"):
        filled(of)


def test_an_unknown_input_is_refused_with_the_nearest_name() -> None:
    """File, name, and what was probably meant."""
    with pytest.raises(ConfigurationError, match=r"job.yml: there is no input 'treshold'; did you mean 'threshold'\?"):
        filled(template(), {"treshold": "1"})
    with pytest.raises(ConfigurationError, match="there is no input 'zzz'; it has: custom, data"):
        filled(template(), {"zzz": "1"})


def test_the_workspace_is_put_in_as_a_prefix_only() -> None:
    """Whole ids below the sentinel, at any depth; no key, no other text, no look-alike."""
    of = template(
        jobs={"a": {"componentId": f"{SENTINEL_WORKSPACE}/components/a/versions/1", "b": [f"{SENTINEL_WORKSPACE}/x"]}},
        computeId=SENTINEL_WORKSPACE,
        description=f"see {SENTINEL_WORKSPACE}/x",
        displayName=f"{SENTINEL_WORKSPACE}-not",
        upper=f"{SENTINEL_WORKSPACE.upper()}/x",
        number=1.5,
        nothing=None,
    )
    sent = filled(of).body["properties"]
    assert sent["jobs"]["a"] == {"componentId": f"{WORKSPACE}/components/a/versions/1", "b": [f"{WORKSPACE}/x"]}
    assert sent["computeId"] == WORKSPACE
    assert sent["description"] == f"see {SENTINEL_WORKSPACE}/x"
    assert sent["displayName"] == f"{SENTINEL_WORKSPACE}-not"
    assert sent["upper"] == f"{SENTINEL_WORKSPACE.upper()}/x"
    assert (sent["number"], sent["nothing"]) == (1.5, None)


@given(value=st.text(min_size=1))
def test_a_value_is_never_read_as_a_template(value: str) -> None:
    """Whatever a literal contains is sent as it is, even our own sentinels."""
    for text in (value, f"{SENTINEL_WORKSPACE}/{value}", f"{{workspace}}{value}", SENTINEL_NAME):
        assert filled(template(), {"threshold": text}).body["properties"]["inputs"]["threshold"]["value"] == text


def test_the_name_is_the_display_name_where_the_file_has_none() -> None:
    """As azure-ai-ml does; a display name of the file's own stays."""
    assert filled(template(displayName=SENTINEL_NAME)).body["properties"]["displayName"] == "job-1"
    assert filled(template(displayName="Retrain")).body["properties"]["displayName"] == "Retrain"


def test_the_stamp_joins_tags_and_properties() -> None:
    """The file's own stay; the stamp has the last word; a body without them gets them."""
    stamp = {"reactor_operation": "f" * 64, "team": "reactor"}
    sent = filled(template(tags={"team": "churn", "a": "1"}, properties=None), properties=stamp).body["properties"]
    assert sent["tags"] == {"team": "reactor", "a": "1", "reactor_operation": "f" * 64}
    assert sent["properties"] == stamp


def test_the_template_is_not_changed() -> None:
    """It serves every event of the process."""
    of = template(
        displayName=SENTINEL_NAME,
        inputs={"threshold": {"value": "1"}, "data": {"uri": f"{SENTINEL_WORKSPACE}/data/a/versions/1"}},
    )
    before = copy.deepcopy(of)
    request = filled(of, {"threshold": "", "model": "azureml:churn:7"}, properties={"a": "b"})
    request.body["properties"]["inputs"]["data"]["uri"] = "changed"
    request.body["properties"]["inputs"]["model"]["mode"] = "changed"
    assert of == before


def test_the_url_is_quoted() -> None:
    """Each part of the id stays one part of the path."""
    odd = WORKSPACE.replace("/rg/", "/r g?x=1#(é)/")
    assert filled(template(), workspace=odd).url == (
        "/subscriptions/11111111-1111-1111-1111-111111111111/resourceGroups/r%20g%3Fx%3D1%23%28%C3%A9%29"
        "/providers/Microsoft.MachineLearningServices/workspaces/ws/jobs/job-1?api-version=2024-01-01-preview"
    )


@pytest.mark.parametrize(
    "overrides",
    [
        {"workspace": "/subscriptions/s/resourceGroups/r"},
        {"workspace": f"{WORKSPACE}/jobs/x"},
        {"workspace": WORKSPACE.replace("/rg/", "/../")},
        {"name": "a/../b"},
        {"name": ""},
        {"name": "-a"},
        {"name": "a" * 256},
    ],
)
def test_what_would_lead_elsewhere_is_refused(overrides: dict[str, Any]) -> None:
    """A workspace that is no workspace's id, and a name that Azure ML does not take."""
    with pytest.raises(ConfigurationError, match=r"see the (app setting WORKSPACES|name of the reaction)"):
        filled(template(), **overrides)
