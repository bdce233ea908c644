"""Reads a folder's reactions as the app does, without its settings."""

import contextlib
from collections.abc import Mapping
from pathlib import Path

import handlers
from ops.problems import NOT_ALL, OpsError
from ops.terminal import silenced
from shared.errors import ConfigurationError
from shared.job_templates import load_template
from shared.job_templates.inputs import JobInput
from shared.reactions import Reactions
from shared.reactions.file import load
from shared.reactions.recipients import Addresses
from shared.telemetry import LOGGER
from shared.yaml_document import Document

REACTIONS_FILE = "reactions.yaml"
#: Stands for $OPS_EMAIL where no settings are at hand; `told_address` marks it. Nobody has an address there (RFC 2606).
PLACEHOLDER = "ops@example.com"


def read_rules(folder: Path, *, file: str = REACTIONS_FILE, addresses: Addresses | None = None) -> Reactions:
    """Read the rules of *folder*, checked against the job files they name, which are relative to it.

    *addresses* are what ``$OPS_EMAIL`` and the like stand for. Raises ConfigurationError with every problem.
    """
    try:
        text = (folder / file).read_text(encoding="utf-8")  # an absolute path stays as it is
    except FileNotFoundError:
        raise ConfigurationError(
            f"{file}: there is no such file; name the folder (--folder) and the file (--file)"
        ) from None
    except (OSError, UnicodeDecodeError) as error:
        remedy = "save it as UTF-8" if isinstance(error, UnicodeDecodeError) else "it must be a file you may read"
        raise ConfigurationError(f"{file}: cannot be read ({type(error).__name__}); {remedy}") from None

    def job_inputs(job: str) -> Mapping[str, JobInput]:
        return {declared.name: declared for declared in load_template(folder / job).inputs}

    with silenced(LOGGER.name):  # it warns of each job file that has to be compiled first
        return load(
            text,
            file=file,
            vocabularies=handlers.VOCABULARIES,
            addresses={"OPS_EMAIL": (PLACEHOLDER,)} if addresses is None else addresses,
            job_inputs=job_inputs,
        )


def rules_or_complaint(folder: Path, file: str, *, addresses: Addresses | None, name: str = "") -> Reactions:
    """As read_rules, for a command; *name* is what to call them. Raises OpsError with every problem."""
    try:
        return read_rules(folder, file=file, addresses=addresses)
    except ConfigurationError as error:
        remedy = "mend it; `python -m ops validate` finds what is wrong beside it"
        raise OpsError(f"{name or file} cannot be used", remedy, code=NOT_ALL, details=error.problems) from None


def jobs_named(file: Path) -> frozenset[str]:
    """Return the job files that a reactions file names, however broken it is otherwise."""
    runs = [rule.get("run") for rule in _raw(file)]
    jobs = [run.get("job") for run in runs if isinstance(run, dict)]
    return frozenset(job for job in jobs if isinstance(job, str) and job)


def names_in(file: Path) -> frozenset[str]:
    """Return the names of the reactions in a file, however broken it is otherwise."""
    return frozenset(name for rule in _raw(file) if isinstance(name := rule.get("name"), str))


def _raw(file: Path) -> list[dict[str, object]]:
    """Return the rules as they are written, those that can be read."""
    with contextlib.suppress(OSError, UnicodeDecodeError, ConfigurationError):
        rules = Document(file.read_text(encoding="utf-8"), file.name).content.get("reactions")
        return [rule for rule in rules if isinstance(rule, dict)] if isinstance(rules, list) else []
    return []


def told_address(address: str) -> str:
    """Return *address* as people read it: the placeholder by what it stands for."""
    return "$OPS_EMAIL" if address == PLACEHOLDER else address
