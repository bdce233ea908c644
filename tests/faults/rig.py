"""The rig: real worker processes under Microsoft's runtime, storage, an Azure, and somebody who restarts hosts.

Time runs SCALE times as fast for the host, the store's clock, the queue's delays and the stand-in alike: what a killed
host had in hand (hidden for ten minutes) comes back after five seconds.
"""

import contextlib
import os
from collections.abc import Callable
from http import HTTPStatus
from http.client import HTTPException  # noqa: TID251 - what the host's answers end with
from pathlib import Path
from threading import Event
from time import monotonic
from types import TracebackType
from typing import Self

from local.azure import Fault, StandIn, World
from local.azure.clock import now
from local.azure.messages import Request
from local.furniture import WORKSPACE, app_settings, furnish
from local.host.process import LocalHost
from tests.faults.control import Control, Terms
from tests.faults.deployment import deploy
from tests.faults.state import State
from tests.faults.wiring import SETTING

SCALE = 120.0
#: Where waiting is unavoidable, it ends here.
DEADLINE_SECONDS = 120.0
STEP = 0.05
#: How often the queue is asked while nothing else tells that something has happened, in seconds.
LOOK_SECONDS = 0.5


class Rig:
    """A context manager around one storage account, one stand-in and the hosts that a test starts.

    *folder* does not exist yet; *reactions* is the text of reactions.yaml. *app_storage* and *host_storage* are their
    ways to storage where these are not the test's: a proxy's. *stop_within* is the time that a host gives its runs.
    """

    def __init__(
        self,
        storage: str,
        folder: Path,
        *,
        reactions: str,
        world: World | None = None,
        run_seconds: float = 20.0,
        scale: float = SCALE,
        app_storage: str = "",
        host_storage: str = "",
    ) -> None:
        self.deployed = folder / "deployed"
        self.control = Control(folder / "control")
        self.azure = StandIn(scale=scale, world=world or World())
        self.workspace = self.azure.workspace(**WORKSPACE)
        self.unadmitted: list[str] = []
        self.hosts: list[LocalHost] = []
        self.kills = 0
        self.world = self.azure.world
        self._app = folder / "app"
        self.stop_within = 10.0
        self._storage = storage
        self._ways = {"StateStorage": app_storage or storage, "AzureWebJobsStateStorage": host_storage or storage}
        self._reactions, self._run_seconds, self._scale = reactions, run_seconds, scale
        self._stack = contextlib.ExitStack()

    def __enter__(self) -> Self:
        self.control.begin(
            Terms(origin=now().timestamp(), scale=self._scale, run_seconds=self._run_seconds, app=str(self.deployed))
        )
        deploy(self.deployed, self._app, self._reactions)
        with self._stack:
            self.state = State(self._storage, self._stack)
            self._stack.enter_context(self.azure)
            furnish(self.workspace)
            self.faults()
            self._stack = self._stack.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for host in self.hosts:
            host.kill()
        self._stack.close()

    def start(self, **settings: str) -> LocalHost:
        """Start a host; *settings* replace app settings."""
        environ = {**self._environment(), **settings}
        host = LocalHost(self._app, environ, time_scale=self._scale, stop_within=self.stop_within)
        self.hosts.append(host)
        host.start()
        return host

    @property
    def alive(self) -> list[LocalHost]:
        """The hosts that run."""
        return [host for host in self.hosts if host.pid is not None]

    def faults(self, *faults: Fault) -> None:
        """Let *faults* stand, and nothing else; every effect is looked up in the ledger as it happens."""
        self.azure.faults.clear()
        for fault in faults:
            self.azure.faults.add(fault)
        self.azure.faults.add(Fault(method="PUT", url="/jobs/", then=self._look_up, times=None))
        self.azure.faults.add(Fault(method="POST", url="/emails:send", then=self._look_up, times=None))

    def _look_up(self, request: Request) -> None:
        if not self.state.admits(request):
            self.unadmitted.append(f"{request.method} {request.path}")

    def settle(self, within: float = DEADLINE_SECONDS) -> None:
        """Wait until the queue is empty and nothing runs; start a host whenever there is none, as the platform does."""
        seen, looked = -1, 0.0

        def settled() -> bool:
            nonlocal seen, looked
            self._restart()
            size = self.control.size()
            if size == seen and monotonic() < looked + LOOK_SECONDS:
                return False
            seen, looked = size, monotonic()
            return self.state.waiting() == 0 and not any(_running(host) for host in self.alive)

        wait_until(settled, "the queue to be empty", within)

    def push(self, function: str, event: object) -> None:
        """Push *event* to *function* until it is taken, as Event Grid does."""

        def taken() -> bool:
            self._restart()
            try:
                return self.alive[0].post_event(function, event)[0] == HTTPStatus.ACCEPTED
            except (OSError, HTTPException, IndexError):  # the host died of it
                return False

        wait_until(taken, "a pushed event to be taken")

    def _restart(self) -> None:
        if not self.alive:
            self.kills += bool(self.hosts) and self.hosts[-1].wait(5) < 0
            self.start()

    def standing(self) -> list[LocalHost]:
        """Return the hosts that a stop order has stopped: not only told to, a signal takes its time."""
        kinds = os.WSTOPPED | os.WNOHANG | os.WNOWAIT
        return [host for host in self.alive if host.pid and os.waitid(os.P_PID, host.pid, kinds)]

    def delivered(self, since: int = 0) -> int:
        """Return how many deliveries began from line *since* of the trace on."""
        return sum(line.endswith(" delivered") for line in self.control.trace(since))

    def returned(self, since: int = 0, *, pid: int | None = None) -> int:
        """Return how many deliveries ended from line *since* of the trace on, in any process or in that of *pid*."""
        lines = [line.split() for line in self.control.trace(since)]
        return sum(line[1] == "returned" and pid in {None, int(line[0])} for line in lines)

    def worst_run(self) -> float:
        """Return how long the longest delivery took, in seconds."""
        lines = [line.split() for line in self.control.trace()]
        return max((float(line[2]) for line in lines if line[1] == "returned"), default=0.0)

    def _environment(self) -> dict[str, str]:
        """Return the app settings, as infrastructure sets them in Azure, but for where Azure is."""
        return {
            **app_settings(self.azure, self.workspace, self._storage),
            SETTING: str(self.control.folder),
            "MAIL_PER_MINUTE": "200",  # a storm's mails are counted one by one here
            "MAIL_PER_HOUR": "200",
            "INSTALLATION": "rig",
            "PYTHON_THREADPOOL_THREAD_COUNT": "8",
            **self._ways,  # the host looks at AzureWebJobsStateStorage first, the app does not
        }


def _running(host: LocalHost) -> int:
    try:
        return host.status().running
    except OSError:  # it died meanwhile
        return 1


def wait_until(check: Callable[[], object], what: str, within: float = DEADLINE_SECONDS) -> None:
    """Return when *check* holds; fail, saying *what* was waited for, when it does not in time."""
    pause = Event()
    ends = monotonic() + within
    while not check():
        assert monotonic() < ends, f"waited in vain: {what}"
        pause.wait(STEP)
