"""The app under Microsoft's worker runtime: what is indexed, and one event through every trigger."""

import base64
import json
import subprocess
import sys
from pathlib import Path

import pytest

import handlers
from local.azure import Fault
from local.samples import sample
from local.twin import ROOT, Twin, trouble
from shared.messages import INLINE_BYTES
from tests.fakes.events import altered

pytestmark = pytest.mark.xdist_group("twin")


def jobs(twin: Twin, version: str) -> list[int]:
    """Return the answers to the job PUTs about a model version."""
    return [entry.status for entry in twin.azure.journal.jobs_put() if f"-churn-{version}-" in entry.url]


def registered(twin: Twin, version: str, **data: object) -> dict[str, object]:
    """Return the event of a version of churn that the workspace knows."""
    twin.workspace.register("models", f"churn:{version}")
    return altered("model-registered", event_id=f"id-{version}", modelVersion=version, **data)


def test_what_is_indexed(twin: Twin) -> None:
    """A push function for every family, the queue's function, and the poison queue's; nothing else."""
    bindings = {name: bindings[0] for name, bindings in twin.host.bindings().items()}
    pushed = {family.function: "eventGridTrigger" for family in handlers.PUSHED}
    assert {name: binding["type"] for name, binding in bindings.items()} == {
        **pushed,
        "react": "queueTrigger",
        "dead_letter": "queueTrigger",
    }
    assert set(pushed) == {"model_registered", "data_drift", "pipeline_failure"}
    queues = {name: (binding.get("queueName"), binding.get("connection")) for name, binding in bindings.items()}
    assert queues["react"] == ("workspace-events", "StateStorage")
    assert queues["dead_letter"] == ("workspace-events-poison", "StateStorage")


def test_nothing_is_imported_at_index_that_is_not_needed() -> None:
    """Of Azure's packages azure.functions alone; a cold start pays for every module."""
    code = "import function_app, sys, json; print(json.dumps(sorted(sys.modules)))"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT, timeout=60
    )
    modules = json.loads(done.stdout)
    sdk = {name for name in modules if name.startswith("azure.") and not name.startswith("azure.functions")}
    heavy = {name for name in modules if name.split(".")[0] in {"yaml", "jinja2", "requests", "urllib3", "msal"}}
    assert (sdk, heavy) == (set(), set())


@pytest.mark.parametrize("text", [json.dumps, lambda event: base64.b64encode(json.dumps(event).encode()).decode()])
def test_a_bare_event_in_the_queue_reacts(twin: Twin, text: object) -> None:
    """As Event Grid writes it, raw or base64."""
    version = "raw" if text is json.dumps else "base64"
    assert callable(text)
    twin.put(text(registered(twin, version)))
    twin.queue_empty()
    assert jobs(twin, version) == [201]


def test_a_pushed_cloud_event_reacts(twin: Twin) -> None:
    """The binding hands over another class; the event is the same."""
    twin.workspace.register("models", "churn:cloud")
    event = sample("model-registered.cloudevents")
    event["data"]["ModelVersion"] = "cloud"
    assert twin.post(event) == [(202, "")]
    twin.queue_empty()
    assert jobs(twin, "cloud") == [201]


def test_a_job_explains_itself(twin: Twin) -> None:
    """The PUT carries who started it and why, as properties and tags, and the model as an ARM id."""
    twin.post([registered(twin, "explained")])
    twin.queue_empty()
    (entry,) = [entry for entry in twin.azure.journal.jobs_put() if "-churn-explained-" in entry.url]
    job = entry.json()["properties"]
    assert job["inputs"]["model"]["uri"] == f"{twin.workspace.id}/models/churn/versions/explained"
    for place in (job["properties"], job["tags"]):
        assert (place["reactor_reaction"], place["reactor_event"]) == ("offline-test", "id-explained")
    assert entry.headers["authorization"] == "Bearer"
    assert "x-azureml-token" in entry.headers


def test_throttling_waits_in_the_queue(twin: Twin) -> None:
    """A 429 with Retry-After is one PUT now and one later, under the same name."""
    event = registered(twin, "throttled")
    rule = Fault(method="PUT", url="/jobs/[a-z-]+-churn-throttled-", status=429, headers={"Retry-After": "1"}, times=1)
    twin.azure.faults.add(rule)
    twin.post([event])
    twin.queue_empty()
    assert jobs(twin, "throttled") == [429, 201]


def test_broken_messages_become_dead_letters(twin: Twin) -> None:
    """No crash, no poison: raw bytes and the reason are kept, the others are unaffected."""
    before = twin.dead_letters()
    twin.put("not JSON, not base64")
    twin.put(json.dumps([{"no": "event"}, registered(twin, "beside")]))
    twin.put('{"data": ' + "[" * 5000)
    twin.queue_empty()
    letters = [letter for name, (letter,) in twin.dead_letters().items() if name not in before]
    assert sorted(letter["deadLetterReason"].partition(" (")[0] for letter in letters) == [
        "malformed: data is missing or not an object",
        "malformed: the message is neither JSON nor base64",
        "malformed: the message is not JSON that can be read",
    ]
    assert jobs(twin, "beside") == [201]
    assert not [line for line in twin.host.lines if "Traceback" in line]


def test_unknown_types_are_skipped_with_a_reason(twin: Twin) -> None:
    """An event of another service, or the handshake, in our queue is nobody's."""
    event = {
        **sample("model-registered"),
        "id": "unknown-type",
        "eventType": "Microsoft.EventGrid.SubscriptionValidationEvent",
    }
    twin.put(json.dumps(event))
    twin.queue_empty()
    (fact,) = [fact for fact in twin.facts if fact.get("event") == "unknown-type"]
    assert fact["did"] == "event.skipped"
    assert "model-registered: no registered model" in fact["reason"]


def test_an_event_too_large_for_a_message_goes_through_a_blob(twin: Twin) -> None:
    """Pushed events may measure 1 MB; a queue message 64 KB."""
    event = registered(twin, "large", modelProperties={"notes": "x" * (10 * INLINE_BYTES)})
    assert twin.post([event]) == [(202, "")]
    twin.queue_empty()
    assert jobs(twin, "large") == [201]


def test_a_pushed_event_that_cannot_be_read_is_kept(twin: Twin) -> None:
    """The misspelt `specVersion` makes the binding lose type and source: a dead letter, acknowledged."""
    event = sample("model-registered.cloudevents")
    event["specVersion"] = event.pop("specversion")
    before = len(twin.dead_letters())
    assert twin.host.post_event("model_registered", event) == (202, "")
    assert len(twin.dead_letters()) == before + 1


def test_a_deployment_without_settings_waits(tmp_path: Path) -> None:
    """One line names every missing setting; the event goes back with a delay, no row is touched, nothing is lost."""
    missing = {"WORKSPACES": "", "INSTALLATION": "", "MAIL_SENDER": ""}
    with Twin(settings=missing) as twin:
        twin.post([registered(twin, "waiting")])
        twin.until(lambda: any(fact["did"] == "configuration.error" for fact in twin.facts))
        twin.until(lambda: twin.host.status().running == 0)
        told = [fact["problem"] for fact in twin.facts if fact["did"] == "configuration.error"]
        assert {problem.split()[2] for problem in told} == set(missing)
        assert twin.waiting() == 1
        assert jobs(twin, "waiting") == []
    broken = tmp_path / "reactions.yaml"
    broken.write_text("reactions:\n  - { name: a, on: model-registred }\n")
    with Twin(settings={"REACTIONS_FILE": str(broken)}) as twin:
        twin.post([registered(twin, "waiting")])
        twin.until(lambda: any(fact["did"] == "configuration.error" for fact in twin.facts))
        (problem,) = {fact["problem"] for fact in twin.facts if fact["did"] == "configuration.error"}
        assert problem.startswith("reactions.yaml:2: `on` must be one of")
        twin.until(lambda: twin.waiting() == 1)


def test_no_text_of_an_event_forges_a_log_line(twin: Twin) -> None:
    """Line ends and escapes in every field stay inside one line of JSON, and in no exception."""
    evil = "x\r\nINFO reactor: {forged}\u2028\x1b[31m%s{}"
    event = {**sample("model-registered"), "id": f"id-{evil}", "subject": evil}
    before = len(twin.host.lines)
    twin.put(json.dumps({**event, "data": {**event["data"], "modelName": evil}}))
    twin.put(json.dumps({**event, "data": {"modelName": [evil]}}))
    twin.put(json.dumps({**event, "topic": evil}))
    twin.queue_empty()
    told = twin.host.lines[before:]
    assert len(told) >= 3
    assert [line for line in told if not line.partition(" reactor: ")[2].startswith('{"did": ')] == []
    assert not any(character in line for line in told for character in "\x1b\u2028")


def test_nothing_went_wrong_behind_the_scenes(twin: Twin) -> None:
    """No unknown URL, no body that breaks its contract, no error of the stand-in."""
    twin.post([registered(twin, "last")])
    twin.queue_empty()
    assert trouble(twin) == []
