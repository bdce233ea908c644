"""Every story of the shared sample events holds, pushed and queued: what it must cause, and nothing else."""

import json
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal

import pytest
import yaml

from local.azure import Entry
from local.furniture import WorkspaceName
from local.twin import Twin, trouble
from shared.yaml_document import Yaml12

SAMPLES = Path(__file__).parents[3] / "shared" / "samples"
PLACEHOLDER = (
    "/subscriptions/{subscription-id}/resourceGroups/{resource-group-name}"
    "/providers/Microsoft.MachineLearningServices/workspaces/{workspace-name}"
)
DEMO = WorkspaceName(name="mlw-demo", group="rg-mlops", subscription="00000000-0000-0000-0000-000000000000")

if not (SAMPLES / "expected.yaml").exists():
    pytest.skip("../shared/samples is not beside the repository", allow_module_level=True)

EXPECTED: dict[str, Any] = yaml.load((SAMPLES / "expected.yaml").read_text(), Loader=Yaml12)  # noqa: S506 - a SafeLoader
STORIES: list[dict[str, Any]] = EXPECTED["stories"]


@pytest.fixture(scope="module", params=["push", "queue"])
def twin(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Twin]:
    """Return a twin with the three plain reactions of the stories; each story is told by itself, so no incidents."""
    delivery: Literal["push", "queue"] = request.param
    reactions = tmp_path_factory.mktemp("reactions") / "reactions.yaml"
    plain = [
        {**rule, "mail": {**rule["mail"], "each": True}} if "mail" in rule else rule for rule in EXPECTED["reactions"]
    ]
    reactions.write_text(json.dumps({"recipients": {"ops": "$OPS_EMAIL"}, "reactions": plain}))
    with Twin(delivery=delivery, workspace=DEMO, settings={"REACTIONS_FILE": str(reactions)}) as twin:
        assert [twin.workspace.id] == EXPECTED["workspaces"]
        yield twin


def load(name: str) -> tuple[str, Any]:
    """Return the text of a sample and what it says, with the placeholder of a workspace filled in."""
    text = (SAMPLES / name).read_text().replace(PLACEHOLDER, EXPECTED["workspaces"][0])
    return text, json.loads(text)


def deliver(twin: Twin, name: str, *, pushed: bool) -> None:
    """Deliver a file as it is, by push to every function that could want it, or as a message of the queue."""
    text, content = load(name)
    for event in content if isinstance(content, list) else [content]:
        data = {key.casefold(): value for key, value in event["data"].items()}
        if "modelname" in data and "modelversion" in data:
            twin.workspace.register("models", f"{data['modelname']}:{data['modelversion']}")
    if not pushed:
        twin.put(text)
        return
    for function in twin.host.functions:
        if function not in {"react", "dead_letter"}:
            assert twin.host.post_event(function, content)[0] == 202


def started(entries: tuple[Entry, ...]) -> Counter[tuple[str, str]]:
    """Return the jobs that were started: reaction and model."""
    bodies = [entry.json()["properties"] for entry in entries if entry.status == 201]
    models = [body["inputs"].get("model", {}).get("uri", "") for body in bodies]
    named = [":".join(model.split("/models/")[1].split("/versions/")) if model else "" for model in models]
    return Counter((body["properties"]["reactor_reaction"], model) for body, model in zip(bodies, named, strict=True))


@pytest.mark.parametrize("story", STORIES, ids=lambda story: story["files"][0].removesuffix(".json"))
def test_a_story(twin: Twin, story: dict[str, Any], request: pytest.FixtureRequest) -> None:
    """The jobs and mails of the story, and no others; no job is started twice whatever is delivered at once."""
    jobs, mails = len(twin.azure.journal.jobs_put()), len(twin.azure.mailbox.mails)
    for name in story["files"]:
        deliver(twin, name, pushed="push" in request.node.name)
    twin.queue_empty()
    expected = Counter((job["reaction"], job.get("model", "")) for job in story.get("jobs", []))
    assert started(twin.azure.journal.jobs_put()[jobs:]) == expected
    new_mails = twin.azure.mailbox.mails[mails:]
    assert len(new_mails) == len(story.get("mails", []))
    for mail, wanted in zip(new_mails, story.get("mails", []), strict=True):
        assert all(word in mail.text and word in mail.html for word in wanted["contains"])
    assert trouble(twin) == []


def test_every_story_says_what_it_causes() -> None:
    """A story without jobs and mails names the reason to skip, so that none is empty by mistake."""
    assert [story["files"] for story in STORIES if not {"jobs", "mails", "skip"} & story.keys()] == []
    assert len(STORIES) > 10
