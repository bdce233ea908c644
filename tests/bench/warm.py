"""Events one after the other in a warm process: time, CPU, requests, connections, memory."""

from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from typing import Any

import msgspec

from tests.bench.arena import Arena, effects
from tests.bench.player import BenchError, Player, Report
from tests.bench.recorded import azure_call, operation, ports, signature, storage_calls
from tests.bench.replays import WARMING, Record, about, edge, replayed
from tests.bench.results import Events

type Kind = tuple[str, str]


class WarmEvents:
    """Rounds of events, the contestants turn by turn; the first round warms up and is not counted.

    *app* events of each kind a round for the app and the floor (half as many mails), *peer* for the peer.
    """

    def __init__(self, arena: Arena, record: Record, *, app: int, peer: int) -> None:
        self._arena, self._record, self._app, self._peer = arena, record, app, peer
        self._seconds: dict[Kind, list[float]] = {}
        self._cpu: dict[Kind, float] = {}
        self._facts: dict[Kind, dict[str, Any]] = {}
        signed = signature()
        intake, job, mail = record.intake, record.job, record.mail
        self._floors = {
            "intake": (storage_calls(intake, arena.storage, signed), about(intake), ""),
            "job": ([azure_call(job, "PUT", "/jobs/")], about(job), ""),
            "mail": ([azure_call(mail, "POST", "/emails:send")], about(mail), operation(mail)),
            "storage of a job": (storage_calls(job, arena.storage, signed), about(job), ""),
        }

    def play(self, rounds: int) -> list[Events]:
        """Play so many rounds. Raises BenchError when an event has not just the effect it must have."""
        arena = self._arena
        with ExitStack() as stack:
            app = stack.enter_context(Player(arena.app, arena.place))
            peer = stack.enter_context(Player(arena.peer, arena.place))
            memory = {"app": app.ready.memory, "peer": peer.ready.memory}
            for number in range(rounds + 1):
                self._round(app, peer)
                if number == 0:
                    self._seconds, self._cpu = {}, {}
        for kind, before in (("app", memory["app"]), ("peer", memory["peer"])):
            self._facts[kind, "job"]["memory_before"] = before
        self._count_storage()
        return [self._events(kind) for kind in self._seconds]

    def _round(self, app: Player, peer: Player) -> None:
        arena = self._arena
        self._add(("app", "intake"), app.invoke("model_registered", arena.models(self._app)))
        self._watch(("app", "job"), app, "react", arena.messages(self._app))
        failures = arena.failures(self._app // 2)
        self._add(("app", "intake of a mail"), app.invoke("pipeline_failure", failures))
        self._watch(("app", "mail"), app, "react", arena.messages(len(failures)))
        self._watch(("peer", "job"), peer, "model_registered", arena.models(self._peer))
        for effect, (calls, name, mailed) in self._floors.items():
            replay = replayed(arena, calls, name, self._app, operation=mailed)
            self._keep(("floor", effect), replay.seconds, replay.cpu)
        self._keep(("app", "PUT"), edge(arena, self._app + WARMING)[WARMING:], 0)
        arena.queue.clear_messages()  # what the floor put there, over and over

    def _watch(self, kind: Kind, player: Player, function: str, bodies: Sequence[str]) -> None:
        """Invoke, and count what Azure was asked meanwhile; the memory that is kept is that after the first time."""
        mark = self._arena.mark()
        report = player.invoke(function, bodies)
        self._add(kind, report)
        first = self._facts.get(kind, {}).get("memory_after", report.memory)
        facts = {"memory_after": first, "azure_ai_ml": report.azure_ai_ml}
        self._facts[kind] = {**asked(self._arena, mark, len(bodies)), **facts}

    def _add(self, kind: Kind, report: Report) -> None:
        self._keep(kind, report.seconds, report.cpu)

    def _keep(self, kind: Kind, seconds: Sequence[float], cpu: float) -> None:
        self._seconds.setdefault(kind, []).extend(seconds)
        self._cpu[kind] = self._cpu.get(kind, 0.0) + cpu

    def _count_storage(self) -> None:
        storage = ports(self._arena.storage)
        for effect, sent in (("intake", self._record.intake), ("job", self._record.job), ("mail", self._record.mail)):
            self._facts.setdefault(("app", effect), {})["storage"] = sum(one.port in storage for one in sent)

    def _events(self, kind: Kind) -> Events:
        seconds = self._seconds[kind]
        whole = {"contestant": kind[0], "effect": kind[1], "seconds": seconds, "cpu": self._cpu[kind] / len(seconds)}
        return msgspec.convert({**whole, **self._facts.get(kind, {})}, Events)


def asked(arena: Arena, mark: int, count: int) -> Mapping[str, float]:
    """Return requests to Azure, tokens included, and new TLS connections since *mark*, for each of *count* events.

    Raises BenchError when they had not *count* effects, or a request is one that Azure would not have taken.
    """
    entries = arena.since(mark)
    if (done := len(list(effects(entries)))) != count:
        raise BenchError(f"{count} events, and {done} effects")
    if wrong := [entry for entry in entries if entry.unknown or entry.violations]:
        raise BenchError(f"Azure would not have taken {wrong[0].method} {wrong[0].url}: {wrong[0].violations}")
    before = {entry.connection for entry in arena.azure.journal.entries[:mark]}
    fresh = {entry.connection for entry in entries if entry.url.startswith("https:")} - before
    return {"azure": len(entries) / count, "connections": len(fresh) / count}
