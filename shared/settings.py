"""The app settings, read once and typed. One error names everything that is missing or wrong."""

import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import time
from pathlib import Path

import msgspec

from shared.allowance import MOST
from shared.errors import ConfigurationError

WORKSPACE_ID = re.compile(
    r"/subscriptions/[^/]+/resourceGroups/[^/]+/providers/Microsoft\.MachineLearningServices/workspaces/[^/]+",
    re.IGNORECASE,
)
ADDRESS = re.compile(r"[^\s@<>,;]+@[^\s@<>,;]+\.[^\s@<>,;]+")
INSTALLATION = re.compile(r"[a-z0-9][a-z0-9-]{0,39}")
TIME_OF_DAY = re.compile(r"([01][0-9]|2[0-3]):[0-5][0-9]")
#: What Communication Services takes in a minute and in an hour on a domain that Azure manages.
MAIL_LIMITS = {"MAIL_PER_MINUTE": 5, "MAIL_PER_HOUR": 10}
SERVICES = ("queue", "table", "blob")


class StateStorage(msgspec.Struct, frozen=True, kw_only=True):
    """Where state lives: a connection string (Azurite), or one URI per service and a managed identity."""

    connection_string: str = ""
    queue_uri: str = ""
    table_uri: str = ""
    blob_uri: str = ""
    client_id: str = ""


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """What a deployment says about itself; the names are those of docs/settings.md in lower case."""

    workspaces: frozenset[str]  # ARM ids, casefolded
    ops_email: tuple[str, ...]
    mail_endpoint: str
    mail_sender: str
    installation: str
    reactions_file: Path
    client_id: str
    dry_run: bool
    mail_per_minute: int = 5
    mail_per_hour: int = 10
    mail_digest_at: time = time(6)
    outcome_topic: str = ""
    read_only: frozenset[str] = frozenset()  # ARM ids and names of workspaces, casefolded


def load(environ: Mapping[str, str], *, folder: Path) -> Settings:
    """Read the settings; relative paths are under *folder*. Raises ConfigurationError naming every problem."""
    problems: list[str] = []

    def required(name: str, meaning: str) -> str:
        value = environ.get(name, "").strip()
        if not value:
            problems.append(f"app setting {name} is missing: {meaning}")
        return value

    def several(name: str, meaning: str, shape: re.Pattern[str]) -> tuple[str, ...]:
        values = tuple(part.strip() for part in required(name, meaning).split(",") if part.strip())
        problems.extend(
            f"app setting {name}, entry {number} is not what it should be: {meaning}"
            for number, value in enumerate(values, start=1)
            if not shape.fullmatch(value)
        )
        return values

    workspaces = several("WORKSPACES", "ARM ids of the workspaces to react to, comma-separated", WORKSPACE_ID)
    ops_email = several("OPS_EMAIL", "mail address of the Ops alias, several comma-separated", ADDRESS)
    mail_endpoint = required("MAIL_ENDPOINT", "https://<resource>.communication.azure.com")
    if mail_endpoint and not mail_endpoint.startswith("https://"):
        problems.append("app setting MAIL_ENDPOINT must start with https://")
    mail_sender = required("MAIL_SENDER", "verified sender address of the Communication Services domain")
    installation = required("INSTALLATION", "a short name of this installation (a-z, 0-9, -); never change it")
    if installation and not INSTALLATION.fullmatch(installation):
        problems.append("app setting INSTALLATION must be 1 to 40 characters of a-z, 0-9 and -")
    dry_run = environ.get("DRY_RUN", "").strip().casefold()
    if dry_run not in {"", "true", "false"}:
        problems.append("app setting DRY_RUN must be true or false")
    allowed = [_number(environ, name, default, problems) for name, default in MAIL_LIMITS.items()]
    digest_at = environ.get("MAIL_DIGEST_AT", "").strip() or "06:00"
    if not TIME_OF_DAY.fullmatch(digest_at):
        problems.append("app setting MAIL_DIGEST_AT must be a time of day in UTC, such as 06:00")
    problems.extend(_about_outcomes(environ, workspaces))
    _storage(environ, problems)
    if problems:
        raise ConfigurationError(*problems)
    return Settings(
        workspaces=frozenset(workspace.casefold() for workspace in workspaces),
        ops_email=ops_email,
        mail_endpoint=mail_endpoint.rstrip("/"),
        mail_sender=mail_sender,
        installation=installation,
        reactions_file=folder / (environ.get("REACTIONS_FILE", "").strip() or "reactions.yaml"),
        client_id=environ.get("AZURE_CLIENT_ID", "").strip(),
        dry_run=dry_run == "true",
        mail_per_minute=allowed[0],
        mail_per_hour=allowed[1],
        mail_digest_at=time.fromisoformat(digest_at),
        outcome_topic=outcome_topic(environ),
        read_only=read_only(environ),
    )


def names_of(workspace: str) -> frozenset[str]:
    """Return what a workspace (its ARM id) may be called: the id and the name, casefolded."""
    told = workspace.casefold().rstrip("/")
    return frozenset({told, told.rpartition("/")[2]})


def outcome_topic(environ: Mapping[str, str]) -> str:
    """Read where others are told of outcomes; "" where they are not."""
    return environ.get("OUTCOME_TOPIC_ENDPOINT", "").strip()


def read_only(environ: Mapping[str, str]) -> frozenset[str]:
    """Read in which workspaces no tags are written: ids and names, casefolded."""
    words = environ.get("READ_ONLY_WORKSPACES", "").split(",")
    return frozenset(word.strip().casefold().rstrip("/") for word in words if word.strip())


def _about_outcomes(environ: Mapping[str, str], workspaces: Sequence[str]) -> Iterator[str]:
    """Say what is wrong with where outcomes are told. A slip of the pen would have tags written where none may be."""
    if (topic := outcome_topic(environ)) and not topic.startswith("https://"):
        yield "app setting OUTCOME_TOPIC_ENDPOINT must start with https://"
    if workspaces and not read_only(environ) <= frozenset[str]().union(*map(names_of, workspaces)):
        yield "app setting READ_ONLY_WORKSPACES has an entry that is none of WORKSPACES, by name or ARM id"


def _number(environ: Mapping[str, str], name: str, default: int, problems: list[str]) -> int:
    text = environ.get(name, "").strip() or str(default)
    if text.isascii() and text.isdecimal() and 1 <= int(text[:9]) <= MOST:
        return int(text)
    problems.append(f"app setting {name} must be a whole number of 1 to {MOST}")
    return default


def load_storage(environ: Mapping[str, str]) -> StateStorage:
    """Read where state lives, and nothing else: an event can wait while other settings are missing.

    Raises ConfigurationError.
    """
    problems: list[str] = []
    storage = _storage(environ, problems)
    if problems:
        raise ConfigurationError(*problems)
    return storage


def _storage(environ: Mapping[str, str], problems: list[str]) -> StateStorage:
    """StateStorage as the Functions triggers read it, so that triggers and code share the settings."""
    if connection_string := environ.get("StateStorage", "").strip():
        return StateStorage(connection_string=connection_string)
    uris = {service: environ.get(f"StateStorage__{service}ServiceUri", "").strip() for service in SERVICES}
    missing = [f"StateStorage__{service}ServiceUri" for service, uri in uris.items() if not uri]
    if missing:
        problems.append(f"app settings {', '.join(missing)} are missing (or StateStorage, a connection string)")
    return StateStorage(
        queue_uri=uris["queue"],
        table_uri=uris["table"],
        blob_uri=uris["blob"],
        client_id=environ.get("StateStorage__clientId", "").strip() or environ.get("AZURE_CLIENT_ID", "").strip(),
    )
