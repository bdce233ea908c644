"""What a job was made of, from its definition: inputs, versions of components and environments, the commit. Pure."""

import re
from collections.abc import Iterator, Mapping

from shared.notices import Change
from shared.redaction import REDACTED, redact_line
from shared.runs import Json, Run, part, text

#: Where azure-ai-ml and MLflow leave the commit of the folder that a job was submitted from.
COMMITS = ("mlflow.source.git.commit", "azureml.git.commit")
#: A registered version in a workspace or a registry, by its ARM id or asset id.
ASSET = re.compile(r".*/(?P<name>[^/]+)/versions/(?P<version>[^/]+)", re.DOTALL)
#: What a step or job names by id, and what a person calls it.
NAMED = {"componentId": "component", "environmentId": "environment", "codeId": "code", "computeId": "compute"}
#: A value is told up to this length.
LONGEST = 300
#: A value that is only handed on: the input of the pipeline is told itself.
BOUND = "${{"


def inputs_of(job: Json) -> Mapping[str, str]:
    """Return the inputs of a job: literals, and data and models by name and version where they are registered."""
    return {name: told for name, value in part(job, "inputs").items() if (told := _value(name, value))}


def pieces_of(job: Json, run: Run) -> Mapping[str, str]:
    """Return what a job was made of, by what a person calls each piece."""
    return dict(_pieces(job, run))


def changes(before: Mapping[str, str], after: Mapping[str, str]) -> tuple[Change, ...]:
    """Return the pieces that differ."""
    return tuple(
        Change(what=what, before=before.get(what, "none"), after=after.get(what, "none"))
        for what in dict.fromkeys([*after, *before])
        if before.get(what) != after.get(what)
    )


def _pieces(job: Json, run: Run) -> Iterator[tuple[str, str]]:
    if commit := next(filter(None, (run.properties.get(key) for key in COMMITS)), ""):
        yield "commit", commit
    for name, value in inputs_of(job).items():
        yield f"input {name}", value
    yield from _named(job, "")
    for step in part(job, "jobs"):
        told = part(part(job, "jobs"), step)
        yield from _named(told, f" of step {step}")
        for name, value in inputs_of(told).items():
            if BOUND not in value:
                yield f"input {name} of step {step}", value


def _named(told: Json, where: str) -> Iterator[tuple[str, str]]:
    for key, what in NAMED.items():
        if name := text(told, key):
            yield f"{what}{where}", _short(name)


def _value(name: str, told: object) -> str:
    """Return a literal, or what an input refers to; its name may say that it is a secret."""
    value = (told.get("uri") or told.get("value")) if isinstance(told, dict) else None
    if not isinstance(value, (str, int, float)):
        return ""
    shown = redact_line(f"{name}={_short(str(value))}", len(name) + LONGEST)
    return shown[len(name) + 1 :] if shown.startswith(f"{name}=") else REDACTED


def _short(reference: str) -> str:
    """Return `name:version` of what is registered, the last part of another ARM id, else the text itself."""
    if reference.startswith(("/subscriptions/", "azureml://")) and (asset := ASSET.fullmatch(reference)):
        return f"{asset['name']}:{asset['version']}"
    if reference.startswith("/subscriptions/"):
        return reference.rstrip("/").rpartition("/")[2]
    return reference if reference.startswith("azureml://") else reference.removeprefix("azureml:")
