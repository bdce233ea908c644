"""What made an event's subject, and the chain of reactions that led to it: how a closed loop can be seen.

A job that a reaction starts carries the chain in its properties. Anybody may write those, so they are read with care.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self

#: Properties of ours begin so.
PREFIX = "reactor_"
ROOT, DEPTH, CHAIN, REACTION = (f"{PREFIX}{name}" for name in ("root_event", "depth", "chain", "reaction"))
#: What a job tells of its start, for the event that it is over.
OPERATION, INSTALLATION, IDENTITY, SUBJECT, EVENT_TIME = (
    f"{PREFIX}{name}" for name in ("operation", "installation", "identity", "subject", "event_time")
)
#: Which repetition of the event by hand; not there where it is none.
GENERATION = f"{PREFIX}generation"
#: The digest of the rule that started it.
RULE = f"{PREFIX}rule"
#: The model version that it began with, as `name:version`.
MODEL = f"{PREFIX}model"
#: What the verdict on a job is taken to be where rules are tried; the app goes by its own record, and no job has it.
VERDICT = f"{PREFIX}verdict"

#: The newest names of a chain that a job carries, and how long they may be together: a tag or property of a run takes
#: 1,000 characters (Microsoft Learn, "Azure Machine Learning service limits"). The depth tells how many there were.
LONGEST, CHARACTERS = 50, 1000
#: What a job tells of the reason; the ledger has all of it.
REASON = 500
#: A deeper chain is nonsense; no limit is near it.
DEEPEST = 999
#: Ids of events are shorter.
ROOT_CHARACTERS = 200
#: As in reactions.yaml.
NAME = re.compile(r"[a-z][a-z0-9-]{0,39}")


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelVersion:
    """A registered model version; whether a job made it, Azure ML knows."""

    name: str
    version: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RootRun:
    """A run that belongs to no other: a job, under its name."""

    id: str


type Origin = ModelVersion | RootRun


def ours(properties: Mapping[str, object]) -> Mapping[str, str]:
    """Return the properties that a reaction left there."""
    return {name: value for name, value in properties.items() if name.startswith(PREFIX) and isinstance(value, str)}


@dataclass(frozen=True, slots=True, kw_only=True)
class Chain:
    """What led to something: the event it all began with, how many jobs ago, and their reactions, oldest first.

    *depth* may be more than there are *reactions*: the newest are kept, and jobs of older releases name only theirs.
    """

    root: str = ""
    depth: int = 0
    reactions: tuple[str, ...] = ()

    @classmethod
    def of(cls, properties: Mapping[str, str]) -> Self:
        """Read the chain that *properties* tell; what makes no sense is taken for not told."""
        told = properties.get(CHAIN) or properties.get(REACTION, "")
        names = tuple(name for name in told[: 2 * CHARACTERS].split(",") if NAME.fullmatch(name))[-LONGEST:]
        root, depth = properties.get(ROOT, ""), properties.get(DEPTH, "")
        number = int(depth) if depth.isdecimal() and len(depth) <= len(str(DEEPEST)) else 0
        return cls(
            root=root if root.isprintable() and len(root) <= ROOT_CHARACTERS else "",
            depth=max(number, len(names)),
            reactions=names,
        )

    def then(self, reaction: str, *, event: str) -> Self:
        """Return the chain with the job that *reaction* starts at *event* (its id)."""
        names = (*self.reactions, reaction)[-LONGEST:]
        while len(",".join(names)) > CHARACTERS:
            names = names[1:]
        return type(self)(root=self.root or event, depth=self.depth + 1, reactions=names)

    def properties(self) -> Mapping[str, str]:
        """Return what a job carries of it; `Chain.of` reads it again."""
        return {ROOT: self.root, DEPTH: str(self.depth), CHAIN: ",".join(self.reactions)}


@dataclass(frozen=True, slots=True, kw_only=True)
class Started:
    """For what a job is started: the event's id and time, what happened (`family|identity`), to what, and where."""

    event: str
    time: str
    identity: str
    subject: str
    installation: str
    generation: int = 0

    def properties(self) -> Mapping[str, str]:
        """Return what a job carries of it."""
        return {
            f"{PREFIX}event": self.event,
            EVENT_TIME: self.time,
            IDENTITY: self.identity,
            SUBJECT: self.subject[:CHARACTERS],
            INSTALLATION: self.installation,
            **({GENERATION: str(self.generation)} if self.generation else {}),
        }


def stamp(
    chain: Chain, started: Started, *, reaction: str, reason: str, digest: str, operation: str, version: str
) -> Mapping[str, str]:
    """Return the properties by which a job explains itself: *chain* led to its event, this job is the next link."""
    return {
        REACTION: reaction,
        f"{PREFIX}reason": reason[:REASON],
        **started.properties(),
        OPERATION: operation,
        RULE: digest,
        f"{PREFIX}version": version,
        **chain.then(reaction, event=started.event).properties(),
    }
