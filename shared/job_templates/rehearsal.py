"""Compiles a job file: azure-ai-ml's own public call, against a transport that records instead of sending.

The only importer of azure-ai-ml. Nothing is sent, no folder is read, the working directory stays as it is.
"""

import contextlib
import json
import logging
import threading
from collections.abc import Iterator, Mapping
from importlib.metadata import version
from io import StringIO
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

from shared.errors import ConfigurationError
from shared.job_templates import SENTINEL_NAME, SENTINEL_WORKSPACE, URL, JobTemplate, file_rules, files
from shared.job_templates.inputs import JobInput, scalar_of
from shared.job_templates.recording import NobodysCredential, Recorder
from shared.job_templates.verdict import refusals

#: Version that takes the place of what a reaction fills in.
SENTINEL_ASSET = "azureml:rehearsed:1"
SENTINEL_LITERAL = "rehearsed"
#: What azure-ai-ml adds when the working directory is a git checkout: it says nothing about the job file.
GIT = ("mlflow.source.git.", "azureml.git.")

#: What a request beyond the job's own means, by the kind of resource asked for.
MEANINGS: Mapping[str, str] = {
    "codes": f"it needs local code; {file_rules.REGISTER}",
    "components": f"a component is not registered; {file_rules.REGISTER}",
    "environments": f"an environment is not registered; {file_rules.REGISTER_ENVIRONMENT}",
    "datastores": f"it needs local files; {file_rules.REGISTER_DATA}",
    "data": f"data are not named by version; {file_rules.PIN}",
    "models": f"a model is not named by version; {file_rules.PIN}",
}

_one_at_a_time = threading.Lock()


def compile_job(path: Path) -> JobTemplate:
    """The template of the job file at *path*.

    Raises ConfigurationError naming file, line, what is wrong and the remedy, when the file cannot be read, is no
    job, or is a job that needs anything but one PUT: local code, a label, a look-up.
    """
    return rehearse(files.parse(path, *files.read(path)))


def rehearse(job: files.JobFile) -> JobTemplate:
    """As compile_job, of a file that has been read."""
    overrides = dict(_overrides(job))
    recorder = Recorder(SENTINEL_WORKSPACE)
    with _one_at_a_time, _quiet():
        given, error = _submit(job, overrides, recorder)
    request = _the_job(job, recorder.requests, error)
    url = urlsplit(request.url)
    body = json.loads(request.content)
    details = body["properties"]
    _without_git(details.get("properties") or {}, given)
    entries = details.get("inputs") or {}
    inputs = tuple(_input(name, entry, overrides, job.inputs.get(name)) for name, entry in sorted(entries.items()))
    for declared in inputs:
        if any(f"inputs.{declared.name}{part}" in overrides for part in ("", ".path", ".value")):
            del entries[declared.name]
    _check_sentinels(job, body)
    return JobTemplate(
        file=job.label,
        sdk=f"azure-ai-ml {version('azure-ai-ml')}",
        sha256=job.sha256,
        job_type=details["jobType"],
        api_version=parse_qs(url.query)["api-version"][0],
        url=URL,
        inputs=inputs,
        body=body,
    )


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Keep azure-ai-ml from logging that classes are experimental, and that a recorded request "failed"."""
    import azure.ai.ml  # noqa: PLC0415 - a second and 60 MB; it sets its loggers' levels when it is imported

    logger = logging.getLogger(azure.ai.ml.__name__)
    level = logger.level
    logger.setLevel(logging.CRITICAL)
    try:
        yield
    finally:
        logger.setLevel(level)


def _overrides(job: files.JobFile) -> Iterator[tuple[str, str]]:
    """What is put into the file: the name, values for inputs that have none, and an experiment.

    Without an experiment azure-ai-ml takes the name of the working directory, which says nothing; the file's does.
    """
    yield "name", SENTINEL_NAME
    if not job.content.get("experiment_name"):
        yield "experiment_name", Path(job.label).stem
    pipeline = job.content.get("type") == "pipeline"
    for name, value in job.inputs.items():
        if isinstance(value, dict) and "value" not in value and not value.get("path"):
            yield f"inputs.{name}.path", SENTINEL_ASSET
        elif pipeline and value == "":
            yield f"inputs.{name}", SENTINEL_LITERAL
        elif pipeline and isinstance(value, dict) and value.get("value") == "":
            yield f"inputs.{name}.value", SENTINEL_LITERAL


def _submit(
    job: files.JobFile, overrides: Mapping[str, str], recorder: Recorder
) -> tuple[frozenset[str], Exception | None]:
    """Run the public call. Returns the names of the file's own properties, and how the call ended."""
    from azure.ai.ml import MLClient, load_job  # noqa: PLC0415 - a second and 60 MB

    _, _, subscription, _, group, *_, workspace = SENTINEL_WORKSPACE.split("/")
    client = MLClient(
        NobodysCredential(),
        subscription,
        group,
        workspace,
        show_progress=False,
        enable_telemetry=False,
        retry_total=0,
        transport=recorder,
    )
    given: frozenset[str] = frozenset()
    try:
        # As a stream with an origin that does not exist: whatever lies in the folder cannot get in.
        origin = Path("/rehearsal-outside-any-folder") / Path(job.label).name
        loaded = load_job(
            StringIO(job.text),
            relative_origin=str(origin),
            params_override=[{key: value} for key, value in overrides.items()],
        )
        given = frozenset(loaded.properties or {})
        client.jobs.create_or_update(loaded, skip_validation=True)
    except Exception as error:  # noqa: BLE001 - azure-ai-ml raises marshmallow's, its own and built-in errors
        return given, error
    return given, None


def _the_job(job: files.JobFile, requests: list[Any], error: Exception | None) -> Any:  # noqa: ANN401 - as above
    """The one PUT of the job; raises ConfigurationError for anything else."""
    if not requests:
        raise ConfigurationError(*refusals(job, error))
    url = urlsplit(requests[0].url)
    if len(requests) == 1 and requests[0].method == "PUT" and url.path == f"{SENTINEL_WORKSPACE}/jobs/{SENTINEL_NAME}":
        return requests[0]
    kind = url.path.removeprefix(f"{SENTINEL_WORKSPACE}/").split("/")[0]
    why = MEANINGS.get(kind, "it has to be looked up; name everything by azureml:<name>:<version>")
    raise ConfigurationError(job.refuse(f"the job is more than one request (it asks for {kind!r}): {why}"))


def _without_git(properties: dict[str, str], given: frozenset[str]) -> None:
    for name in [name for name in properties if name.startswith(GIT) and name not in given]:
        del properties[name]


def _input(name: str, entry: dict[str, Any], overrides: Mapping[str, str], value: object) -> JobInput:
    beside = {key: value for key, value in entry.items() if key not in {"value", "uri"}}
    return JobInput(
        name=name,
        type=entry["jobInputType"],
        optional=f"inputs.{name}.path" not in overrides,
        entry=beside,
        scalar=scalar_of(value),
    )


def _check_sentinels(job: files.JobFile, body: dict[str, Any]) -> None:
    """A sentinel is replaced only where it is a whole id or the display name; anywhere else it would be sent."""
    found = dict(body["properties"])
    if found.get("displayName") == SENTINEL_NAME:
        del found["displayName"]
    rest = json.dumps(found).replace(f'"{SENTINEL_WORKSPACE}/', '"')
    sentinels = (SENTINEL_WORKSPACE, SENTINEL_NAME, SENTINEL_ASSET, "/rehearsal-outside")
    if any(sentinel.casefold() in rest.casefold() for sentinel in sentinels):
        raise ConfigurationError(
            job.refuse("azure-ai-ml writes the workspace or the job's name into a text; name assets by version instead")
        )
