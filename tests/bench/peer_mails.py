"""The peer's mails, each of which it waits for."""

from contextlib import ExitStack

from tests.bench.arena import Arena, effects, subject_of
from tests.bench.cold import first_effect
from tests.bench.player import Player
from tests.bench.results import Events


class PeerMails:
    """The peer's mails in a process of their own, which waits for each as long as the service says: half a minute."""

    def __init__(self, arena: Arena, stack: ExitStack, *, mails: int = 2) -> None:
        self._arena, self._mails = arena, mails
        self._player = stack.enter_context(Player(arena.peer, arena.place))
        self._events = arena.failures(mails)
        self._mark = arena.mark()
        self._player.ask("pipeline_failure", self._events)
        first_effect(arena, self._mark, self._events[0])

    def events(self) -> Events:
        """Wait for them."""
        report = self._player.answer()
        accepted = []
        for began, event in zip(report.began, self._events, strict=True):
            (mine,) = effects(self._arena.since(self._mark), subject_of(event))
            accepted.append(self._arena.moment(mine) - began)
        return Events(
            contestant="peer",
            effect="mail",
            seconds=report.seconds[1:],
            cpu=report.cpu / self._mails,
            accepted=accepted[1:],
            memory_before=self._player.ready.memory,
            memory_after=report.memory,
        )
