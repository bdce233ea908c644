"""Bar 14: whatever stands in the queue, or is pushed, is done, skipped or a dead letter; nothing crashes."""

import base64
import json
import resource
import subprocess
import sys
import time
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import handlers
from local.twin import ROOT, Twin
from shared.errors import StorageError
from tests.fakes.events import SAMPLES, sample
from tests.fakes.gateways import FakeBlobs
from tests.fakes.service import EACH, FakeService, rules
from tests.faults.figures import Figures

EVENT = sample("model-registered")
ODD: list[object] = [None, True, 7, -1.5, "", "x" * 5000, [], {}, [[]], {"a": 1}, "\0", "\u202e", "../..", "%2e%2e"]
FIELDS = ("id", "topic", "subject", "eventType", "eventTime", "data")
DATA = ("modelName", "modelVersion", "modelTags", "modelProperties")
WRAPPING = ("token", "reopen", "generation", "blob", "x")
RAW = (b"", b"{", b"[", b'"', b"null", b"\xff\xfe", b"AAAA", b"{}", b"[{}]", b"{'a': 1}")
RUN_DATA = ("runId", "experimentName", "runStatus", "runType", "runTags", "runProperties")


def changed(name: str, field: str, value: object) -> dict[str, Any]:
    """Return a sample with another value in one field of its data."""
    event = sample(name)
    return {**event, "data": {**event["data"], field: value}}


def odd_fields() -> dict[str, object]:
    """Return the samples with each odd value in each of their fields."""
    told: dict[str, object] = {}
    for number, odd in enumerate(ODD):
        told |= {f"{field} is odd {number}": {**EVENT, field: odd} for field in FIELDS}
        told |= {f"data.{field} is odd {number}": changed("model-registered", field, odd) for field in DATA}
        told |= {f"run {field} is odd {number}": changed("pipeline-failed", field, odd) for field in RUN_DATA}
        told |= {f"wrapped, {field} is odd {number}": {"event": EVENT, field: odd} for field in WRAPPING}
    return told


def corpus() -> dict[str, bytes]:
    """Return payloads by what is wrong with them."""
    told = odd_fields()
    told |= {f"without {field}": {key: value for key, value in EVENT.items() if key != field} for field in FIELDS}
    told |= {
        "blob only": {"blob": "no-such.json"},
        "blob path": {"blob": "../dead-letters/x"},
        "wrapped twice": {"event": {"event": EVENT}},
        "empty array": [],
        "array of odd": ODD,
        "array of arrays": [[EVENT]],
        "both schemas": {**EVENT, "type": "x", "source": "y"},
    }
    raw = {name: json.dumps(value).encode() for name, value in told.items()}
    raw |= {f"raw {number}": bad for number, bad in enumerate(RAW)}
    raw |= {
        "a megabyte": json.dumps(changed("model-registered", "modelProperties", {"x": "y" * 1_000_000})).encode(),
        "ten thousand deep": b'{"data":' * 10_000 + b"1" + b"}" * 10_000,
        "a million digits": b'{"data": {"modelVersion": ' + b"9" * 1_000_000 + b"}}",
        "NaN": b'{"data": {"modelVersion": NaN}}',
        "duplicate keys": b'{"id": "a", "id": 7, "data": {}}',
        "lone surrogate": b'{"id": "\\ud800", "data": {}}',
        "a huge array": json.dumps([{"id": str(number)} for number in range(5000)]).encode(),
        "base64 of rubbish": base64.b64encode(b"\x00\x01rubbish"),
        "base64 of base64": base64.b64encode(base64.b64encode(json.dumps(EVENT).encode())),
    }
    return raw


CORPUS = corpus()


def test_the_whole_corpus_through_the_queue(figures: Figures) -> None:
    """Every payload ends; a letter is named by its content, so twice is one; none takes longer than 100 ms."""
    worst = 0.0
    for name, payload in CORPUS.items():
        service = FakeService(reactions=rules(EACH))
        for _ in range(2):
            started = time.process_time()
            handlers.dispatch(payload, service)
            worst = max(worst, time.process_time() - started) if len(payload) < 100_000 else worst
        letters = service.letters.letters()
        assert len(letters) <= 1, name
        assert all(str(letter["deadLetterReason"]) for letter in letters)
        assert len(service.jobs.puts) + len(service.mail.posts) <= 1, name
        while service.queue.sent and not name.startswith("a huge"):
            handlers.dispatch(service.queue.sent.pop(0)[0], service)
    assert worst < 0.1
    assert len(CORPUS) > 60
    figures.record("14", payloads=len(CORPUS), worst_ms=round(worst * 1000, 1))


def test_the_corpus_pushed(figures: Figures) -> None:
    """What Event Grid's trigger hands over is refused as quietly."""
    pushed = 0
    for payload in CORPUS.values():
        try:
            event = json.loads(payload)
        except (ValueError, RecursionError):
            continue
        if isinstance(event, dict):
            service = FakeService()
            for family in handlers.HANDLERS:
                handlers.take_in(family, event, service)
            assert len(service.queue.sent) + len(service.letters.blobs) <= 2
            pushed += 1
    assert pushed > 40
    figures.record("14", pushed=pushed)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=10), inner, max_size=3),
    max_leaves=6,
)


@st.composite
def mutated(draw: st.DrawFn) -> Any:
    """Draw a sample event with something else in one or two of its places."""
    event = sample(draw(st.sampled_from(sorted(path.stem for path in SAMPLES.glob("*.json")))))
    for _ in range(draw(st.integers(1, 2))):
        place = event if draw(st.booleans()) else event.get("data")
        if isinstance(place, dict) and place:
            place[draw(st.sampled_from(sorted(place)))] = draw(JSON)
    return event


@settings(max_examples=500, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(mutated())
def test_mutated_samples_crash_nothing(event: Any) -> None:
    """Queue and push, whatever stands in whichever place."""
    service = FakeService()
    handlers.dispatch(json.dumps(event).encode(), service)
    for family in handlers.HANDLERS:
        handlers.take_in(family, event, service)


class Unreachable(FakeBlobs):
    """A container that is away."""

    def put(self, *_arguments: object, **_named: object) -> None:
        """See FakeBlobs."""
        raise StorageError


@pytest.mark.parametrize("payload", [b"{", b'{"data": 7}', CORPUS["data.modelName is odd 0"]])
def test_dead_letters_that_cannot_be_kept_are_not_acknowledged(payload: bytes) -> None:
    """The host brings the message back: it is the only copy."""
    with pytest.raises(StorageError):
        handlers.dispatch(payload, FakeService(letters=Unreachable()))
    with pytest.raises(StorageError):
        handlers.bury(payload, FakeService(letters=Unreachable()))


@pytest.mark.parametrize("payload", list(CORPUS.values())[::7])
def test_the_poison_queue_takes_everything(payload: bytes) -> None:
    """Its function never raises for what stands in a message: it would come back for a week."""
    service = FakeService()
    handlers.bury(payload, service)
    assert len(service.letters.blobs) == 1


def test_memory_stays_bounded(figures: Figures) -> None:
    """A bomb of each kind in a process of its own: at most 50 MB more than without."""
    code = """
import resource, sys
from tests.faults.test_poison import CORPUS, FakeService, handlers
names = sys.argv[1:]
payloads = [CORPUS[name] for name in names]
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
for payload in payloads:
    handlers.dispatch(payload, FakeService())
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)
"""
    bombs = ["a megabyte", "ten thousand deep", "a million digits", "a huge array"]
    done = subprocess.run(
        [sys.executable, "-c", code, *bombs], cwd=ROOT, capture_output=True, text=True, timeout=60, check=True
    )
    grown = int(done.stdout.split()[-1]) / 1024
    assert grown < 50
    assert resource.getpagesize() > 0
    figures.record("14", worst_memory_mb=round(grown, 1))


def settled(twin: Twin) -> None:
    """Wait until nothing is left in the queue but reminders, and what waits for another delivery's mail."""

    def deferred() -> int:
        return sum(fact.get("outcome") == "deferred" or fact["did"] == "reminder.sent" for fact in twin.facts)

    twin.until(lambda: twin.host.status().running == 0 and twin.waiting() <= deferred())


def test_a_part_of_the_corpus_in_the_real_host(figures: Figures) -> None:
    """Through Microsoft's runtime, queue and webhook: no run fails but for what the host itself cannot read."""
    with Twin() as twin:
        sent = [payload for payload in list(CORPUS.values())[::5] if 0 < len(payload) < 40_000]
        for payload in sent:
            twin.put(base64.b64encode(payload).decode())
        settled(twin)
        for payload in sent:
            if payload.startswith(b'{"'):
                twin.host.post_event("model_registered", payload)
        settled(twin)
        status = twin.host.status()
        letters = twin.dead_letters()
        assert all(letter["deadLetterReason"] for (letter,) in letters.values())
        assert not [name for name in letters if "poison" in str(letters[name])]
        assert len(twin.workspace.jobs) <= 2  # the event, and the one that says it is a repetition on purpose
        # A time that is no time is refused by the trigger's own binding, before our code.
        assert status.failed <= sum(b'"eventTime"' in payload for payload in sent)
    figures.record("14", in_the_host=len(sent), dead_letters=len(letters))
