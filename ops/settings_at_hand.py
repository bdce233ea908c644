"""The service's settings as far as they are at hand: in the environment, or in a file."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import msgspec

from ops.problems import usage
from ops.rules import REACTIONS_FILE

#: Those that only the service has; an operator's environment may hold the others for other reasons.
SERVICE = ("WORKSPACES", "OPS_EMAIL", "MAIL_ENDPOINT", "MAIL_SENDER", "INSTALLATION")
FORM = 'a JSON object such as a local.settings.json: {"Values": {"WORKSPACES": "…", …}}'


@dataclass(frozen=True, slots=True, kw_only=True)
class AtHand:
    """The settings, and *source*: where they are from, "" when there are none of the service's."""

    values: Mapping[str, str]
    source: str

    @property
    def addresses(self) -> Mapping[str, tuple[str, ...]] | None:
        """What ``$OPS_EMAIL`` stands for, None where nobody said so."""
        found = self._several("OPS_EMAIL")
        return {"OPS_EMAIL": found} if found else None

    @property
    def workspaces(self) -> frozenset[str]:
        """ARM ids of the workspaces reacted to, casefolded; empty where nobody said so."""
        return frozenset(workspace.casefold() for workspace in self._several("WORKSPACES"))

    @property
    def installation(self) -> str:
        """Name of the installation, "" where nobody said so."""
        return self.values.get("INSTALLATION", "").strip()

    def reactions_file(self, file: str | None) -> str:
        """Return the name of the reactions file: *file*, else the setting, else the default."""
        return file or self.values.get("REACTIONS_FILE", "").strip() or REACTIONS_FILE

    def _several(self, name: str) -> tuple[str, ...]:
        return tuple(part.strip() for part in self.values.get(name, "").split(",") if part.strip())


def at_hand(
    file: Path | None,
    environ: Mapping[str, str] = os.environ,  # noqa: TID251 - the edge
) -> AtHand:
    """Read the settings of *file*, or else of the environment. Raises OpsError."""
    if file is not None:
        return AtHand(values=_read(file), source=file.name)
    return AtHand(values=environ, source="the environment" if any(environ.get(name) for name in SERVICE) else "")


def _read(file: Path) -> Mapping[str, str]:
    try:
        told = msgspec.json.decode(file.read_bytes().removeprefix(b"\xef\xbb\xbf"))
    except OSError as error:
        raise usage(f"{file}: cannot be read ({type(error).__name__})", f"--settings takes {FORM}") from None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise usage(f"{file}: not JSON", f"--settings takes {FORM}") from None
    if isinstance(told, dict) and told.get("IsEncrypted") is True:
        raise usage(f"{file}: its values are encrypted", "decrypt them with `func settings decrypt`")
    try:
        if isinstance(told, list):  # as `az functionapp config appsettings list` tells them
            return {one["name"]: one["value"] for one in msgspec.convert(told, list[dict[str, object]])}  # type: ignore[misc] # checked below
        values = told.get("Values") if isinstance(told, dict) else None
        return msgspec.convert(values, dict[str, str])
    except (msgspec.ValidationError, KeyError):
        raise usage(f"{file}: no settings in it, or a value that is no text", f"--settings takes {FORM}") from None
