"""What the app sends, recorded and sent again by the floor; and the jobs gateway alone."""

import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass

import msgspec

from tests.bench.arena import SUBJECT, Arena, subject_of
from tests.bench.floor import Call, Replay, Replayed
from tests.bench.player import ROOT, BenchError, Player, Sent

#: The subject of requests that do not name one as text.
NOBODY = "model-000000"
#: The first jobs of a process fetch tokens, import and connect.
WARMING = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """What the app sends for an event of each kind, when warm."""

    intake: list[Sent]
    job: list[Sent]
    mail: list[Sent]


def recorded(arena: Arena) -> Record:
    """Record the third event of each kind in a process: what is cached is cached by then."""
    with Player(arena.app, arena.place) as player:
        for events, function in ((arena.models(2), "model_registered"), (arena.failures(2), "pipeline_failure")):
            player.invoke(function, events)
        player.invoke("react", arena.messages(4))
        player.count()
        intake = player.invoke("model_registered", arena.models(1)).sent
        job = player.invoke("react", arena.messages(1)).sent
        player.invoke("pipeline_failure", arena.failures(1))
        mail = player.invoke("react", arena.messages(1)).sent
    return Record(intake=intake, job=job, mail=mail)


def replayed(arena: Arena, calls: Sequence[Call], name: str, count: int, **more: object) -> Replayed:
    """Send *calls* about *count* new subjects instead of *name*, in a process of its own.

    Raises BenchError when one is refused.
    """
    subjects = arena.subjects(name, count)
    replay = msgspec.convert(
        {"calls": calls, "subject": name, "subjects": subjects, **more}, Replay, from_attributes=True
    )
    done = subprocess.run(
        [sys.executable, "-m", "tests.bench.floor"],
        input=msgspec.json.encode(replay),
        capture_output=True,
        env={**arena.app.environment, "PYTHONPATH": str(ROOT)},
        cwd=arena.place,
        check=False,
        timeout=60,
    )
    if done.returncode:
        raise BenchError(f"the floor ended:\n{done.stderr.decode()}")
    answer = msgspec.json.decode(done.stdout, type=Replayed)
    if answer.refused:
        raise BenchError(f"the floor's requests were refused: {set(answer.refused)}")
    return answer


def about(sent: Sequence[Sent]) -> str:
    """Return the subject of recorded requests; a message has its event as base64."""
    text = " ".join(one.bytes.decode(errors="replace") for one in sent)
    return subject_of(text) if SUBJECT.search(text) else NOBODY


def edge(arena: Arena, count: int) -> list[float]:
    """Start *count* jobs by the gateway alone: the seconds that each took."""
    done = subprocess.run(
        [sys.executable, "-m", "tests.bench.edge", str(arena.app.folder)],
        input=msgspec.json.encode(arena.subjects(NOBODY, count)),
        capture_output=True,
        env={**arena.app.environment, "PYTHONPATH": str(ROOT)},
        cwd=arena.place,
        check=False,
        timeout=60,
    )
    if done.returncode:
        raise BenchError(f"the gateway ended:\n{done.stderr.decode()}")
    return msgspec.json.decode(done.stdout, type=list[float])
