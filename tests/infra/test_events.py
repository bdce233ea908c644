"""Event subscriptions: both modes, filters of the registry, dead letters and retries everywhere."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

import handlers
from ops import filters
from ops.__main__ import app
from shared.gateways.blobs import DEAD_LETTERS
from shared.gateways.queue import QUEUE
from tests.infra.compiler import Compiler, Refused
from tests.infra.conftest import Evaluate
from tests.infra.evaluated import Evaluated
from tests.infra.snapshots import subscribe

SUBSCRIPTION = "Microsoft.EventGrid/systemTopics/eventSubscriptions"


def test_filters_are_those_of_the_registry() -> None:
    """The one generated file both modes read."""
    assert json.loads(filters.FILTERS.read_text(encoding="utf-8")) == filters.build()
    assert [one["function"] for one in filters.build()] == [family.function for family in handlers.PUSHED]


def test_the_command_writes_and_checks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Stale is told with the remedy; written once, it is fresh."""
    monkeypatch.setattr(filters, "FILTERS", tmp_path / "infra" / "filters.json")
    (tmp_path / "infra").mkdir()
    stale = CliRunner().invoke(app, ["filters", "--check"])
    assert (stale.exit_code, "python -m ops filters" in stale.stderr) == (1, True)
    assert CliRunner().invoke(app, ["filters"]).exit_code == 0
    assert CliRunner().invoke(app, ["filters", "--check"]).exit_code == 0


def test_push_calls_one_function_for_each_family(pushed: Evaluated, environment: Evaluate) -> None:
    """With the event types of the family; the first deployment subscribes to nothing."""
    assert environment("dev").of(SUBSCRIPTION) == []
    site = environment("dev").outputs["AZURE_FUNCTION_APP_ID"]
    told = {
        one["properties"]["destination"]["properties"]["resourceId"]: one["properties"]["filter"]
        for one in pushed.of(SUBSCRIPTION)
    }
    assert told == {
        f"{site}/functions/{family.function}": {"includedEventTypes": list(family.event_types)}
        for family in handlers.PUSHED
    }
    for one in pushed.of(SUBSCRIPTION):
        assert one["properties"]["destination"]["endpointType"] == "AzureFunction"
        assert one["properties"]["destination"]["properties"]["maxEventsPerBatch"] == 1


@pytest.mark.parametrize(("name", "workspaces"), [("test", 1), ("prod", 3)])
def test_queue_has_one_subscription_for_each_topic(name: str, workspaces: int, environment: Evaluate) -> None:
    """With the union of the types, each once: an event that two families want comes once."""
    evaluated = environment(name)
    union = {kind for family in handlers.HANDLERS for kind in family.event_types}
    assert len(evaluated.of(SUBSCRIPTION)) == workspaces
    for one in evaluated.of(SUBSCRIPTION):
        types = one["properties"]["filter"]["includedEventTypes"]
        assert (set(types), len(types)) == (union, len(union))
        delivery = one["properties"]["deliveryWithResourceIdentity"]
        assert delivery["identity"] == {"type": "SystemAssigned"}
        assert delivery["destination"]["properties"] == {
            "resourceId": evaluated.outputs["STATE_STORAGE_ID"],
            "queueName": QUEUE,
            "queueMessageTimeToLiveInSeconds": -1,
        }


def test_push_is_refused_where_the_queue_is_subscribed(compiler: Compiler, infra: Path, environment: Evaluate) -> None:
    """Both at once would tell every event twice."""
    with pytest.raises(Refused, match="eventDelivery = queue"):
        subscribe(compiler, environment("test").outputs, infra)


def test_every_subscription_has_a_dead_letter_and_retries(pushed: Evaluated, environment: Evaluate) -> None:
    """By the topic's identity, into our container, for a day; and nothing is filtered but types."""
    found = [*pushed.of(SUBSCRIPTION), *environment("test").of(SUBSCRIPTION), *environment("prod").of(SUBSCRIPTION)]
    assert len(found) == len(handlers.PUSHED) + 4
    for one in found:
        properties: Any = one["properties"]
        letter = properties["deadLetterWithResourceIdentity"]
        assert letter["identity"] == {"type": "SystemAssigned"}
        assert letter["deadLetterDestination"]["properties"]["blobContainerName"] == DEAD_LETTERS
        assert properties["retryPolicy"] == {"maxDeliveryAttempts": 30, "eventTimeToLiveInMinutes": 1440}
        assert properties["filter"].keys() == {"includedEventTypes"}
        assert len(one["name"].rpartition("/")[2]) <= 64


def test_a_longest_installation_still_fits(variant: Callable[..., Evaluated]) -> None:
    """Names that are made of the installation's stay within what Azure takes."""
    evaluated = variant("test", installation=f"'{'a' * 20}'")
    longest = max(len(f"reactor-{'a' * 20}-{family.name}") for family in handlers.HANDLERS)
    assert longest <= 64
    for account in evaluated.of("Microsoft.Storage/storageAccounts"):
        assert len(account["name"]) <= 24


def test_topics_are_created_or_found(environment: Evaluate) -> None:
    """One for each workspace in its own group, region and subscription; the one that exists is left alone."""
    assert environment("test").of("Microsoft.EventGrid/systemTopics") == []
    prod = environment("prod")
    topics = {topic["properties"]["source"]: topic for topic in prod.of("Microsoft.EventGrid/systemTopics")}
    assert list(topics) == prod.outputs["WORKSPACES"]
    for source, topic in topics.items():
        assert topic["id"].startswith(source.partition("/providers/")[0] + "/")
        assert topic["identity"] == {"type": "SystemAssigned"}
        assert topic["properties"]["topicType"] == "Microsoft.MachineLearningServices.Workspaces"
    assert [topic["location"] for topic in topics.values()] == ["westeurope", "westeurope", "eastus2"]
