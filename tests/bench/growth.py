"""How the cost of an event changes with the events before it: of new subjects, and of one."""

from tests.bench.arena import Arena
from tests.bench.player import Player, Report
from tests.bench.recorded import ports
from tests.bench.results import Growth, Step
from tests.bench.stats import middle

#: Stories: events about a subject each, and about one and the same.
EACH, ONE = "each about another subject: as many subjects as events", "all about one subject"


def growth(arena: Arena, *, steps: int, events: int) -> list[Growth]:
    """Play *steps* times *events* events of each story, turn by turn, in a process each."""
    stories = {EACH: "", ONE: f"model-of-many-versions-{arena.mark()}"}
    found = {story: Growth(story=story, steps=[]) for story in stories}
    storage = ports(arena.storage)
    with Player(arena.app, arena.place) as each, Player(arena.app, arena.place) as one:
        players = {EACH: each, ONE: one}
        for player in players.values():
            player.invoke("model_registered", arena.models(2))
            player.invoke("react", arena.messages(2))
            player.count()
        for number in range(steps):
            for story, subject in stories.items():
                players[story].invoke("model_registered", arena.models(events, subject=subject))
                report = players[story].invoke("react", arena.messages(events))
                found[story].steps.append(_step(report, (number + 1) * events, events, storage))
    return list(found.values())


def _step(report: Report, number: int, events: int, storage: tuple[int, int]) -> Step:
    sent = [one for one in report.sent if one.port in storage]
    return Step(
        number=number,
        seconds=middle(report.seconds),
        requests=len(sent) / events,
        sent=sum(len(one.bytes) for one in sent) / events,
    )
