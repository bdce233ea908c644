"""An input that a job file declares: which values it can take, and how one is sent."""

import re
from collections.abc import Mapping
from typing import Any, Literal

import msgspec

from shared.errors import ReactorError
from shared.settings import WORKSPACE_ID

#: `azureml:<name>:<version>`, as a value of a model or data input.
SHORT = re.compile(r"azureml:([A-Za-z0-9][A-Za-z0-9._-]*):([A-Za-z0-9][A-Za-z0-9._-]*)")
REMOTE = re.compile(r"(?:azureml|https?|wasbs?|abfss?|adl)://.+", re.DOTALL)
ARM_ID = re.compile(rf"{WORKSPACE_ID.pattern}/(?:models|data)/[^/]+/versions/[^/]+", re.IGNORECASE)
MODELS = frozenset({"custom_model", "mlflow_model", "triton_model"})
#: What may take the place of a literal of the file. Whether a number has to be whole only the component knows.
LITERALS: Mapping[str, re.Pattern[str]] = {
    "number": re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?"),
    "boolean": re.compile(r"(?i:true|false)"),
}

type Value = str | bool | int | float | None
type Scalar = Literal["string", "number", "boolean"]


class UnusableInputError(ReactorError):
    """An input of the job has a value that Azure ML cannot take; *reason* says which and what would be right."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason=reason)
        self.reason = reason


class JobInput(msgspec.Struct, frozen=True, kw_only=True):
    """An input that the job file declares.

    *type* is the jobInputType (``literal``, ``mlflow_model``, ``uri_folder``, …), *scalar* what the file's own literal
    is; *optional* says whether the job can do without a value from the reaction; *entry* is what is sent beside the
    value (type and mode).
    """

    name: str
    type: str
    optional: bool
    entry: dict[str, Any]
    scalar: Scalar = "string"

    def refuses(self, text: str, *, of_model: bool = False) -> str:
        """Say why this input cannot take *text* (*of_model*: it names a registered model), "" where it can."""
        if self.type == "literal":
            allowed = LITERALS.get(self.scalar)
            wrong = allowed is not None and text != "" and not allowed.fullmatch(text)
            return f"input {self.name} is a {self.scalar} in the file; {text!r} is none" if wrong else ""
        if of_model and self.type not in MODELS:
            return f"input {self.name} is of type {self.type}; a model goes into one of {', '.join(sorted(MODELS))}"
        uri = text.removeprefix("azureml:") if text.startswith("azureml:/subscriptions/") else text
        if SHORT.fullmatch(text) or ARM_ID.fullmatch(uri) or REMOTE.fullmatch(uri):
            return ""
        return f"input {self.name} takes azureml:<name>:<version>, an ARM id or a URI; labels are not resolved"

    def sent(self, given: Value, *, workspace: str, droppable: bool) -> dict[str, str] | None:
        """Return what is sent for *given*; None when the input is dropped, as azure-ai-ml drops it from a pipeline.

        Raises UnusableInputError.
        """
        if given is None or given == "":
            if droppable and self.optional:
                return None
            if given is None or self.type != "literal":
                raise UnusableInputError(f"input {self.name} needs a value and was given none")
        text = str(given)
        if reason := self.refuses(text):
            raise UnusableInputError(reason)
        if self.type == "literal":
            return {"value": text}
        if short := SHORT.fullmatch(text):
            kind = "models" if self.type in MODELS else "data"
            return {"uri": f"{workspace}/{kind}/{short[1]}/versions/{short[2]}"}
        return {"uri": text.removeprefix("azureml:") if text.startswith("azureml:/subscriptions/") else text}


def scalar_of(value: object) -> Scalar:
    """Return what a literal of a job file is, by the rules of YAML."""
    match value:
        case bool():
            return "boolean"
        case int() | float():
            return "number"
        case {"value": inner}:
            return scalar_of(inner)
    return "string"
