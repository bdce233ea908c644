"""The shipped app in a process that counts, between Azurite and the stand-in for Azure: what one event takes."""

import json
import os
import subprocess
import sys
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from local.azure import StandIn
from local.furniture import WORKSPACE, furnish
from local.twin import ROOT
from shared.switches import SWITCHES

MAIL = "acs-budgets.europe.communication.azure.com"


@dataclass(frozen=True, slots=True, kw_only=True)
class Taken:
    """What one invocation took: requests by service, new connections, the bytes of the largest request.

    *switches* are the requests to storage that read the pause switches, once in 30 s: *storage* are all others.
    """

    storage: int
    switches: int
    azure_ml: int
    reads: int
    mail: int
    identity: int
    connections: tuple[str, ...]
    most_bytes: int
    calls: int
    modules: tuple[str, ...]


class Counting:
    """A context manager: `take` has the app handle an event, and counts; *modules* are those imported at index."""

    def __init__(self, storage: str, reactions: Path) -> None:
        self.azure = StandIn(scale=600.0)
        self.workspace = self.azure.workspace(**WORKSPACE)
        self._storage, self._reactions = storage, reactions
        self._process: subprocess.Popen[str] | None = None
        self.modules: tuple[str, ...] = ()

    def __enter__(self) -> Self:
        self.azure.__enter__()
        furnish(self.workspace)
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.runtime.budget_probe", str(ROOT)],
            cwd=ROOT,
            env=self._environment(),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        self.modules = tuple(self._answer()["modules"])
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._process is not None:
            self._process.communicate(timeout=20)  # it ends with its standard input
        self.azure.__exit__(kind, error, trace)

    def take(self, event: dict[str, Any], *, function: str = "react", profile: bool = False) -> Taken:
        """Have *function* handle an event."""
        assert self._process is not None
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps({"function": function, "event": event, "profile": profile}) + "\n")
        self._process.stdin.flush()
        told = self._answer()
        assert told["succeeded"], told["message"]
        requests = told["requests"]
        switches = sum(SWITCHES in one["path"] for one in requests)
        asked = Counter((self._service(one["host"]), one["method"]) for one in requests)
        services = Counter(self._service(one["host"]) for one in requests)
        return Taken(
            storage=services["storage"] - switches,
            switches=switches,
            azure_ml=asked["azure ml", "PUT"],
            reads=services["azure ml"] - asked["azure ml", "PUT"],
            mail=services["mail"],
            identity=services["identity"],
            connections=tuple(told["connections"]),
            most_bytes=max((one["bytes"] for one in requests), default=0),
            calls=told["calls"],
            modules=tuple(told["modules"]),
        )

    def _service(self, host: str) -> str:
        if host == f"127.0.0.1:{self.azure.port}":
            return "identity"
        if host.startswith("127.0.0.1:"):
            return "storage"
        return "mail" if host == MAIL else "azure ml"

    def _answer(self) -> dict[str, Any]:
        assert self._process is not None
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        assert line, "the worker ended"
        told: dict[str, Any] = json.loads(line)
        return told

    def _environment(self) -> dict[str, str]:
        kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}  # noqa: TID251 - for a child process
        return {
            **kept,
            **self.azure.environment,
            "PYTHONHASHSEED": "0",  # the same calls each time
            "WORKSPACES": self.workspace.id,
            "OPS_EMAIL": "ops@example.com",
            "MAIL_ENDPOINT": f"https://{MAIL}",
            "MAIL_SENDER": "reactor@example.com",
            "MAIL_PER_MINUTE": "200",
            "MAIL_PER_HOUR": "200",
            "INSTALLATION": "budgets",
            "REACTIONS_FILE": str(self._reactions),
            "StateStorage": self._storage,
        }
