"""Bar 14, by chance: no input of the parser or of the runtime's entries raises anything that is not meant to.

A run may raise StorageError and DeadlineError, by which the host keeps the message; whatever else comes out of it is a
message that comes back until it is poison. Here storage, Azure ML and mail fail as they like meanwhile.
"""

import base64
import contextlib
import itertools
import json
import logging
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

import handlers
from shared.actions import Deferred, Failed
from shared.errors import DeadlineError, MalformedError, StorageError
from shared.events import NotOurs, parse
from shared.gateways.large_events import fetch, stow
from shared.messages import decode, told
from shared.telemetry import LINE_CHARACTERS
from tests.fakes.events import SAMPLES, sample
from tests.fakes.gateways import FakeBlobs
from tests.fakes.service import EACH, REACTIONS, WORKSPACE, rules
from tests.faults.faulty import points
from tests.faults.figures import Figures
from tests.faults.simulation import Simulation

#: Counts the runs.
RUNS = itertools.count()
#: What a run may end with besides well.
MEANT = (StorageError, DeadlineError)
#: The samples, those that something follows from more often.
NAMES = [
    *sorted(path.stem for path in SAMPLES.glob("*.json")),
    *["model-registered", "monitor-breach", "pipeline-failed", "dataset-drift"] * 5,
]
#: Rules with conditions, guards and mails for every family, so that odd values meet all of them.
RULES = rules(
    REACTIONS
    + """
  - { name: picky, on: model-registered, when: { model: ["c*", "[!a]?"], tags: { stage: "*" } }, mail: { to: ops } }
  - { name: tell, on: data-drift, when: { monitor: "*", signal: "*" }, mail: { to: ops, runbook: "https://x.example" } }
  - { name: critical, on: pipeline-failed, when: { tags: { critical: "t*" } }, mail: { to: ops } }
"""
)
TEXT = st.text(st.characters(exclude_categories=()), max_size=30) | st.sampled_from(
    ["\ud800", "\udfff\ud800", "\0", "\r\n", "\u2028", "a" * 5000, "azureml:x:1", "../..", "{{ 7 }}", "%s%n", WORKSPACE]
)
NUMBERS = st.integers() | st.floats() | st.sampled_from([10**400, 2**63, -0.0, 1e308])
JSON = st.recursive(
    st.none() | st.booleans() | NUMBERS | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=8,
)
ODD: st.SearchStrategy[Any] = st.sampled_from([None, True, 7, 1.5, "", [], {}])
PLAIN = st.text(max_size=10)
TAGS = st.dictionaries(TEXT, TEXT, max_size=3)
ENVELOPE = ("id", "topic", "source", "subject", "eventType", "type", "eventTime", "time", "data", "specversion")
DATA = (
    "runTags",
    "runProperties",
    "modelTags",
    "runStatus",
    "runType",
    "modelName",
    "modelVersion",
    "runId",
    "dataDriftId",
)
MARKS = ("event", "blob", "token", "replaces", "reopen", "generation")
#: The first finding ends it, unshrunk: to look for a smaller one takes minutes where the input is as wild as this.
many = settings(
    max_examples=300,
    phases=(Phase.explicit, Phase.generate),
    report_multiple_bugs=False,
    suppress_health_check=list(HealthCheck),
)


@st.composite
def events(draw: st.DrawFn) -> dict[str, Any]:
    """Draw a sample with something else in up to three of its places, mostly of its data, the names in any case."""
    event = sample(draw(st.sampled_from(NAMES)))
    for _ in range(draw(st.integers(0, 3))):
        whole = draw(st.integers(0, 9)) == 0
        inside = not whole and draw(st.integers(0, 3)) and isinstance(event.get("data"), dict)
        place, names = (event["data"], DATA) if inside else (event, ("data",) if whole else ENVELOPE)
        name = draw(st.sampled_from(names) | TEXT if not whole else st.just("data"))
        if draw(st.integers(0, 4)) == 0:
            place.pop(name, None)
        else:
            place[draw(st.sampled_from([name, name.upper(), name.casefold()]))] = draw(
                PLAIN | PLAIN | TEXT | ODD | TAGS | JSON
            )
    return event


@st.composite
def payloads(draw: st.DrawFn) -> bytes:
    """Draw a queue message: an event, bare or wrapped, raw or base64; or what is none, or one that was cut about."""
    kind = draw(st.sampled_from(["event", "event", "wrapped", "other", "bytes"]))
    told = draw(JSON | st.lists(events(), max_size=3) if kind == "other" else events())
    if kind == "wrapped":
        odd = draw(st.dictionaries(st.sampled_from(MARKS), JSON, max_size=1))
        told = {"event": told, "token": draw(PLAIN), "generation": draw(st.integers(0, 2)), **odd}
    text = json.dumps(told, ensure_ascii=draw(st.booleans())).encode("utf-8", "surrogatepass")
    if kind == "bytes":
        start = draw(st.integers(0, len(text)))
        text = text[:start] + draw(st.binary(max_size=4)) + text[start + draw(st.integers(0, 20)) :]
    return base64.b64encode(text) if draw(st.booleans()) else text


@dataclass
class Weather:
    """Lets something go wrong at drawn calls of the edges: *plan* has an error by the number of the call."""

    plan: dict[int, type[Exception]]
    calls: int = 0
    reached: list[str] = field(default_factory=list)

    def __call__(self, point: str) -> None:
        """See tests.faults.faulty."""
        self.calls += 1
        self.reached.append(point)
        if self.calls in self.plan:
            raise self.plan[self.calls]


WEATHER = st.dictionaries(st.integers(1, 25), st.sampled_from(MEANT), max_size=3).map(lambda plan: Weather(dict(plan)))
ANSWERS = st.lists(
    st.sampled_from([Deferred(reason="later", after=timedelta(seconds=30)), Failed(reason="refused: \U0001f600 no")]),
    max_size=3,
)


@contextlib.contextmanager
def logged() -> Iterator[list[str]]:
    """Collect the log lines of a run: each is one line of JSON, whatever is in it."""
    lines: list[str] = []
    logger, handler = logging.getLogger("reactor"), logging.Handler()
    handler.emit = lambda record: lines.append(record.getMessage())  # type: ignore[method-assign] # a list is enough
    before = logger.level, logger.propagate
    logger.setLevel(logging.DEBUG)
    logger.propagate = False
    logger.addHandler(handler)
    try:
        yield lines
    finally:
        logger.removeHandler(handler)
        logger.setLevel(before[0])
        logger.propagate = before[1]
    assert all(line.isprintable() and line.isascii() and len(line) <= LINE_CHARACTERS for line in lines)
    assert all(json.loads(line)["did"] for line in lines)


@pytest.fixture(scope="module", autouse=True)
def counted(figures: Figures) -> Iterator[None]:
    """Record how often something was run here."""
    yield
    figures.record("14", fuzzed_runs=next(RUNS))


def attempt(run: Callable[[], object]) -> bool:
    """Run; whether it ended well. Anything but what is meant is the finding."""
    next(RUNS)
    with logged():
        try:
            run()
        except MEANT:
            return False
    return True


@many
@given(payloads())
def test_nothing_in_the_queue_breaks_the_parser(text: bytes) -> None:
    """A message is read, or malformed."""
    blobs = FakeBlobs()
    with contextlib.suppress(MalformedError):
        for message in decode(text):
            kept = stow(message, blobs)
            assert decode(kept.encode()) == (kept,)
            envelope = parse(told(fetch(kept, blobs)))
            for family in handlers.HANDLERS:
                found = family.recognise(envelope)
                assert isinstance(found, NotOurs) or (found.subject and found.identity)


@many
@given(payloads(), WEATHER, ANSWERS)
def test_nothing_in_the_queue_breaks_a_run(text: bytes, weather: Weather, answers: list[Any]) -> None:
    """Whatever it is, and whatever fails meanwhile; when all is well again, the message is taken."""
    service = Simulation(reactions=RULES, fault=weather)
    service.jobs.script, service.mail.script = list(answers), list(answers)
    well = attempt(lambda: handlers.dispatch(text, service))
    assert well or weather.plan
    weather.plan = {}
    assert attempt(lambda: handlers.dispatch(text, service))
    assert attempt(lambda: service.run(most=500))
    assert (service.unsettled(), service.line.poison) == ([], [])


@many
@given(events() | st.dictionaries(TEXT, JSON, max_size=4), WEATHER)
def test_nothing_that_is_pushed_breaks_a_run(event: dict[str, Any], weather: Weather) -> None:
    """What Event Grid's trigger hands over: large numbers, NaN and lone surrogates too, as json.loads reads them."""
    service = Simulation(reactions=RULES, fault=weather)
    for family in handlers.HANDLERS:
        well = attempt(lambda family=family: handlers.take_in(family, event, service))  # type: ignore[misc] # of the loop
        assert well or weather.plan
    weather.plan = {}
    for family in handlers.HANDLERS:
        assert attempt(lambda family=family: handlers.take_in(family, event, service))  # type: ignore[misc] # as above
    assert attempt(lambda: service.run(most=500))
    assert (service.unsettled(), service.line.poison) == ([], [])


@many
@given(st.binary(max_size=300), WEATHER)
def test_nothing_breaks_the_poison_queue(text: bytes, weather: Weather) -> None:
    """It is kept, or storage is away; one letter for one content."""
    service = Simulation(fault=weather)
    well = attempt(lambda: handlers.bury(text, service))
    assert well or weather.plan
    weather.plan = {}
    assert attempt(lambda: handlers.bury(text, service))
    assert len(service.letters.blobs) == 1


@pytest.mark.parametrize("point", points())
@pytest.mark.parametrize("error", MEANT)
def test_an_edge_that_fails_is_told_as_such(point: str, error: type[Exception]) -> None:
    """At every point of every edge: nothing is wrapped, swallowed or taken for a malformed message."""
    failed: list[str] = []

    def fault(reached: str) -> None:
        if reached == point and not failed:
            failed.append(point)
            raise error

    service = Simulation(reactions=rules(EACH), fault=fault)
    large = sample("model-registered")
    large["data"]["modelProperties"] = {"notes": "x" * 40_000}
    service.jobs.script = [Failed(reason="refused"), Deferred(reason="later", after=timedelta(seconds=30))]
    service.mail.script = [Deferred(reason="unknown", after=timedelta(seconds=60))]
    for text in (json.dumps(sample("pipeline-failed")).encode(), json.dumps(large).encode(), b"{"):
        before = len(failed)
        well = attempt(lambda text=text: handlers.dispatch(text, service))  # type: ignore[misc] # of the loop
        assert well == (len(failed) == before)
        if not well:
            assert attempt(lambda text=text: handlers.dispatch(text, service))  # type: ignore[misc] # as above
    service.run()
    assert failed
    assert (service.unsettled(), service.line.poison) == ([], [])
