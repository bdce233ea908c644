"""Inputs that a job file declares: what they take, what they refuse when reactions.yaml is read, and what is sent."""

from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from shared.job_templates import load_template
from shared.job_templates.inputs import LITERALS, MODELS, JobInput, Scalar, UnusableInputError, scalar_of
from tests.fakes.service import WORKSPACE
from tests.markdown import ROOT

DATA = ("uri_file", "uri_folder", "mltable")


def an_input(kind: str, scalar: Scalar = "string", *, optional: bool = True) -> JobInput:
    """Return an input of a type."""
    return JobInput(name="x", type=kind, optional=optional, entry={}, scalar=scalar)


@pytest.mark.parametrize(
    ("scalar", "text", "taken"),
    [
        ("string", "", True),
        ("string", "anything at all: [1]", True),
        ("string", "0.5", True),
        ("number", "0.5", True),
        ("number", "-3", True),
        ("number", "+.5", True),
        ("number", "1e-05", True),
        ("number", "2.", True),
        ("number", "", True),
        ("number", "high", False),
        ("number", "1,5", False),
        ("number", "0x10", False),
        ("number", "nan", False),
        ("number", "inf", False),
        ("number", "1\n", False),
        ("number", "True", False),
        ("boolean", "True", True),
        ("boolean", "false", True),
        ("boolean", "", True),
        ("boolean", "yes", False),
        ("boolean", "1", False),
        ("boolean", "true ", False),
    ],
)
def test_a_literal_stays_what_it_is_in_the_file(scalar: Scalar, text: str, *, taken: bool) -> None:
    """A number takes numbers, a boolean booleans, text takes anything; the refusal names the input and the value."""
    told = an_input("literal", scalar).refuses(text)
    assert told == ("" if taken else f"input x is a {scalar} in the file; {text!r} is none")


@pytest.mark.parametrize("kind", [*sorted(MODELS), *DATA])
@pytest.mark.parametrize(
    ("text", "taken"),
    [
        ("azureml:churn:7", True),
        (f"{WORKSPACE}/models/churn/versions/7", True),
        (f"azureml:{WORKSPACE}/data/churn/versions/7", True),
        ("azureml://datastores/blob/paths/x", True),
        ("https://a.blob.core.windows.net/b", True),
        ("churn:7", False),
        ("azureml:churn@latest", False),
        ("./churn", False),
        ("0.5", False),
        ("", False),
    ],
)
def test_an_asset_is_named_by_version_id_or_uri(kind: str, text: str, *, taken: bool) -> None:
    """Of models and data alike; what is refused is not repeated, since it may come from an event."""
    told = an_input(kind).refuses(text)
    assert (told == "") == taken
    assert text == "" or text not in told.replace("azureml:<name>:<version>", "")


@pytest.mark.parametrize("kind", [*sorted(MODELS), *DATA, "literal"])
def test_a_model_goes_into_an_input_of_a_model_type(kind: str) -> None:
    """Or into a text; a data input would look for data of that name."""
    told = an_input(kind).refuses("azureml:churn:7", of_model=True)
    assert (told == "") == (kind in MODELS or kind == "literal")
    assert told == "" or all(model in told for model in MODELS)


@pytest.mark.parametrize(
    ("text", "scalar"),
    [
        ("0.8", "number"),
        ("3", "number"),
        ("1e-5", "string"),  # to the YAML of azure-ai-ml, which is that of a job file
        ("1.0e-5", "number"),
        ("true", "boolean"),
        ("yes", "boolean"),
        ("'0.8'", "string"),
        ("''", "string"),
        ("fast", "string"),
        ("{ value: 3 }", "number"),
        ("{ type: uri_folder, path: 'azureml:a:1' }", "string"),
    ],
)
def test_a_literal_is_what_the_job_files_yaml_makes_of_it(text: str, scalar: Scalar) -> None:
    """By the rules that azure-ai-ml reads a job file with."""
    assert scalar_of(yaml.safe_load(text)) == scalar


@given(st.integers() | st.floats(allow_nan=False, allow_infinity=False))
def test_every_number_of_yaml_is_taken_for_one(number: float) -> None:
    """As text, in the form that azure-ai-ml sends."""
    assert an_input("literal", "number").refuses(str(number)) == ""
    assert an_input("literal", "number").sent(number, workspace=WORKSPACE, droppable=True) == {"value": str(number)}


@given(
    st.sampled_from(["literal", *sorted(MODELS), *DATA]),
    st.sampled_from(["string", *LITERALS]),
    st.text(max_size=20) | st.from_regex(r"azureml:[a-z]{1,5}:[0-9]", fullmatch=True),
)
def test_what_is_refused_is_not_sent(kind: str, scalar: Scalar, text: str) -> None:
    """And nothing else is refused: the check at load and the one at run time are the same."""
    declared = an_input(kind, scalar)
    if text == "":
        assert declared.sent(text, workspace=WORKSPACE, droppable=True) is None
    elif declared.refuses(text):
        with pytest.raises(UnusableInputError) as error:
            declared.sent(text, workspace=WORKSPACE, droppable=True)
        assert error.value.reason == declared.refuses(text)
    else:
        assert declared.sent(text, workspace=WORKSPACE, droppable=True)


@pytest.mark.parametrize(
    ("job", "name", "kind", "scalar"),
    [
        ("offline-test", "model", "mlflow_model", "string"),
        ("offline-test", "test_data", "uri_folder", "string"),
        ("offline-test", "minimum_auc", "literal", "number"),
        ("retrain", "drift_monitor", "literal", "string"),
        ("retrain", "model_name", "literal", "string"),
    ],
)
def test_the_job_files_we_ship(job: str, name: str, kind: str, scalar: Scalar) -> None:
    """What their compiled files say of an input."""
    inputs: dict[str, Any] = {one.name: one for one in load_template(ROOT / f"pipelines/{job}.yml").inputs}
    assert (inputs[name].type, inputs[name].scalar) == (kind, scalar)
