"""The local Event Grid, through azure-eventgrid as it is, delivering to a small listener."""

import base64
import json
from collections import Counter
from collections.abc import Iterator

import pytest
from azure.core.credentials import AzureKeyCredential
from azure.core.exceptions import ClientAuthenticationError, HttpResponseError
from azure.core.messaging import CloudEvent
from azure.eventgrid import EventGridEvent, EventGridPublisherClient
from azure.identity import ManagedIdentityCredential

from local.azure import StandIn, Workspace
from tests.fakes.azure import stand_in
from tests.fakes.listener import Listener, an_event

TOPIC = "https://reactor-outcomes.westeurope-1.eventgrid.azure.net/api/events"


@pytest.fixture
def azure(monkeypatch: pytest.MonkeyPatch) -> Iterator[StandIn]:
    """A stand-in whose day takes ten seconds, and whose receivers have a second to answer."""
    with stand_in(monkeypatch, patience=1.0, scale=8640) as running:
        yield running


@pytest.fixture
def listener() -> Iterator[Listener]:
    """A listener that is well."""
    made = Listener()
    yield made
    made.close()


def outcome(name: str = "one") -> EventGridEvent:
    """An event of our own."""
    return EventGridEvent(subject=name, event_type="Reactor.Settled", data={"n": name}, data_version="1", id=name)


def test_a_published_event_is_delivered(azure: StandIn, listener: Listener) -> None:
    """As an array of one, with the headers of Event Grid."""
    azure.event_grid.subscribe("outcomes", listener.url)
    with EventGridPublisherClient(TOPIC, AzureKeyCredential(azure.event_grid.key)) as publisher:
        publisher.send([outcome("one"), outcome("two")])
    assert azure.wait_until_idle(10)
    assert sorted(body[0]["id"] for _, body in listener.received) == ["one", "two"]
    headers, (event,) = listener.received[0]
    assert headers["aeg-event-type"] == "Notification"
    assert headers["aeg-subscription-name"] == "OUTCOMES"
    assert (headers["aeg-delivery-count"], headers["aeg-metadata-version"], headers["aeg-data-version"]) == (
        "0",
        "1",
        "1",
    )
    assert (event["eventType"], event["topic"], event["metadataVersion"]) == (
        "Reactor.Settled",
        "reactor-outcomes",
        "1",
    )


def test_cloud_events_stay_cloud_events(azure: StandIn, listener: Listener) -> None:
    """A CloudEvent is one object, published with a managed identity."""
    azure.event_grid.subscribe("outcomes", listener.url)
    credential = ManagedIdentityCredential(client_id=azure.environment["AZURE_CLIENT_ID"])
    with EventGridPublisherClient(TOPIC, credential) as publisher:
        publisher.send(CloudEvent(source="/reactor", type="Reactor.Settled", data={"n": 1}))
    assert azure.wait_until_idle(10)
    ((headers, event),) = listener.received
    assert (event["specversion"], event["type"], event["data"]) == ("1.0", "Reactor.Settled", {"n": 1})
    assert headers["content-type"].startswith("application/cloudevents+json")


def test_a_wrong_key_is_refused(azure: StandIn) -> None:
    """401, and nothing is published."""
    with (
        EventGridPublisherClient(TOPIC, AzureKeyCredential("guessed"), retry_total=0) as publisher,
        pytest.raises(ClientAuthenticationError),
    ):
        publisher.send(outcome())
    assert azure.event_grid.published == ()


def test_an_event_needs_what_its_schema_requires(azure: StandIn) -> None:
    """Empty data will do, none will not; one bad event refuses the request."""
    good = an_event("one") | {"dataVersion": ""}
    bad = {name: value for name, value in an_event("two").items() if name != "data"}
    with EventGridPublisherClient(TOPIC, AzureKeyCredential(azure.event_grid.key), retry_total=0) as publisher:
        publisher.send([good])
        with pytest.raises(HttpResponseError):
            publisher.send([good, bad])
    assert [event["id"] for event in azure.event_grid.published] == ["one"]


def test_a_subscription_takes_its_types_and_schema(azure: StandIn, listener: Listener) -> None:
    """Types in any case; an event in Event Grid schema becomes a CloudEvent where that is wanted."""
    workspace = azure.workspace()
    wanted = ["microsoft.machinelearningservices.modelregistered"]
    azure.event_grid.subscribe("models", listener.url, wanted, schema="cloudevents", topic=workspace.id.upper())
    workspace.register_model("churn", "7")
    workspace.dataset_drift("churn-drift")
    azure.workspace("another").register_model("churn", "8")
    assert azure.wait_until_idle(10)
    ((_, event),) = listener.received
    assert event["source"] == workspace.id
    assert (event["type"], event["subject"]) == ("Microsoft.MachineLearningServices.ModelRegistered", "models/churn:7")


def test_the_queue_gets_the_bare_event(azure: StandIn) -> None:
    """Base64 of one object; a queue that fails is tried again."""
    messages: list[str] = []
    failures = iter([True])

    def put(message: str) -> None:
        if next(failures, False):
            raise OSError
        messages.append(message)

    azure.event_grid.subscribe("queue", put)
    azure.event_grid.publish(an_event("one"))
    assert azure.wait_until_idle(10)
    assert [json.loads(base64.b64decode(message))["id"] for message in messages] == ["one"]
    assert [send.status for send in azure.event_grid.deliveries] == [503, 200]


def test_disorder_on_request(azure: StandIn, listener: Listener, capsys: pytest.CaptureFixture[str]) -> None:
    """Every event twice, and late ones among the first (threads alone swap neighbours only); the seed is printed."""
    azure.event_grid.subscribe("outcomes", listener.url)
    azure.event_grid.duplicates = 1
    azure.event_grid.shuffle = 4000
    for number in range(100):
        azure.event_grid.publish(an_event(str(number)))
    assert azure.wait_until_idle(10)
    numbers = [int(body[0]["id"]) for _, body in listener.received]
    assert Counter(numbers) == dict.fromkeys(range(100), 2)
    assert max(numbers[:50]) >= 75
    assert f"seed {azure.event_grid.seed}" in capsys.readouterr().out


def test_a_replay_is_no_new_event(azure: StandIn, listener: Listener) -> None:
    """The same events three times over, shuffled; what was published stays as it was."""
    azure.event_grid.subscribe("outcomes", listener.url)
    workspace: Workspace = azure.workspace()
    workspace.register_model("churn")
    workspace.register_model("churn")
    published = azure.event_grid.published
    azure.event_grid.replay(published, times=3, shuffle_seed=7)
    assert azure.wait_until_idle(10)
    assert azure.event_grid.published == published
    assert Counter(body[0]["id"] for _, body in listener.received) == {event["id"]: 4 for event in published}


def test_events_never_leave_the_machine(azure: StandIn) -> None:
    """A destination elsewhere is refused at once."""
    with pytest.raises(ValueError, match=r"127\.0\.0\.1"):
        azure.event_grid.subscribe("outcomes", "https://example.com/hook")
