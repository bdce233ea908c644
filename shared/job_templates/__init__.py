"""A compiled job file: what azure-ai-ml makes of it, kept as a template and filled without azure-ai-ml.

Every submission goes this way; tests/contract/test_job_templates.py shows that the request is the SDK's own.
"""

import json
import logging
import threading
from pathlib import Path
from typing import Any

import msgspec

from shared.errors import ConfigurationError
from shared.job_templates import files
from shared.job_templates.inputs import JobInput
from shared.telemetry import emit

#: Stands for the workspace in a template: an ARM id that nobody has.
SENTINEL_WORKSPACE = (
    "/subscriptions/00000000-0000-0000-0000-000000000000/resourceGroups/rehearsal"
    "/providers/Microsoft.MachineLearningServices/workspaces/rehearsal"
)
#: Stands for the job's name; azure-ai-ml uses the name as display name where the file has none.
SENTINEL_NAME = "rehearsed-job"
URL = "{workspace}/jobs/{name}"


class JobTemplate(msgspec.Struct, frozen=True, kw_only=True):
    """What azure-ai-ml sends for a job file, with sentinels for the workspace and the job's name.

    *sdk* made it from the file with this *sha256*; *url* is a path with ``{workspace}`` and ``{name}``.
    """

    file: str
    sdk: str
    sha256: str
    job_type: str
    api_version: str
    url: str
    inputs: tuple[JobInput, ...]
    body: dict[str, Any]


def encode(template: JobTemplate) -> bytes:
    """The template as the bytes of its file: sorted keys, so that the same job file always gives the same bytes."""
    text = json.dumps(msgspec.to_builtins(template), indent=2, sort_keys=True, ensure_ascii=False)
    return f"{text}\n".encode()


def compiled_path(job_file: Path) -> Path:
    """Where the template of *job_file* is kept."""
    return job_file.parent / "compiled" / f"{job_file.stem}.json"


_lock = threading.Lock()
_loaded: dict[tuple[Path, str], JobTemplate | tuple[str, ...]] = {}


def load_template(job_file: Path) -> JobTemplate:
    """The template of *job_file*: the compiled one where it is fresh, else compiled here and now, with a warning.

    Both once per process and content of the file, whatever the outcome. Raises ConfigurationError with every
    problem of the file.
    """
    raw, sha256 = files.read(job_file)
    key = (job_file, sha256)
    found = _loaded.get(key)
    if found is None:
        with _lock:
            found = _loaded.get(key)
            if found is None:
                found = _loaded[key] = _fresh(job_file, sha256) or _compile(job_file, raw, sha256)
    if isinstance(found, JobTemplate):
        return found
    raise ConfigurationError(*found)


def _fresh(job_file: Path, sha256: str) -> JobTemplate | None:
    """The compiled template, if it was made from this very content."""
    try:
        template = msgspec.json.decode(compiled_path(job_file).read_bytes(), type=JobTemplate)
    except (OSError, msgspec.MsgspecError, UnicodeDecodeError):
        return None
    return template if template.sha256 == sha256 else None


def _compile(job_file: Path, raw: bytes, sha256: str) -> JobTemplate | tuple[str, ...]:
    from shared.job_templates.rehearsal import rehearse  # noqa: PLC0415 - leads to azure-ai-ml: a second and 60 MB

    emit("job_file.compiled_in_process", {"file": files.label(job_file)}, level=logging.WARNING)
    try:
        return rehearse(files.parse(job_file, raw, sha256))
    except ConfigurationError as error:
        return error.problems
