"""Bar 8a: a deployment that is not usable as it is configured, under traffic; then it is mended."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from tests.faults.accounts import Accounts
from tests.faults.chain import Chain, chains, hold, side_by_side
from tests.faults.figures import Figures
from tests.faults.rig import Rig, wait_until
from tests.faults.scenarios import PLAIN, REACTIONS

pytestmark = pytest.mark.timeout(600)  # it waits for processes, and says what for before that

#: What waits for a usable deployment (five minutes each time) comes back after two seconds.
SCALE = 150.0
EVENTS = 6
#: How often each event has met the bad deployment before it is mended.
ROUNDS = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Mistake:
    """What is wrong with a deployment: what *breaks* its folder, or *settings*; *mends* undoes it."""

    told: str
    breaks: Callable[[Rig], object] = lambda _rig: None
    mends: Callable[[Rig], object] = lambda _rig: None
    settings: Mapping[str, str] = field(default_factory=dict)


def _reactions(text: str) -> Callable[[Rig], object]:
    return lambda rig: (rig.deployed / "reactions.yaml").write_text(text)


def _move(source: str, target: str) -> Callable[[Rig], object]:
    return lambda rig: (rig.deployed / "pipelines" / source).rename(rig.deployed / "pipelines" / target)


MISTAKES = (
    Mistake(
        told="reactions.yaml:5: ",
        breaks=_reactions(REACTIONS.replace("on: model-registered", "on: model-registred")),
        mends=_reactions(REACTIONS),
    ),
    Mistake(told="app setting INSTALLATION is missing", settings={"INSTALLATION": ""}),
    Mistake(
        told="pipelines/offline-test.yml",
        breaks=_move("offline-test.yml", "lost.yml"),
        mends=_move("lost.yml", "offline-test.yml"),
    ),
)


def untouched(rig: Rig) -> list[str]:
    """Return what a deployment that is not usable must not have done."""
    done = {
        "rows": len(rig.state.rows()),
        "jobs": len(rig.azure.journal.jobs_put()),
        "mails": len(rig.azure.mailbox.mails),
        "dead letters": len(rig.state.dead_letters()),
        "poison": rig.state.poisoned(),
        "events that are lost": max(0, EVENTS - rig.state.waiting()),
    }
    return [f"{number} {what}" for what, number in done.items() if number]


def play(chain: Chain, mistake: Mistake) -> int:
    """Deploy *mistake*, let events come, mend it while they come; return how many deliveries met the mistake."""
    rig, names = chain.rig, [f"plain-{number}" for number in range(2 * EVENTS)]
    mistake.breaks(rig)
    bad = rig.start(**mistake.settings)
    for name in names[:EVENTS]:
        PLAIN.begin(rig, name)
    wait_until(lambda: rig.returned() >= ROUNDS * EVENTS, "every event to meet the bad deployment")
    chain.problems += untouched(rig)
    if failed := bad.status().failed:  # each would cost an attempt of those before poison
        chain.problems.append(f"{failed} failed runs")
    if not any("configuration.error" in line and mistake.told in line for line in tuple(bad.lines)):
        chain.problems.append(f"nothing told of {mistake.told}")
    for name in names[EVENTS:]:
        PLAIN.begin(rig, name)
    bad.stop()
    met = rig.returned()
    mistake.mends(rig)
    rig.start()
    rig.settle()
    chain.problems += [f"{name}: {problem}" for name in names for problem in PLAIN.problems(rig, name, letters=0)]
    chain.cases += len(names)
    return met


def test_nothing_is_lost_while_it_is_mended(accounts: Accounts, tmp_path: Path, figures: Figures) -> None:
    """Each event waits in the queue, no row is touched; mended and restarted, all is done once, and no poison."""
    with chains(accounts, tmp_path, len(MISTAKES), scale=SCALE) as played:
        met = side_by_side(lambda chain: play(chain, MISTAKES[chain.number]), played)
        hold("8a", played, figures, deliveries_to_bad_deployments=sum(met))


def test_a_usable_deployment_beside_it_does_the_work(accounts: Accounts, tmp_path: Path, figures: Figures) -> None:
    """A rolling update: what the new, bad host takes goes back, and the old one does it."""
    with chains(accounts, tmp_path, 1, scale=SCALE) as played:
        (chain,) = played
        bad = chain.rig.start(WORKSPACES="")
        names = [f"plain-{number}" for number in range(EVENTS)]
        for name in names:
            PLAIN.begin(chain.rig, name)
        wait_until(lambda: chain.rig.returned() >= EVENTS, "every event to meet the bad deployment")
        chain.rig.start()
        chain.rig.settle()
        problems = [problem for name in names for problem in PLAIN.problems(chain.rig, name, letters=0)]
        assert problems == []
        assert (bad.pid is not None, bad.status().failed) == (True, 0)
        chain.cases = len(names)
        hold("8a", played, figures)


def test_a_job_file_goes_missing_while_the_host_runs(accounts: Accounts, tmp_path: Path, figures: Figures) -> None:
    """Admitted already, the event waits all the same, and is done once when the file is back."""
    with chains(accounts, tmp_path, 1, scale=SCALE) as played:
        (chain,) = played
        chain.play(PLAIN)

        def meanwhile(rig: Rig) -> None:
            began = len(rig.control.trace())
            wait_until(lambda: rig.returned(began) >= ROUNDS, "the event to meet the missing file")
            MISTAKES[-1].mends(rig)

        MISTAKES[-1].breaks(chain.rig)
        chain.play(PLAIN, meanwhile=meanwhile)
        hold("8a", played, figures, deliveries_to_bad_deployments=ROUNDS)
