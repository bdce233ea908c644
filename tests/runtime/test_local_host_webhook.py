"""The Event Grid webhook of the local host, asked in-process: the answers of Microsoft's extension."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from werkzeug.test import Client, TestResponse

from local.host.webhook import EVENT_GRID_PATH, Webhook
from local.host.worker import Worker
from tests.runtime.host_probe import FIXTURE_APP, cloud_event, event


@pytest.fixture(scope="module")
def worker() -> Iterator[Worker]:
    """The fixture app under the worker runtime."""
    with Worker() as worker:
        worker.start(FIXTURE_APP)
        yield worker


@pytest.fixture
def client(worker: Worker) -> Client:
    """Ask the host without a socket."""
    return Client(Webhook(worker))


def post(
    client: Client, body: object, kind: str | None = "Notification", function: str = "on_event", **options: Any
) -> TestResponse:
    """Deliver *body* (str and bytes as they are, else as JSON)."""
    content = body if isinstance(body, str | bytes) else json.dumps(body)
    headers = {} if kind is None else {"aeg-event-type": kind}
    return client.post(
        f"{EVENT_GRID_PATH}?functionName={function}", data=content, headers=headers, **{"buffered": True} | options
    )


@pytest.mark.parametrize(
    ("body", "runs"),
    [
        ([event()], 1),
        (event(), 1),
        (cloud_event(), 1),
        ([cloud_event(), cloud_event(), cloud_event()], 3),
        ([], 0),
    ],
    ids=["array", "bare event", "CloudEvents object", "CloudEvents batch", "empty array"],
)
def test_events_that_succeed_are_accepted(client: Client, worker: Worker, body: object, runs: int) -> None:
    """202 without a body, one run per event, in either schema."""
    before = worker.tally.counts()["invoked"]
    answer = post(client, body)
    assert (answer.status_code, answer.text) == (202, "")
    assert worker.tally.counts()["invoked"] - before == runs


def test_the_kind_of_delivery_ignores_case(client: Client, worker: Worker) -> None:
    """`NOTIFICATION` runs the function like `Notification`."""
    before = worker.tally.counts()["invoked"]
    assert post(client, [event()], kind="NOTIFICATION").status_code == 202
    assert worker.tally.counts()["invoked"] == before + 1


def test_a_failure_answers_500_without_the_exceptions_text(client: Client) -> None:
    """The sender learns the function's name and nothing else."""
    answer = post(client, [event(do="fail")])
    assert (answer.status_code, answer.text) == (500, "Exception while executing function: on_event")


def test_a_batch_runs_whole_and_at_once_and_fails_as_one(client: Client, worker: Worker) -> None:
    """Two events that wait for each other both end, the failing one between them makes the answer 500."""
    before = worker.tally.counts()
    batch = [
        event(1, do="meet", at="batch", parties=2),
        event(2, do="fail"),
        event(3, do="meet", at="batch", parties=2),
    ]
    assert post(client, batch).status_code == 500
    after = worker.tally.counts()
    assert (after["invoked"] - before["invoked"], after["failed"] - before["failed"]) == (3, 1)


def test_a_function_that_leaves_the_interpreter_is_a_failure(client: Client) -> None:
    """SystemExit in a function fails its run; the worker goes on."""
    assert post(client, [event(do="leave")]).status_code == 500
    assert post(client, [event()]).status_code == 202


@pytest.mark.parametrize("function", ["nobody", "ON_EVENT", "", "on_message"])
def test_an_unknown_function_is_404_with_its_name(client: Client, function: str) -> None:
    """Unknown, wrongly cased, missing, or not triggered by Event Grid."""
    answer = post(client, [event()], function=function)
    assert (answer.status_code, answer.text) == (404, f"cannot find function: '{function}'")


@pytest.mark.parametrize("kind", [None, "", "Something"])
def test_a_missing_or_unknown_kind_is_refused(client: Client, worker: Worker, kind: str | None) -> None:
    """400 and no run, for CloudEvents too."""
    before = worker.tally.counts()["invoked"]
    assert post(client, [event()], kind=kind).status_code == 400
    assert post(client, cloud_event(), kind=kind).status_code == 400
    assert worker.tally.counts()["invoked"] == before


def test_get_is_refused(client: Client) -> None:
    """400, whatever the headers say."""
    answer = client.get(f"{EVENT_GRID_PATH}?functionName=on_event", headers={"aeg-event-type": "Notification"})
    assert answer.status_code == 400


@pytest.mark.parametrize(
    "body",
    [
        [{"id": "1", "data": {"validationCode": "code-7"}}],
        {"specversion": "1.0", "data": {"validationCode": "code-7"}},
        {"specversion": "1.0", "data": '{"validationCode": "code-7"}'},
    ],
    ids=["array", "CloudEvents object", "CloudEvents, data as text"],
)
def test_a_validation_is_answered_with_its_code(client: Client, body: object) -> None:
    """As plain text, in both schemas."""
    answer = post(client, body, kind="SubscriptionValidation")
    assert (answer.status_code, answer.text) == (200, '{"validationResponse":"code-7"}')
    assert answer.mimetype == "text/plain"


def test_an_unsubscription_is_accepted(client: Client) -> None:
    """202, the body is not looked at."""
    assert post(client, "-", kind="Unsubscribe").status_code == 202


def test_options_allows_event_grid(client: Client) -> None:
    """The CloudEvents handshake: the same origin for every asker."""
    path = f"{EVENT_GRID_PATH}?functionName=on_event"
    answer = client.options(path, headers={"WebHook-Request-Origin": "elsewhere.example"})
    assert (answer.status_code, answer.headers["Webhook-Allowed-Origin"]) == (200, "eventgrid.azure.net")


@pytest.mark.parametrize(
    "body",
    ["", "{", "7", '"text"', "null", "[[]]", '[{"id": "1"}, 2]', "[" * 100_000, '{"a":' * 70 + "1" + "}" * 70],
    ids=[
        "empty",
        "cut",
        "number",
        "string",
        "null",
        "nested array",
        "one is no object",
        "very deep",
        "65 and more deep",
    ],
)
def test_what_cannot_be_read_is_500_and_runs_nothing(client: Client, worker: Worker, body: str) -> None:
    """The extension's handler throws on it; a validation of the same body too."""
    before = worker.tally.counts()["invoked"]
    assert post(client, body).status_code == 500
    assert post(client, body, kind="SubscriptionValidation").status_code == 500
    assert worker.tally.counts()["invoked"] == before


def test_events_are_written_anew(client: Client, capsys: pytest.CaptureFixture[str]) -> None:
    """The last of equal keys wins, and numbers JSON does not know become text."""
    body = b'[{"id":"first","id":"second","data":{"n":NaN,"big":1e400,"e":1e2}}]'
    assert post(client, body).status_code == 202
    (line, *_) = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert line["id"] == "second"
    assert line["data"] == {"n": "NaN", "big": "Infinity", "e": 100.0}


def test_nothing_is_in_hand_after_the_answers(client: Client, worker: Worker) -> None:
    """A delivery counts until its answer is written, whatever the answer is."""
    before = worker.tally.counts()["running"]
    for body in ([event()], [event(do="fail")], "{"):
        with post(client, body, buffered=False):
            assert worker.tally.counts()["running"] == before + 1
        assert worker.tally.counts()["running"] == before


def test_the_status_names_functions_and_counts(client: Client) -> None:
    """`/admin/host/status` is what a demo watches; `/admin/functions` holds the bindings; the rest is a loud 404."""
    status = client.get("/admin/host/status").json
    assert status is not None
    assert status["functions"] == ["on_event", "on_message", "on_parked"]
    assert status["state"] == "Running"
    bindings = client.get("/admin/functions").json
    assert bindings is not None
    assert bindings["on_event"] == [{"type": "eventGridTrigger", "name": "event", "direction": "IN"}]
    assert client.post("/api/events").status_code == 404
