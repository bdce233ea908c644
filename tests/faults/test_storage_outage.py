"""Bar 11: storage refuses, stalls, breaks off or is busy, before a run and in the middle of it."""

import os
import signal
from pathlib import Path
from time import monotonic

import pytest

from local.host.host_json import queue_options
from tests.faults.accounts import Accounts
from tests.faults.chain import Chain, chains, hold, side_by_side
from tests.faults.control import Order
from tests.faults.deployment import ROOT
from tests.faults.figures import Figures
from tests.faults.proxy import Mode
from tests.faults.rig import SCALE, Rig, wait_until
from tests.faults.scenarios import PLAIN

#: Real seconds of an outage: two minutes and a half of Azure's time, and at least as many failed runs as below.
OUTAGE_SECONDS = 150 / SCALE
FAILED_RUNS = 2
#: A run that nothing answers lasts as long as it may.
RUN_SECONDS: dict[Mode, float] = {"refuse": 20.0, "stall": 5.0, "cut": 20.0, "busy": 20.0}
#: When the outage begins: before the run, before its admission, after its first job, before it is settled.
MOMENTS = (
    None,
    Order(do="stop", point="store.transaction.before"),
    Order(do="stop", point="jobs.submit.after"),
    Order(do="stop", point="store.merge.before", occurrence=2),
)


pytestmark = pytest.mark.timeout(600)  # it waits for processes, and says what for before that


@pytest.mark.parametrize("mode", RUN_SECONDS)
def test_storage_is_out_of_order(accounts: Accounts, tmp_path: Path, mode: Mode, figures: Figures) -> None:
    """Runs fail and come back; no effect without its admitted decision; all is done once when storage is back."""

    def play(chain: Chain) -> int:
        order = MOMENTS[chain.number]
        chain.play(PLAIN)
        failed, asked = 0, len(chain.rig.azure.journal.jobs_put())

        def meanwhile(rig: Rig) -> None:
            nonlocal failed
            if order is not None:
                wait_until(rig.standing, f"the app to be stopped at {order.point}")
            chain.proxy.fail(mode)
            began, ends = len(rig.control.trace()), monotonic() + OUTAGE_SECONDS
            for host in rig.alive:
                os.kill(host.pid or 0, signal.SIGCONT)
            wait_until(lambda: rig.returned(began) >= FAILED_RUNS and monotonic() > ends, "runs to fail")
            failed = rig.returned(began)
            if order in MOMENTS[:2] and len(rig.azure.journal.jobs_put()) > asked:
                chain.problems.append("a job in an outage")
            chain.proxy.fail("pass")

        if order is None:
            chain.proxy.fail(mode)
        chain.play(PLAIN, *([order] if order else []), meanwhile=meanwhile)
        return failed

    with chains(accounts, tmp_path, len(MOMENTS), through="app", run_seconds=RUN_SECONDS[mode]) as played:
        failed = side_by_side(play, played)
        hold("11", played, figures, outages=len(MOMENTS), failed_runs=sum(failed))


def test_the_host_has_no_storage_either(accounts: Accounts, tmp_path: Path, figures: Figures) -> None:
    """The host stops, is started again and stops again; all is done once when storage is back."""
    with chains(accounts, tmp_path, 1, through="app and host") as played:
        (chain,) = played
        chain.play(PLAIN)
        chain.proxy.fail("refuse")

        def meanwhile(rig: Rig) -> None:
            for _ in range(FAILED_RUNS):
                wait_until(lambda: not rig.alive, "the host to stop")
                rig.start()
            chain.proxy.fail("pass")

        chain.play(PLAIN, meanwhile=meanwhile)
        hold("11", played, figures, outages=1, hosts_stopped=FAILED_RUNS)


def test_trouble_of_a_quarter_of_an_hour_poisons_nothing() -> None:
    """What the host allows a message in failed runs, as host.json is shipped."""
    options = queue_options(ROOT)
    assert options.max_dequeue_count * options.visibility_timeout >= 15 * 60
