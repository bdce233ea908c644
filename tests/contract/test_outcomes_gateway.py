"""Outcome events at HTTP level: the request is azure-eventgrid's own, and each answer has a meaning."""

import json
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import pytest
import requests
import responses
from azure.core.messaging import CloudEvent
from azure.core.pipeline.transport import RequestsTransport
from azure.eventgrid import EventGridPublisherClient
from azure.identity import ManagedIdentityCredential

from shared.actions import Deferred, Done, Failed, Publish
from shared.gateways.outcomes import TopicOutcomes
from shared.published import Finished, Published
from shared.transport import build_transport
from tests.fakes.arm_jobs import WORKSPACE, Credential
from tests.fakes.azure import stand_in

ENDPOINT = "https://evgt-outcomes.westeurope-1.eventgrid.azure.net/api/events"
DATA = Finished(
    reaction="offline-test",
    job="job-1",
    outcome="completed",
    workspace=WORKSPACE,
    experiment="tests",
    cause="model-registered|churn:7",
    chain=("offline-test",),
)
EVENT = Published(id="job-1-finished", source=WORKSPACE, subject="jobs/job-1", time="2026-11-24T09:12:00Z", data=DATA)


@pytest.fixture
def cloud() -> Iterator[responses.RequestsMock]:
    """Answers by URL; anything else is an error of the test, and so is an answer that nobody asks for."""
    with responses.RequestsMock(assert_all_requests_are_fired=True) as mock:
        yield mock


@pytest.fixture
def topic() -> Iterator[TopicOutcomes]:
    """The gateway on a real transport."""
    with RequestsTransport() as transport:
        yield TopicOutcomes(endpoint=ENDPOINT, transport=transport, credential=Credential())


def test_the_request_is_that_of_the_sdk(cloud: responses.RequestsMock, topic: TopicOutcomes) -> None:
    """Method, URL, body, type of content, token: what azure-eventgrid sends for the same event."""
    cloud.post(ENDPOINT, status=200)
    assert topic.publish(Publish(event=EVENT)) == Done("job-1-finished")
    event: CloudEvent[Any] = CloudEvent.from_dict(EVENT.cloud_event())
    with EventGridPublisherClient(ENDPOINT, Credential()) as client:
        client.send(event)
    ours, theirs = (call.request for call in cloud.calls)
    assert (ours.method, ours.url) == (theirs.method, theirs.url)
    for name in ("Content-Type", "Authorization"):
        assert ours.headers[name] == theirs.headers[name]
    told, wanted = ((json.loads(request.body or b""))[0] for request in (ours, theirs))
    times = [datetime.fromisoformat(one.pop("time")) for one in (told, wanted)]
    assert times[0] == times[1]
    assert told == {key: value for key, value in wanted.items() if key not in {"traceparent", "tracestate"}}
    assert ours.req_kwargs["timeout"] == (3, 12)  # type: ignore[attr-defined] # added by responses


@pytest.mark.parametrize(
    ("answer", "kind", "after"),
    [
        ((403, {}), Deferred, timedelta(minutes=5)),
        ((401, {}), Deferred, timedelta(seconds=30)),
        ((429, {"Retry-After": "9"}), Deferred, timedelta(seconds=9)),
        ((503, {}), Deferred, timedelta(seconds=30)),
        ((400, {}), Failed, None),
        ((404, {}), Failed, None),
        ((413, {}), Failed, None),
    ],
)
def test_what_an_answer_means(
    answer: tuple[int, dict[str, str]],
    kind: type[Any],
    after: timedelta | None,
    cloud: responses.RequestsMock,
    topic: TopicOutcomes,
) -> None:
    """Later or never, with the remedy; Event Grid's own text is not repeated."""
    status, headers = answer
    cloud.post(ENDPOINT, json={"error": {"code": "X", "message": "secret"}}, status=status, headers=headers)
    outcome = topic.publish(Publish(event=EVENT))
    assert isinstance(outcome, kind)
    assert "secret" not in outcome.reason
    assert after is None or outcome.after == after


def test_no_answer(cloud: responses.RequestsMock, topic: TopicOutcomes) -> None:
    """Is asked again: the id is the same."""
    cloud.post(ENDPOINT, body=requests.ConnectionError("gone"))
    assert isinstance(topic.publish(Publish(event=EVENT)), Deferred)


def test_a_topic_that_behaves_delivers_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """As the gateway ships, with the managed identity."""
    with stand_in(monkeypatch) as azure, build_transport() as transport:
        client_id = azure.environment["AZURE_CLIENT_ID"]
        credential = ManagedIdentityCredential(client_id=client_id, transport=transport, retry_total=0)
        topic = TopicOutcomes(endpoint=ENDPOINT, transport=transport, credential=credential)
        assert topic.publish(Publish(event=EVENT)) == Done("job-1-finished")
        (published,) = azure.event_grid.published
        assert published == EVENT.cloud_event()
        assert azure.journal.unknown() == azure.journal.violations() == ()
