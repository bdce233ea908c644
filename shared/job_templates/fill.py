"""Fills a job template: the one request that starts the job, equal to what azure-ai-ml itself would send."""

import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

import msgspec

from shared.errors import ConfigurationError
from shared.job_templates import SENTINEL_NAME, SENTINEL_WORKSPACE, JobTemplate
from shared.job_templates.inputs import JobInput, UnusableInputError, Value
from shared.settings import WORKSPACE_ID
from shared.yaml_document import did_you_mean

#: Job names that Azure ML accepts (ARM contract of workspaces/jobs).
JOB_NAME = re.compile(r"[a-zA-Z0-9][a-zA-Z0-9\-_]{0,254}")


class Request(msgspec.Struct, frozen=True, kw_only=True):
    """One request to Azure Resource Manager; *url* is path and query."""

    method: str
    url: str
    body: dict[str, Any]


def fill(
    template: JobTemplate,
    *,
    workspace: str,
    name: str,
    inputs: Mapping[str, Value],
    properties: Mapping[str, str],
) -> Request:
    """The request that starts the job *name* in *workspace* (an ARM id); *template* stays as it is.

    *inputs* override those of the file; *properties* are added to its properties and to its tags. Raises
    ConfigurationError for an unknown input, a missing one, a wrong workspace id or job name, and
    UnusableInputError for a value that the input cannot take.
    """
    _check(template, workspace, name, inputs)
    body = _located(template.body, workspace)
    details = body["properties"]
    if details.get("displayName") == SENTINEL_NAME:
        details["displayName"] = name
    for declared in template.inputs:
        if declared.name not in inputs:
            continue
        value = _sent(declared, inputs[declared.name], workspace, template)
        if value is None:
            details["inputs"].pop(declared.name, None)
        else:
            details.setdefault("inputs", {})[declared.name] = {**declared.entry, **value}
    for stamped in ("properties", "tags"):
        details[stamped] = {**(details.get(stamped) or {}), **properties}
    path = template.url.format(workspace=quote(workspace, safe="/"), name=quote(name, safe=""))
    return Request(method="PUT", url=f"{path}?api-version={template.api_version}", body=body)


def _check(template: JobTemplate, workspace: str, name: str, inputs: Mapping[str, Value]) -> None:
    problems = []
    if not WORKSPACE_ID.fullmatch(workspace) or {".", ".."} & set(workspace.split("/")):
        problems.append("the workspace is not named by an ARM id; see the app setting WORKSPACES")
    if not JOB_NAME.fullmatch(name):
        problems.append("the job's name must be of a-z, 0-9, - and _; see the name of the reaction")
    known = [declared.name for declared in template.inputs]
    for key in inputs:
        if key not in known:
            hint = did_you_mean(key, known) or f"; it has: {', '.join(known) or 'none'}"
            problems.append(f"{template.file}: there is no input {key!r}{hint}")
    problems += [
        f"{template.file}: input {declared.name} has no value in the file; give it one under `run: inputs:`"
        for declared in template.inputs
        if not declared.optional and declared.name not in inputs
    ]
    if problems:
        raise ConfigurationError(*problems)


def _located(node: Any, workspace: str) -> Any:  # noqa: ANN401 - any JSON
    """A copy of *node* in *workspace*: whole strings that are ids below the sentinel, nothing inside strings."""
    if isinstance(node, dict):
        return {key: _located(value, workspace) for key, value in node.items()}
    if isinstance(node, list):
        return [_located(item, workspace) for item in node]
    if isinstance(node, str) and (node == SENTINEL_WORKSPACE or node.startswith(f"{SENTINEL_WORKSPACE}/")):
        return workspace + node.removeprefix(SENTINEL_WORKSPACE)
    return node


def _sent(declared: JobInput, given: Value, workspace: str, template: JobTemplate) -> dict[str, str] | None:
    try:
        return declared.sent(given, workspace=workspace, droppable=template.job_type == "Pipeline")
    except UnusableInputError as error:
        raise UnusableInputError(f"{template.file}: {error.reason}") from None
