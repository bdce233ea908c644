"""Bar 1: killed at any point of any edge, and once more while recovering, an event is done once."""

import os
import random  # noqa: TID251 - seeded, and the seed is printed
from collections.abc import Iterator
from inspect import getattr_static
from itertools import takewhile
from pathlib import Path

import pytest

from local.azure import KIND, UNKIND, World
from shared.bootstrap import Service
from tests.faults.accounts import Accounts
from tests.faults.chain import Chain, chains, hold, points_of, side_by_side
from tests.faults.control import Order
from tests.faults.faulty import EDGES, points
from tests.faults.figures import Figures
from tests.faults.scenarios import (
    GUARDLESS,
    LOST,
    PLAIN,
    PUSHED,
    REFUSED,
    SCENARIOS,
    THROTTLED,
    UNREADABLE,
    Scenario,
)

#: Rigs side by side in one test: a killed host's message is hidden for five seconds, in which others can run.
RIGS = 8
SEED = 20261125
LONG = bool(os.environ.get("REACTOR_LONG_TESTS"))  # noqa: TID251 - the tests' own switch
#: Of each rig, in each of the worlds: 24 in all, or 72.
PAIRS = 3 if LONG else 1
#: Every recovery reaches this many points, or the pair does not count.
LAST_POINT = 12
LIKELY = World()
WORLDS = {KIND: "kind", UNKIND: "unkind", LIKELY: "likely"}
#: Which scenarios are played in which world by default.
PLAYED = {KIND: (PLAIN, PUSHED, UNREADABLE), UNKIND: (PLAIN, REFUSED), LIKELY: (LOST, THROTTLED, GUARDLESS)}

pytestmark = pytest.mark.timeout(600)  # it waits for processes, and says what for before that
in_each_world = pytest.mark.parametrize("world", WORLDS, ids=WORLDS.values(), indirect=True)


@pytest.fixture
def world(request: pytest.FixtureRequest) -> World:
    """Return the world of the test's parameter, the likely one without."""
    chosen: World = getattr(request, "param", LIKELY)
    return chosen


@pytest.fixture
def played(accounts: Accounts, tmp_path: Path, world: World) -> Iterator[list[Chain]]:
    """Give a chain for each of the rigs."""
    with chains(accounts, tmp_path, RIGS, world=world) as made:
        yield made


def kills(scenario: Scenario, reached: list[str], known: list[str]) -> list[Order]:
    """Return a kill for each point *reached* but for those that begin as the *known* ones, or follow `until`."""
    first = sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(known, reached, strict=False)))
    last = reached.index(scenario.until) + 1 if scenario.until and not LONG else len(reached)
    return [
        Order(do="kill", point=reached[number], occurrence=reached[: number + 1].count(reached[number]))
        for number in range(first, last)
    ]


@in_each_world
def test_killed_at_every_point(played: list[Chain], world: World, figures: Figures) -> None:
    """SIGKILL at each point that an event reaches; then a new host: at most two redeliveries, and done once.

    By default not where a scenario has only reached what the plain event reaches as well.
    """
    plain = played[0].play(PLAIN)
    cases: list[tuple[Scenario, int, Order]] = []
    for scenario in SCENARIOS if LONG else PLAYED[world]:
        trial = plain if scenario is PLAIN else played[0].play(scenario)
        known = [] if scenario is PLAIN or LONG else points_of(plain)
        cases += [(scenario, trial.count("delivered"), order) for order in kills(scenario, points_of(trial), known)]

    def play(chain: Chain) -> None:
        for scenario, undisturbed, order in cases[chain.number :: RIGS]:
            struck = len(chain.struck_at)
            chain.play(scenario, order, undisturbed=undisturbed)
            if chain.struck_at[struck:] != [order.point]:
                chain.problems.append(f"{scenario.name}: no kill at {order.point} {order.occurrence}")

    side_by_side(play, played)
    most = max(chain.redeliveries for chain in played)
    hold("1", played, figures, kills=sum(chain.rig.kills for chain in played), most_redeliveries=most)


@in_each_world
def test_killed_twice(played: list[Chain], world: World, figures: Figures) -> None:
    """A second SIGKILL at any point while recovering from the first: sampled pairs, and all is done once as well."""
    seed = SEED + list(WORLDS).index(world)
    print(f"seed {seed}")  # noqa: T201 - shown when it fails

    def play(chain: Chain) -> int:
        chosen = random.Random(f"{seed}-{chain.number}")  # noqa: S311 - no secret
        pairs = 0
        while pairs < PAIRS and not chain.problems:
            scenario = chosen.choice((PLAIN, LOST, THROTTLED, REFUSED))
            both = [Order(do="kill", occurrence=chosen.randint(1, LAST_POINT)) for _ in range(2)]
            struck = len(chain.struck_at)
            chain.play(scenario, *both, undisturbed=scenario.deliveries)
            pairs += len(chain.struck_at) - struck == len(both)
        return pairs

    pairs = sum(side_by_side(play, played))
    most = max(chain.redeliveries for chain in played)
    struck = sum(chain.rig.kills for chain in played)
    hold("1", played, figures, kills=struck, pairs=pairs, most_redeliveries=most)


def test_every_point_is_reached_by_a_scenario(played: list[Chain]) -> None:
    """A method that is added to a Protocol needs a scenario, and a Protocol a place in the service."""
    reached = {point for scenario in SCENARIOS for point in points_of(played[0].play(scenario))}
    assert set(points()) - reached == set()
    assert played[0].problems == []
    built = {name: getattr_static(Service, name).func.__annotations__["return"] for name in EDGES}
    assert built == {name: promise.__name__ for name, promise in EDGES.items()}


def test_told_to_end_at_every_point(played: list[Chain], figures: Figures) -> None:
    """SIGTERM in the middle of a run: the run finishes, the host ends in order, nothing is delivered again."""

    def play(chain: Chain) -> int:
        trial = chain.play(PLAIN)
        orders = kills(PLAIN, points_of(trial), [])[chain.number :: RIGS]
        for order in orders:
            began = len(chain.rig.control.trace())
            chain.play(PLAIN, Order(do="terminate", point=order.point, occurrence=order.occurrence))
            codes = [host.wait(10) for host in chain.rig.hosts if host is not chain.rig.hosts[-1] or host.pid is None]
            if chain.rig.delivered(began) != trial.count("delivered") or any(codes):
                chain.problems.append(f"{chain.rig.delivered(began)} deliveries, exit codes {codes}")
        return len(orders)

    ends = sum(side_by_side(play, played))
    hold("1", played, figures, ends_in_order=ends)


def test_told_to_end_when_the_run_takes_too_long(played: list[Chain], figures: Figures) -> None:
    """A host that is told to stop waits a while, then ends by force: the message comes back, and is done once."""
    played[0].rig.stop_within = 0.5
    linger = Order(do="linger", point="jobs.submit.after", seconds=30.0)
    played[0].play(PLAIN, linger, undisturbed=1)
    assert (played[0].struck_at, played[0].redeliveries) == (["jobs.submit.after"], 1)
    hold("1", played[:1], figures, ends_by_force=1)
