"""Pauses on Azurite: what the command writes is what the app reads, and what a purge leaves alone."""

from collections.abc import Iterator
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from ops.connection import State, connected
from ops.settled import verdict
from shared.settings import StateStorage
from shared.switches import ALL, SWITCHES, Switches
from tests.fakes.project import ops

if TYPE_CHECKING:
    from local.azurite import Azurite

pytestmark = pytest.mark.xdist_group("ops")  # one partition for all


@pytest.fixture
def storage(azurite: "Azurite") -> Iterator[str]:
    """Give the state of one Azurite, which other tests use as well; no pause is left there."""
    yield azurite.connection_string
    for name in ("--all", "retrain", "mail-ops"):
        ops("resume", name, StateStorage=azurite.connection_string)


@pytest.fixture
def state(storage: str) -> Iterator[State]:
    """Give what the commands work on."""
    with connected(StateStorage(connection_string=storage)) as state:
        yield state


def test_the_app_reads_what_the_command_writes(storage: str, state: State) -> None:
    """A pause, its replacement, that of all, and resuming."""

    def paused(reaction: str) -> tuple[bool, str] | None:
        names = ["retrain", "mail-ops", *(f"other-{number}" for number in range(20))]  # more than one request
        found = Switches(state.store, reactions=names).paused(reaction)
        return (found.drop, found.note) if found else None

    assert paused("retrain") is None
    assert ops("pause", "retrain", "--note", "größer", StateStorage=storage).code == 0
    assert (paused("retrain"), paused("mail-ops")) == ((False, "größer"), None)
    ops("pause", "retrain", "--drop", "--yes", StateStorage=storage)
    ops("pause", "--all", "--note", "audit", StateStorage=storage)
    assert (paused("retrain"), paused("mail-ops")) == ((True, ""), (False, "audit"))
    said = ops("pauses", "--json", StateStorage=storage)
    assert [one["reaction"] for one in said.document["pauses"]] == [ALL, "retrain"]
    ops("resume", "retrain", StateStorage=storage)
    assert paused("retrain") == (False, "audit")
    ops("resume", "--all", StateStorage=storage)
    assert paused("retrain") is None


def test_the_time_is_the_accounts_and_somebody_is_named(storage: str, state: State) -> None:
    """No clock of the operator's machine is asked."""
    before = state.rows.now()
    ops("pause", "retrain", StateStorage=storage)
    pause = Switches(state.store, reactions=["retrain"]).paused("retrain")
    assert pause is not None
    assert pause.by
    assert pause.at is not None
    assert before <= pause.at <= before + timedelta(minutes=1)


def test_a_purge_leaves_switches_alone(storage: str, state: State) -> None:
    """However old: who ended a pause, and when, is asked for later."""
    ops("pause", "retrain", StateStorage=storage)
    ops("resume", "retrain", StateStorage=storage)
    rows = state.rows.partition(SWITCHES)
    assert {verdict(row, state.rows.now()) for row in rows} == {"switches"}
