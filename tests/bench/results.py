"""What a run of the bench found. Times are seconds, memory is bytes; lists are one value for each repetition."""

import msgspec


class Start(msgspec.Struct, kw_only=True):
    """One cold start: seconds from the start of the process until each stage was over, in order."""

    runtime: float
    indexed: float
    taken_in: float
    effect: float
    modules: int
    memory: int


class Starts(msgspec.Struct, kw_only=True):
    """The cold starts of *contestant* up to its first *effect* (job, mail), under *conditions*."""

    contestant: str
    effect: str
    conditions: str
    runs: list[Start]


class Events(msgspec.Struct, kw_only=True):
    """What *contestant* needed for each of several events when warm."""

    contestant: str
    effect: str
    seconds: list[float]
    cpu: float
    azure: float = 0.0
    connections: float = 0.0
    storage: float = 0.0
    memory_before: int = 0
    memory_after: int = 0
    azure_ai_ml: bool = False
    #: Only of a mail: until the mail service had taken it.
    accepted: list[float] = []


class Rate(msgspec.Struct, kw_only=True):
    """Events a second of *contestant* with so many *processes*, and CPU seconds for each event by who used them."""

    contestant: str
    processes: int
    rate: float
    cpu: float = 0.0
    azurite: float = 0.0
    stand_in: float = 0.0


class Step(msgspec.Struct, kw_only=True):
    """The cost of some events in a row, the last of which was number *number*: median seconds, requests, bytes."""

    number: int
    seconds: float
    requests: float
    sent: float


class Growth(msgspec.Struct, kw_only=True):
    """How the cost of an event changes with those before it; *story* says what they are about."""

    story: str
    steps: list[Step]


class Results(msgspec.Struct, kw_only=True):
    """One run of the bench."""

    date: str
    cores: int
    python: str
    seconds: float = 0.0
    cold: float | None = None
    starts: list[Starts] = []
    events: list[Events] = []
    rates: list[Rate] = []
    growth: list[Growth] = []

    def start(self, contestant: str, effect: str, conditions: str) -> Starts:
        """Return the cold starts of that kind. Raises StopIteration when there are none."""
        return next(
            one
            for one in self.starts
            if (one.contestant, one.effect, one.conditions) == (contestant, effect, conditions)
        )

    def event(self, contestant: str, effect: str) -> Events:
        """Return the warm events of that kind. Raises StopIteration when there are none."""
        return next(one for one in self.events if (one.contestant, one.effect) == (contestant, effect))
