"""What in a job file works only from the folder it lies in, or means another thing tomorrow; told node by node."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

import yaml

from shared.yaml_document import did_you_mean

#: Job types that azure-ai-ml 1.35 loads from a file; without a type it takes a file for a command job.
JOB_TYPES = ("pipeline", "command", "sweep", "automl", "spark", "finetuning", "distillation")

REGISTER = "register the component (`az ml component create`) and write azureml:<name>:<version>"
PIN = "write the version: azureml:<name>:<version>"
BY_ID = (
    "write the full id azureml:/subscriptions/…/components/<name>/versions/<version>, "
    "or make it a step under `jobs` with component: azureml:<name>:<version>"
)
BY_MODEL_ID = "write the full id azureml:/subscriptions/…/models/<name>/versions/<version>, or leave out the path"
REGISTER_ENVIRONMENT = "register the environment (`az ml environment create`) and write azureml:<name>:<version>"
REGISTER_DATA = "register the data (`az ml data create`) and write azureml:<name>:<version>, or write a datastore URI"

REMOTE = re.compile(r"(azureml|https?|wasbs?|abfss?|adl):|\$\{\{")
LABELLED = re.compile(r"azureml:(?!//)[^@]+@[^@/]+|azureml:.*/labels/[^/]+")
SHORT = re.compile(r"azureml:[^/]")
UNVERSIONED = re.compile(r"azureml:[^/:@]+:?")
#: Types of literals, which a component declares and a job does not.
LITERALS = frozenset({"string", "number", "integer", "boolean"})
#: Free text and names of the team's own: nothing in them is a reference.
FREE = frozenset({"tags", "properties", "environment_variables", "outputs", "description", "command", "args", "conf"})

type _Problems = Iterator[tuple[yaml.Node, str]]


def problems(root: yaml.MappingNode, content: Mapping[str, Any]) -> _Problems:
    """Everything that can be seen in the text: where, and what with the remedy."""
    yield from _not_a_job(root, content)
    yield from _inputs(root, content)
    yield from _tied(root)


def _not_a_job(root: yaml.MappingNode, content: Mapping[str, Any]) -> _Problems:
    kind = content.get("type", "command")
    if kind not in JOB_TYPES:
        hint = did_you_mean(str(kind), JOB_TYPES) or f"; known: {', '.join(JOB_TYPES)}"
        yield child(root, "type") or root, f"not a job: `type` is none of a job{hint}"
    elif kind == "command" and not {"command", "component"} & set(content):
        yield root, "not a job: it has neither `type` nor `command`; a job file starts with `type: pipeline`"
    elif "jobs" in content and not isinstance(content["jobs"], dict):
        yield root, "`jobs` maps the name of each step to the step"
    elif kind == "pipeline" and not content.get("jobs") and not content.get("component"):
        yield root, "a pipeline needs steps under `jobs`, or a `component` by its full id"


def _inputs(root: yaml.MappingNode, content: Mapping[str, Any]) -> _Problems:
    """Values that are neither text, number, boolean nor a typed asset: a bare date, a list, a declaration."""
    node, inputs = child(root, "inputs"), content.get("inputs")
    for name, value in inputs.items() if isinstance(inputs, dict) else ():
        if value is None:
            yield child(node, name) or root, f'input {name} has no value; write "" for an optional literal'
        elif isinstance(value, dict) and ({"default", "optional"} & set(value) or value.get("type") in LITERALS):
            yield child(node, name) or root, f"input {name} is declared as in a component; a job gives the value"
        elif isinstance(value, dict) and value.get("type") == "triton_model" and SHORT.match(str(value.get("path"))):
            yield child(node, name) or root, f"input {name}: azure-ai-ml takes it for data; {BY_MODEL_ID}"
        elif not isinstance(value, str | bool | int | float | dict):
            yield child(node, name) or root, f"input {name} is no text, number or boolean; put it in quotes"


def _tied(node: yaml.Node, path: tuple[str, ...] = ()) -> _Problems:
    """What is tied to the folder, or to whatever version is the newest at the moment."""
    if isinstance(node, yaml.SequenceNode):
        for item in node.value:
            yield from _tied(item, (*path, "-"))
    if not isinstance(node, yaml.MappingNode):
        return
    for key_node, value in node.value:
        key = str(key_node.value)
        if key == "<<":  # what an anchor adds stands here
            yield from _tied(value, path)
            continue
        if path == ("jobs",):
            yield from _inline_step(key_node, value)
        if key in FREE and not (path and path[-1] == "jobs"):
            continue
        if isinstance(value, yaml.ScalarNode):
            if path[-1:] != ("inputs",):  # a scalar input is a literal, whatever it looks like
                yield from ((key_node, problem) for problem in _scalar(key, value.value, path))
        else:
            yield from ((key_node, problem) for problem in _inline(key, value, path))
            yield from _tied(value, (*path, key))


def _inline_step(name: yaml.Node, step: yaml.Node) -> _Problems:
    if not isinstance(step, yaml.MappingNode):
        yield name, "a step is a mapping with a `component`"
        return
    keys = {key.value for key, _ in step.value}
    kind = child(step, "type")
    if not keys & {"component", "trial", "<<"} and (kind is None or kind.value != "automl"):
        yield name, f"the step is written inline, which needs its files; {REGISTER}"


def _inline(key: str, value: yaml.Node, path: tuple[str, ...]) -> Iterator[str]:
    if not isinstance(value, yaml.MappingNode) or path[-1:] in {("inputs",), ("jobs",)}:
        return
    if key == "environment":
        yield f"the environment is written inline; {REGISTER_ENVIRONMENT}"
    if key == "component" or (key == "trial" and path):  # a sweep job's own trial may be inline
        yield f"the component is written inline; {REGISTER}"


def _scalar(key: str, value: str, path: tuple[str, ...]) -> Iterator[str]:
    if LABELLED.fullmatch(value):
        yield f"a label such as @latest is another version tomorrow; {PIN}"
    elif key in {"component", "trial", "environment", "path"} and UNVERSIONED.fullmatch(value):
        yield f"the version is missing; {PIN}"
    elif key == "component" and not path and not re.match(r"azureml:/(subscriptions|/registries)/", value):
        yield f"a pipeline's own component cannot be named in short; {BY_ID}"
    elif key in {"component", "trial"} and not value.startswith("azureml:"):
        yield f"the component is a file of this folder; {REGISTER}"
    elif key == "environment" and not value.startswith("azureml:"):
        yield f"the environment is a file of this folder; {REGISTER_ENVIRONMENT}"
    elif key == "code" and value and not value.startswith("azureml:/subscriptions/"):
        yield f"local code cannot be submitted with the job; {REGISTER}"
    elif key == "path" and value and not REMOTE.match(value):
        yield f"the path is one of this folder; {REGISTER_DATA}"
    elif key == "compute" and value in {"local", "azureml:local"}:
        yield "compute: local runs on the machine that submits; name a compute of the workspace, or leave it out"


def child(node: yaml.Node | None, key: str) -> yaml.Node | None:
    """Value node of *key*, or None."""
    pairs = node.value if isinstance(node, yaml.MappingNode) else ()
    return next((value for key_node, value in pairs if key_node.value == key), None)
