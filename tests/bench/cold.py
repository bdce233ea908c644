"""Cold starts: from the start of a process to its first effect."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from time import monotonic, sleep

from local.azure.journal import Entry
from tests.bench.arena import Arena, effects, subject_of
from tests.bench.caches import cached, code, evict, only_standard_library
from tests.bench.player import BenchError, Contestant, Player
from tests.bench.results import Start, Starts

EFFECTS = ("job", "mail")
#: Where an effect is to be seen at the latest.
EFFECT_SECONDS = 20.0
WARM, COLD, NOT_COMPILED = "compiled, in memory", "compiled, not in memory", "not compiled, in memory"
LATER = "compiled, in memory, event half a second after the index"
PAUSE_SECONDS = 0.5
CONDITIONS = (WARM, LATER, COLD, NOT_COMPILED)
#: A share of pages that stays in the page cache above which a start is not called cold: those in use by others.
STILL_THERE = 0.25


@dataclass(frozen=True, slots=True, kw_only=True)
class Condition:
    """What a start finds: more environment, whether its files are evicted from the page cache before.

    *pause*: seconds from the index to the event, as a host takes them; they do not count.
    """

    name: str
    environment: Mapping[str, str]
    evicting: bool = False
    pause: float = 0.0


def conditions(place: Path) -> tuple[tuple[Condition, ...], float | None]:
    """Return what starts of apps in *place* are tried under, and the share of pages that eviction leaves.

    Where it does not work the share is None, and nothing is tried that needs it.
    """
    prefix = only_standard_library(place / "only-standard-library")
    warm = Condition(name=WARM, environment={})
    later = Condition(name=LATER, environment={}, pause=PAUSE_SECONDS)
    without = Condition(name=NOT_COMPILED, environment={"PYTHONPYCACHEPREFIX": str(prefix)})
    files = code(place)
    try:
        evict(files)
        left = cached(files)
    except (OSError, AttributeError):
        return (warm, later, without), None
    if left > STILL_THERE:
        return (warm, later, without), None
    return (warm, later, Condition(name=COLD, environment={}, evicting=True), without), left


def cold_starts(arena: Arena, tried: Sequence[Condition], repeats: Mapping[str, int]) -> list[Starts]:
    """Start everybody under each of *tried*, so often as *repeats* says of it: all of it turn by turn."""
    files = code(arena.place)
    found: dict[tuple[str, str, str], Starts] = {}
    for number in range(max(repeats[condition.name] for condition in tried)):
        for condition in (condition for condition in tried if number < repeats[condition.name]):
            for effect, contestant in product(EFFECTS, _contestants(arena, condition)):
                kind = (contestant.name, effect, condition.name)
                none = Starts(contestant=contestant.name, effect=effect, conditions=condition.name, runs=[])
                found.setdefault(kind, none).runs.append(_start(arena, contestant, effect, condition, files))
    return list(found.values())


def _contestants(arena: Arena, condition: Condition) -> tuple[Contestant, ...]:
    """Return who starts: an app without compiled modules of its own differs where there are some."""
    return (arena.app, arena.plain, arena.peer) if condition.name == WARM else (arena.app, arena.peer)


def _start(arena: Arena, contestant: Contestant, effect: str, condition: Condition, files: Sequence[Path]) -> Start:
    function, events = (
        ("model_registered", arena.models(1)) if effect == "job" else ("pipeline_failure", arena.failures(1))
    )
    mark = arena.mark()
    if condition.evicting:
        evict(files)
    with Player(contestant, arena.place, **condition.environment) as player:
        ready = player.ready
        sleep(condition.pause)
        taken_in = ready.indexed + condition.pause
        player.ask(function, events)
        if contestant is not arena.peer:
            player.answer()
            message = arena.messages(1)
            taken_in = monotonic()
            player.ask("react", message)
        effect_at = arena.moment(first_effect(arena, mark, events[0]))
    return Start(
        runtime=ready.runtime - player.started,
        indexed=ready.indexed - player.started,
        taken_in=taken_in - player.started - condition.pause,
        effect=effect_at - player.started - condition.pause,
        modules=ready.modules,
        memory=ready.memory,
    )


def first_effect(arena: Arena, mark: int, event: str) -> Entry:
    """Wait for the first job or mail about the subject of *event* since *mark*.

    Raises BenchError when there is none within EFFECT_SECONDS.
    """
    ends = monotonic() + EFFECT_SECONDS
    while monotonic() < ends:
        for entry in effects(arena.since(mark), subject_of(event)):
            return entry
        sleep(0.002)
    raise BenchError("there was no effect")
