"""One event after another on a rig, each under its orders, and each held to what it must cause."""

import contextlib
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.faults.accounts import Accounts
from tests.faults.control import Order
from tests.faults.figures import Figures
from tests.faults.proxy import Proxy
from tests.faults.rig import Rig
from tests.faults.scenarios import REACTIONS, Scenario

#: For each kill: of the message in hand, and of the copy that it may just have put back.
REDELIVERIES = 2


@dataclass
class Chain:
    """One rig after another event: the host that recovers from one kill is the one that the next order kills."""

    rig: Rig
    number: int
    proxy: Proxy
    problems: list[str] = field(default_factory=list)
    struck_at: list[str] = field(default_factory=list)
    redeliveries: int = 0
    cases: int = 0

    def play(
        self,
        scenario: Scenario,
        *orders: Order,
        undisturbed: int = 0,
        meanwhile: Callable[[Rig], None] = lambda _rig: None,
    ) -> list[str]:
        """Have *scenario* happen under *orders*, hold it to what it must cause, and return what the app went through.

        *undisturbed* is how many deliveries it takes by itself (0: any number may be right); *meanwhile* is what the
        test does when it has begun, before all is waited for.
        """
        rig, case = self.rig, f"{scenario.name}-{self.number}x{self.cases}"
        self.cases += 1
        began, used, letters = len(rig.control.trace()), len(rig.control.used()), len(rig.state.dead_letters())
        rig.faults()
        rig.control.arm(*orders)
        if not rig.alive:
            rig.start()
        scenario.begin(rig, case)
        meanwhile(rig)
        rig.settle()
        rig.control.disarm()
        at = rig.control.used()[used:]
        problems = scenario.problems(rig, case, letters=letters, kills=len(at))
        trace = rig.control.trace(began)
        # Deliveries beside each other are a busy machine's: its host did not renew the message in time.
        more = rig.delivered(began) - undisturbed if undisturbed and not beside_each_other(trace) else 0
        if more > REDELIVERIES * max(1, len(at)):
            problems.append(f"{more} redeliveries: {trace}")
        self.redeliveries = max(self.redeliveries, more)
        self.problems += [f"{case}, struck at {at}: {problem}" for problem in problems]
        self.struck_at += at
        return [line.split()[1] for line in trace]

    def end(self) -> None:
        """Say what must not have happened in any case."""
        rig = self.rig
        self.problems += [f"an effect without its decision: {request}" for request in rig.unadmitted]
        self.problems += [f"the stand-in failed: {error!r}" for error in rig.azure.failures]
        self.problems += [f"a broken contract: {entry.url}" for entry in rig.azure.journal.violations()]
        if rig.state.poisoned():
            self.problems.append("poison")


@contextlib.contextmanager
def chains(accounts: Accounts, folder: Path, count: int, *, through: str = "", **options: Any) -> Iterator[list[Chain]]:
    """Give *count* chains on rigs of their own; *options* are those of Rig. Hosts are started by whoever plays.

    *through*: who reaches storage through the chain's proxy, "app" or "app and host".
    """
    options = {"reactions": REACTIONS, **options}
    with contextlib.ExitStack() as stack:
        made = []
        for number in range(count):
            storage = accounts.take()
            proxy = stack.enter_context(Proxy(storage))
            ways: dict[str, Any] = {
                f"{who}_storage": proxy.connection_string for who in ("app", "host") if who in through
            }
            rig = stack.enter_context(Rig(storage, folder / str(number), **options, **ways))
            made.append(Chain(rig, number, proxy))
        yield made


def side_by_side[Item, Answer](
    work: Callable[[Item], Answer], items: Sequence[Item], *, workers: int = 0
) -> list[Answer]:
    """Do *work* on all *items* at once (or on *workers* of them), and return the answers; the first error is raised."""
    with ThreadPoolExecutor(workers or len(items)) as pool:
        return list(pool.map(work, items))


def beside_each_other(trace: Sequence[str]) -> bool:
    """Tell whether a delivery began while the same process had another one in hand."""
    running: Counter[str] = Counter()
    for pid, text, *_ in map(str.split, trace):
        running[pid] += (text == "delivered") - (text == "returned")
        if running[pid] > 1:
            return True
    return False


def points_of(trace: Sequence[str]) -> list[str]:
    """Return the points in a trace, in order."""
    return [line for line in trace if "." in line]


def hold(bar: str, played: Sequence[Chain], figures: Figures, **more: float) -> None:
    """Record for *bar* what was done, and fail when anything was not as it must be."""
    for chain in played:
        chain.end()
    rigs = [chain.rig for chain in played]
    figures.record(
        bar,
        events=sum(chain.cases for chain in played),
        jobs=sum(entry.status == 201 for rig in rigs for entry in rig.azure.journal.jobs_put()),
        mails=sum(len(rig.azure.mailbox.mails) for rig in rigs),
        worst_run_s=max(rig.worst_run() for rig in rigs),
        **more,
    )
    problems = "\n".join(problem for chain in played for problem in chain.problems)
    assert not problems, problems
