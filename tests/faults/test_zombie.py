"""Bar 3: a worker that stands still in the middle of a run, and wakes up when another one has finished the event."""

import json
import os
import signal
from pathlib import Path

import pytest

from tests.faults.accounts import Accounts
from tests.faults.chain import Chain, chains, hold, side_by_side
from tests.faults.control import Order
from tests.faults.figures import Figures
from tests.faults.rig import Rig, wait_until
from tests.faults.scenarios import PLAIN

#: Longer than a message of a worker that stands still stays hidden.
PATIENT_SECONDS = 20.0
#: Shorter than that, as a run's twenty seconds are shorter than ten minutes.
RUN_SECONDS = 4.0


pytestmark = pytest.mark.timeout(600)  # it waits for processes, and says what for before that


def wake_up_late(chain: Chain, order: Order) -> int:
    """Stop worker A at *order*, have B finish, wake A up; return how many effects A asks for then."""
    asked = 0

    def meanwhile(rig: Rig) -> None:
        nonlocal asked
        wait_until(rig.standing, "A to stand still")
        (a,) = rig.alive
        b = rig.start()
        wait_until(lambda: rig.state.waiting() == 0, "B to finish")
        before, requests = outcomes(rig), effects(rig)
        began = len(rig.control.trace())
        os.kill(a.pid or 0, signal.SIGCONT)
        wait_until(lambda: rig.returned(began, pid=a.pid), "A to finish")
        asked = effects(rig) - requests
        if outcomes(rig) != before:
            chain.problems.append(f"A changed {before} to {outcomes(rig)}")
        if b.pid is None:
            chain.problems.append("B died")

    chain.play(PLAIN, order, meanwhile=meanwhile)
    return asked


def effects(rig: Rig) -> int:
    """Return how many jobs and mails were asked for."""
    return len(rig.azure.journal.jobs_put()) + len(rig.azure.journal.mails_posted())


def outcomes(rig: Rig) -> list[dict[str, object]]:
    """Return what the rows say became of each reaction."""
    rows = [{name: json.loads(text) for name, text in row.items() if name.startswith("r_")} for row in rig.state.rows()]
    return [{name: record.get("outcome") for name, record in row.items()} for row in rows]


def test_the_provider_absorbs_a_late_call(accounts: Accounts, tmp_path: Path, figures: Figures) -> None:
    """A wakes up within its deadline: its job exists, its mail was sent, its outcomes are united with those of B."""
    orders = (
        Order(do="stop", point="jobs.submit.before"),
        Order(do="stop", point="jobs.submit.after"),
        Order(do="stop", point="mail.send.after"),
        Order(do="stop", point="store.merge.before", occurrence=2),
    )
    with chains(accounts, tmp_path, len(orders), run_seconds=PATIENT_SECONDS) as played:
        asked = side_by_side(lambda chain: wake_up_late(chain, orders[chain.number]), played)
        assert asked[0] > 0
        hold("3", played, figures, zombies=len(orders), late_calls=sum(asked))


def test_after_its_deadline_it_sends_nothing(accounts: Accounts, tmp_path: Path, figures: Figures) -> None:
    """A wakes up too late: it asks for no job and sends no mail, which the provider might no longer know."""
    orders = (
        Order(do="stop", point="store.transaction.after"),
        Order(do="stop", point="jobs.submit.before"),
        Order(do="stop", point="mail.send.before"),
    )
    with chains(accounts, tmp_path, len(orders), run_seconds=RUN_SECONDS) as played:
        asked = side_by_side(lambda chain: wake_up_late(chain, orders[chain.number]), played)
        assert asked == [0] * len(orders)
        hold("3", played, figures, zombies=len(orders))
