"""Bar 12: a write that is done while its answer is lost, or later: it is read again, nothing is doubled."""

from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.faults.accounts import Accounts
from tests.faults.chain import Chain, chains, hold, side_by_side
from tests.faults.figures import Figures
from tests.faults.proxy import Loss
from tests.faults.rig import wait_until
from tests.faults.scenarios import GUARDLESS, PLAIN, REFUSED, THROTTLED, Scenario


@dataclass(frozen=True, slots=True, kw_only=True)
class Write:
    """A write of a scenario: how its request begins (Azurite's paths begin with the account), after how many alike."""

    what: str
    scenario: Scenario
    request: bytes
    passing: int = 0


WRITES = (
    Write(what="admit, several rows", scenario=PLAIN, request=rb"POST /\w+/\$batch"),
    Write(what="admit, one row", scenario=GUARDLESS, request=rb"POST /\w+/state"),
    Write(what="mark a mail", scenario=PLAIN, request=rb"PATCH /\w+/state"),
    Write(what="settle", scenario=PLAIN, request=rb"PATCH /\w+/state", passing=1),
    Write(what="settle a failure", scenario=REFUSED, request=rb"POST /\w+/\$batch", passing=1),
    Write(what="keep a dead letter", scenario=REFUSED, request=rb"PUT /\w+/dead-letters/"),
    Write(what="put back", scenario=THROTTLED, request=rb"POST /\w+/workspace-events/messages"),
    Write(what="settle what waits", scenario=THROTTLED, request=rb"PATCH /\w+/state", passing=1),
)
#: Longer than it takes until the message comes back.
LATE_SECONDS = 2.0


pytestmark = pytest.mark.timeout(600)  # it waits for processes, and says what for before that


@pytest.mark.parametrize("late", [0.0, LATE_SECONDS], ids=["answer lost", "request late"])
def test_a_write_without_an_answer(accounts: Accounts, tmp_path: Path, late: float, figures: Figures) -> None:
    """The answer never comes, or the write lands when the message is delivered again already: no effect is doubled."""

    def play(chain: Chain) -> Loss:
        write = WRITES[chain.number]
        undisturbed = chain.play(write.scenario).count("delivered")
        loss = chain.proxy.lose(write.request, passing=write.passing, late=late)
        chain.play(
            write.scenario,
            undisturbed=undisturbed,
            meanwhile=lambda _rig: wait_until(lambda: loss.happened, f"a lost answer: {write.what}"),
        )
        return loss

    with chains(accounts, tmp_path, len(WRITES), through="app") as played:
        losses = side_by_side(play, played)
        most = max(chain.redeliveries for chain in played)
        hold("12", played, figures, lost_answers=len(losses), most_redeliveries=most)
