"""How a test rules what happens inside the app's processes: a folder that both sides read and write.

The test puts *orders* there (die at this point), the app carries them out in turn, each once in all its processes,
and writes down every point it reaches.
"""

import os
import signal
from collections.abc import Callable, Mapping
from pathlib import Path
from threading import Event, Lock
from typing import Literal

import msgspec

ANY = "*"


class Order(msgspec.Struct, frozen=True, kw_only=True):
    """What to do at the *occurrence*-th time that *point* (ANY: whichever) is reached since the order before it.

    *linger*: SIGTERM, and then *seconds* more in the run.
    """

    do: Literal["kill", "stop", "terminate", "linger"]
    point: str = ANY
    occurrence: int = 1
    seconds: float = 0.0


class Terms(msgspec.Struct, frozen=True, kw_only=True):
    """What the app's processes are told once: *origin* (POSIX time) and *scale* of the store's clock, and a run's time.

    *app* is the folder that stands for the deployed one.
    """

    origin: float
    scale: float
    run_seconds: float
    app: str


class Control:
    """The folder. The test's side: `arm`, `disarm`, `used`, `trace`; the app's side: `reach`, `note`."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._lock = Lock()
        self._seen = 0
        self._counted = ""

    def begin(self, terms: Terms) -> None:
        """Make the folder with its *terms*."""
        self.folder.mkdir(parents=True)
        (self.folder / "terms.json").write_bytes(msgspec.json.encode(terms))
        (self.folder / "trace").touch()

    def terms(self) -> Terms:
        """Return what `begin` was given."""
        return msgspec.json.decode((self.folder / "terms.json").read_bytes(), type=Terms)

    def arm(self, *orders: Order) -> None:
        """Put *orders* after those there are; a name says when it is its turn."""
        first = len(list(self.folder.glob("order-*")))
        for number, order in enumerate(orders, first):
            file = self.folder / f"order-{number:05}"
            file.with_suffix(".new").write_bytes(msgspec.json.encode(order))
            file.with_suffix(".new").rename(file.with_suffix(".armed"))

    def disarm(self) -> int:
        """Take back the orders that were not carried out, and return how many."""
        left = sorted(self.folder.glob("order-*.armed"))
        for file in left:
            file.rename(file.with_suffix(".disarmed"))
        return len(left)

    def used(self) -> list[str]:
        """Return the points at which orders were carried out, in turn."""
        return [file.read_text() for file in sorted(self.folder.glob("order-*.done"))]

    def trace(self, since: int = 0) -> list[str]:
        """Return what was written down, from line *since* on; each line is ``pid text``."""
        return (self.folder / "trace").read_text().splitlines()[since:]

    def size(self) -> int:
        """Return how much was written down: it grows whenever anything happens."""
        return (self.folder / "trace").stat().st_size

    def note(self, text: str) -> None:
        """Write a line down; one write, so that processes do not mix theirs."""
        with (self.folder / "trace").open("ab", buffering=0) as file:
            file.write(f"{os.getpid()} {text}\n".encode())

    def reach(self, point: str) -> None:
        """Write *point* down, and carry out the order that is due here."""
        self.note(point)
        armed = min(self.folder.glob("order-*.armed"), default=None)
        if armed is None:
            return
        order = msgspec.json.decode(armed.read_bytes(), type=Order)
        if order.point not in {ANY, point}:
            return
        with self._lock:
            self._seen = self._seen + 1 if self._counted == armed.name else 1
            self._counted = armed.name
            if self._seen != order.occurrence:
                return
        done = armed.with_suffix(".done")
        armed.rename(done)
        done.write_text(point)
        ACTS[order.do](order)


def _kill(_order: Order) -> None:
    os.kill(os.getpid(), signal.SIGKILL)
    Event().wait()


def _stop(_order: Order) -> None:
    os.kill(os.getpid(), signal.SIGSTOP)


def _terminate(_order: Order) -> None:
    os.kill(os.getpid(), signal.SIGTERM)


def _linger(order: Order) -> None:
    os.kill(os.getpid(), signal.SIGTERM)
    Event().wait(order.seconds)


ACTS: Mapping[str, Callable[[Order], None]] = {
    "kill": _kill,
    "stop": _stop,
    "terminate": _terminate,
    "linger": _linger,
}
