"""What is told to others: of ends, verdicts and dead letters; once, with ids of their own, and never to ourselves."""

import json
from datetime import timedelta
from typing import Any

import jsonschema  # type: ignore[import-untyped] # it has no types
import msgspec
import pytest
from azure.core.messaging import CloudEvent
from typer.testing import CliRunner

import handlers
from ops.__main__ import app
from ops.outcome_schema import SCHEMA, build
from shared.actions import Deferred, Failed
from shared.published import TYPES
from shared.verdicts import Measured
from tests.fakes.events import ended, sample
from tests.fakes.gateways import FakeOutcomes
from tests.fakes.service import WORKSPACE, FakeService, rules
from tests.markdown import DOCS, blocks, code, section, table
from tests.unit.test_verdicts import RULES, mailed

SCHEMAS = json.loads(SCHEMA.read_text(encoding="utf-8"))
PAGE = (DOCS / "outcome-events.md").read_text(encoding="utf-8")


def told(accuracy: object = 0.93, outcome: str = "Completed") -> tuple[FakeService, FakeOutcomes, dict[str, Any]]:
    """Return a service with a topic, after a test that measured that has ended and was told."""
    topic = FakeOutcomes()
    service = FakeService(reactions=rules(RULES), outcomes=topic)
    service.deliver(sample("model-registered"))
    (job,) = service.jobs.jobs
    service.measurements.known[job, "judge"] = Measured(metrics={"accuracy": accuracy})
    end = ended(service.jobs, job, outcome)
    return service, topic, end


def letters_of(topic: FakeOutcomes) -> list[dict[str, Any]]:
    """Return what was told of dead letters."""
    return [dict(one) for one in topic.events if one["type"] == "WorkspaceReactor.DeadLettered"]


def test_the_end_and_the_verdict() -> None:
    """One event each, whole, with ids that derive from the job."""
    service, topic, end = told()
    service.deliver(end)
    service.run_queue()
    job = next(iter(service.jobs.jobs))
    of_end, of_verdict = topic.events
    assert of_end == {
        "specversion": "1.0",
        "id": f"{job}-finished",
        "source": WORKSPACE,
        "type": "WorkspaceReactor.ReactionFinished",
        "subject": f"reactions/offline-test/jobs/{job}",
        "time": "2026-11-24T09:12:00.410000Z",
        "datacontenttype": "application/json",
        "data": {
            "reaction": "offline-test",
            "job": job,
            "outcome": "completed",
            "workspace": WORKSPACE,
            "experiment": "offline-test",
            "cause": "model-registered|churn:7",
            "chain": ["offline-test"],
            "model": {"name": "churn", "version": "7"},
            "seconds": 720,
        },
    }
    assert (of_verdict["type"], of_verdict["id"]) == ("WorkspaceReactor.VerdictGiven", f"{job}-verdict")
    assert isinstance(data := of_verdict["data"], dict)
    assert (data["verdict"], data["why"]) == ("passed", "accuracy 0.93, wanted at least 0.9")


def test_they_are_cloud_events_of_the_schema() -> None:
    """As azure-core's own class reads them, which azure-eventgrid sends; and by the schema of the docs."""
    service, topic, end = told()
    service.deliver(end)
    service.jobs.script = [Failed("refused")]
    service.deliver({**sample("model-registered"), "id": "x", "data": {"modelName": "price", "modelVersion": "1"}})
    service.run_queue()
    assert {str(event["type"]) for event in topic.events} == TYPES.keys()
    for event in topic.events:
        read: CloudEvent[Any] = CloudEvent.from_dict(event)
        assert (read.id, read.type, read.specversion) == (event["id"], event["type"], "1.0")
        jsonschema.validate(event, SCHEMAS)
        with pytest.raises(jsonschema.ValidationError):
            jsonschema.validate({**event, "data": {}}, SCHEMAS)


def test_told_again() -> None:
    """Nothing is published twice, in any number of deliveries."""
    service, topic, end = told()
    for number in range(3):
        service.deliver({**end, "id": f"again-{number}"})
    service.run_queue()
    assert len(topic.events) == 2


def test_a_topic_that_does_not_answer_holds_up_nothing() -> None:
    """Its events wait in the queue, as any action; the rest is done at once."""
    service, topic, end = told()
    topic.script = [Deferred("topic 503", timedelta(seconds=30))] * 3
    service.deliver(end)
    assert (len(service.jobs.jobs), mailed(service)) == (2, ["mail-all"])
    service.run_queue()
    assert len(topic.events) == 2
    assert service.letters.blobs == {}


def test_a_topic_that_refuses() -> None:
    """A dead letter, of which nobody is told: the topic would refuse that too."""
    service, topic, end = told()
    topic.script = [Failed("topic-refused 400")]
    service.deliver(end)
    service.run_queue()
    assert len(service.letters.blobs) == 1
    assert [event["type"] for event in topic.events] == ["WorkspaceReactor.VerdictGiven"]


def test_a_refusal_that_is_replayed() -> None:
    """The event is published, under the id that it would have had."""
    service, topic, end = told()
    topic.script = [Failed("topic-refused 400")]
    service.deliver(end)
    service.run_queue()
    letter = json.loads(next(iter(service.letters.blobs.values())))[0]
    service.deliver_text(msgspec.json.encode({"event": end, "reopen": letter["reactorFailure"]}))
    service.run_queue()
    job = next(iter(service.jobs.jobs))
    assert [event["id"] for event in topic.events] == [f"{job}-verdict", f"{job}-finished"]
    assert (len(service.jobs.jobs), mailed(service)) == (2, ["mail-all"])


def test_a_dead_letter_is_told() -> None:
    """The failure, its reason and where it lies; once."""
    service, topic, _end = told()
    service.jobs.script = [Failed("refused 400: look at the job file")]
    event = {**sample("model-registered"), "id": "m-8"}
    event["data"] = {**event["data"], "modelVersion": "8"}
    service.deliver(event)
    service.run_queue()
    (letter,) = service.letters.blobs
    (told_of,) = letters_of(topic)
    assert told_of["time"] == "2026-11-24T09:00:00+00:00"
    assert told_of["data"] == {
        "failure": "offline-test#1",
        "reason": "refused 400: look at the job file",
        "letter": letter,
        "workspace": WORKSPACE,
        "event": "m-8",
    }


def test_a_dead_letter_of_a_large_event_is_told() -> None:
    """Whose text is in a blob."""
    service, topic, _end = told()
    service.jobs.script = [Failed("refused 400")]
    large = {**sample("model-registered"), "id": "m-9"}
    large["data"] = {**large["data"], "modelVersion": "9", "modelProperties": {"notes": "x" * 40_000}}
    handlers.take_in(handlers.HANDLERS[0], large, service)
    assert len(service.large_events.blobs) == 1
    service.run_queue()
    assert [one["data"]["event"] for one in letters_of(topic)] == ["m-9"]


@pytest.mark.parametrize(("time", "published"), [("2026-11-24T09:12:00", "2026-11-24T09:12:00Z"), ("soon", None)])
def test_a_time_is_one_of_the_schema(time: str, published: str | None) -> None:
    """Without an offset it is UTC; what is none is left out: the topic would refuse the event."""
    service, topic, end = told()
    service.deliver({**end, "eventTime": time})
    service.run_queue()
    assert [one.get("time") for one in topic.events] == [published, published]
    for event in topic.events:
        jsonschema.validate(event, SCHEMAS)
        read: CloudEvent[Any] = CloudEvent.from_dict(event)
        assert read.time is None or read.time.tzinfo is not None


def test_without_a_topic_nobody_is_told() -> None:
    """And nothing is on record of it."""
    service = FakeService(reactions=rules(RULES))
    service.deliver(sample("model-registered"))
    (job,) = service.jobs.jobs
    service.deliver(ended(service.jobs, job, "Failed"))
    assert "finished-event" not in str(service.rows())
    assert "e_offline_test" not in str(service.rows())


def test_our_own_reactions_never_see_them() -> None:
    """Where somebody wires the topic back to the app, every one is passed by."""
    service, topic, end = told()
    service.deliver(end)
    service.run_queue()
    rows, jobs = service.rows(), list(service.jobs.jobs)
    for event in topic.events:
        service.deliver(event)
        for family in handlers.PUSHED:
            handlers.take_in(family, event, service)
    assert (service.rows(), list(service.jobs.jobs), service.queue.sent) == (rows, jobs, [])


def test_the_schema_is_fresh() -> None:
    """`python -m ops outcome-schema` writes it."""
    assert build() == SCHEMAS
    assert CliRunner().invoke(app, ["outcome-schema", "--check"]).exit_code == 0


def test_the_examples_of_the_page_are_of_the_schema() -> None:
    """Those that are whole events."""
    examples = [json.loads(block.text) for block in blocks(PAGE) if block.info == "json"]
    events = [example for example in examples if "specversion" in example]
    assert events
    for event in events:
        jsonschema.validate(event, SCHEMAS)


@pytest.mark.parametrize("name", TYPES)
def test_every_field_is_told(name: str) -> None:
    """In the words of the schema."""
    rows = table(section(PAGE, name.removeprefix("WorkspaceReactor.")), "field")
    fields = msgspec.json.schema(TYPES[name])["$defs"][TYPES[name].__name__]["properties"]
    assert {code(field)[0]: words for field, words in rows} == {
        field: told["description"] for field, told in fields.items()
    }
