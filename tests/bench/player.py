"""A contestant's process: started, given orders, and asked what they cost."""

import json
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from time import monotonic
from types import TracebackType
from typing import Any, Self

import msgspec

from tests.bench.worker import Order

ROOT = Path(__file__).parents[2]
#: What contestants log, in the folder they work in.
LOG = "contestants.log"


class BenchError(Exception):
    """A contestant did not do what it was asked to."""


class Ready(msgspec.Struct, frozen=True, kw_only=True):
    """When a process came how far (monotonic seconds), how many modules it had then, and its memory in bytes."""

    began: float
    runtime: float
    indexed: float
    modules: int
    memory: int


class Sent(msgspec.Struct, frozen=True, kw_only=True):
    """A request: the port it went to, and all its bytes."""

    port: int
    bytes: bytes


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """What an order cost: when each invocation began, how long it took, CPU seconds of all, bytes of memory after.

    *azure_ai_ml*: whether that package is imported by then.
    """

    began: list[float]
    seconds: list[float]
    cpu: float
    memory: int
    failed: list[str]
    sent: list[Sent]
    azure_ai_ml: bool


@dataclass(frozen=True, slots=True)
class Contestant:
    """An app in *folder* with its whole environment."""

    name: str
    folder: Path
    environment: Mapping[str, str]


class Player:
    """A context manager: the contestant's worker process inside it, ended with it.

    Its working directory is *place*, no git repository: azure-ai-ml asks git about one at each job.
    """

    def __init__(self, contestant: Contestant, place: Path, **more: str) -> None:
        self._contestant, self._place = contestant, place
        self._environment = {**contestant.environment, "PYTHONPATH": str(ROOT), "PYTHONDONTWRITEBYTECODE": "1", **more}

    def __enter__(self) -> Self:
        self.started = monotonic()
        with (self._place / LOG).open("ab") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "tests.bench.worker", str(self._contestant.folder)],
                cwd=self._place,
                env=self._environment,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
            )
        self.ready = self._read(Ready)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._process.kill()  # nothing is left to be said: a poller that waits would keep it for half a minute
        self._process.wait()
        for stream in (self._process.stdin, self._process.stdout):
            if stream is not None:
                stream.close()

    def invoke(self, function: str, bodies: Sequence[str]) -> Report:
        """Invoke *function* once for each of *bodies*. Raises BenchError when one failed."""
        self.ask(function, bodies)
        return self.answer()

    def ask(self, function: str, bodies: Sequence[str]) -> None:
        """Begin to invoke, without waiting."""
        self._write(Order(function=function, bodies=list(bodies)))

    def answer(self) -> Report:
        """Wait for what was asked. Raises BenchError when an invocation failed."""
        report = self._read(Report)
        if report.failed:
            raise BenchError(f"{self._contestant.name} failed: {report.failed[0]}")
        return report

    def count(self) -> None:
        """Have it keep its requests from now on: the next reports have them."""
        self._write("count")
        self._line()

    def _write(self, order: Any) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(order) + "\n")
        self._process.stdin.flush()

    def _read[T](self, kind: type[T]) -> T:
        return msgspec.json.decode(self._line(), type=kind)

    def _line(self) -> str:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            log = (self._place / LOG).read_text(errors="replace")[-4000:]
            raise BenchError(f"{self._contestant.name} ended:\n{log}")
        return line
