"""What an admin may get wrong is refused before anything is created, in words that say what to write."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.infra.compiler import Compiler, Refused
from tests.infra.evaluated import Evaluated

ID = (
    "/subscriptions/00000000-0000-0000-0000-000000000001/resourceGroups/rg-ml/providers/"
    "Microsoft.MachineLearningServices/workspaces/mlw"
)
TOPIC = "/subscriptions/00000000-0000-0000-0000-00000000000{}/resourceGroups/rg/providers/Microsoft.EventGrid/{}/t"


def watch(*ids: str, location: str = "westeurope", topic: str = "") -> dict[str, str]:
    """Return the parameter `workspaces` as Bicep."""
    more = f", systemTopicId: '{topic}'" if topic else ""
    return {"workspaces": f"[{', '.join(f"{{ id: '{one}', location: '{location}'{more} }}" for one in ids)}]"}


REFUSALS = {
    "a name for an id": (watch("mlw-churn"), ["az ml workspace show", "mlw-churn"]),
    "nothing": (watch(""), ["az ml workspace show"]),
    "the placeholder of the docs": (watch(ID.replace("rg-ml", "<group>")), ["az ml workspace show"]),
    "another service": (
        watch(ID.replace("MachineLearning", "Databricks")),
        ["not the ARM id of an Azure ML workspace"],
    ),
    "a thing within a workspace": (watch(f"{ID}/jobs/x"), ["not the ARM id of an Azure ML workspace"]),
    "capitals in the name": ({"installation": "'Dev'"}, ["Dev", "a-z, 0-9 and -"]),
    "a name that begins with a hyphen": ({"installation": "'-dev'"}, ["a-z, 0-9 and -"]),
    "no address": ({"opsEmails": "['mlops']"}, ["mlops", "mail address"]),
    "two addresses in one": ({"opsEmails": "['a@example.com, b@example.com']"}, ["each address by itself"]),
    "the same workspace twice": (watch(ID, ID.upper()), ["listed twice"]),
    "a region typo": (watch(ID, location="westeurop"), ["westeurop", "az account list-locations", "mlw"]),
    "a region typo of the app": ({"location": "'weteurope'"}, ["weteurope", "list-flexconsumption-locations"]),
    "a topic of another subscription": (watch(ID, topic=TOPIC.format(2, "systemTopics")), ["system-topic list"]),
    "a custom topic": (watch(ID, topic=TOPIC.format(1, "topics")), ["system-topic list"]),
    "push into a private network": (
        {"networking": "'private'", "eventDelivery": "'push'"},
        ["cannot call a function in a private network", "Set eventDelivery to queue"],
    ),
}


@pytest.mark.parametrize(("parameters", "words"), REFUSALS.values(), ids=REFUSALS)
def test_refused(parameters: dict[str, str], words: list[str], variant: Callable[..., Evaluated]) -> None:
    """The text names what is wrong and the remedy."""
    with pytest.raises(Refused) as refused:
        variant("dev", **parameters)
    assert [word for word in words if word not in str(refused.value)] == []


@pytest.mark.skipif("WORKSPACE_ID" in os.environ, reason="WORKSPACE_ID is set here")  # noqa: TID251 - azd's value
def test_azd_is_told_what_to_set(compiler: Compiler, infra: Path) -> None:
    """A value that was not set is refused with the command that sets it."""
    with pytest.raises(Refused, match="azd env set WORKSPACE_ID"):
        compiler.snapshot(infra / "main.bicepparam")


def test_what_azure_shows_is_accepted(variant: Callable[..., Evaluated]) -> None:
    """Any case of the id, and the region as the portal writes it."""
    evaluated = variant("dev", **watch(ID.replace("resourceGroups", "resourcegroups"), location="West Europe"))
    assert evaluated.one("Microsoft.EventGrid/systemTopics")["location"] == "westeurope"
