"""Tags of model versions at HTTP level: nothing else changes, and two writers at once lose nothing."""

import json
import random  # noqa: TID251 - disorder is the subject; the seeds are its numbers
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest
import responses
from azure.core.pipeline.transport import RequestsTransport
from azure.identity import ManagedIdentityCredential
from requests import PreparedRequest
from responses.matchers import json_params_matcher

from shared.actions import Deferred, Done, Failed, WriteTags
from shared.gateways.model_tags import LOSING, READ_BACK, AzureMlModelTags
from shared.transport import build_transport
from tests.fakes.arm_jobs import WORKSPACE, Credential
from tests.fakes.azure import stand_in

URL = f"https://management.azure.com{WORKSPACE}/models/churn/versions/7?api-version=2024-01-01-preview"
TAGS = {"offline_test": "passed", "offline_test_job": "job-1", "offline_test_at": "2026-11-24T09:12:00Z"}
ACTION = WriteTags(workspace=WORKSPACE, model="churn", version="7", tags=TAGS, at="offline_test_at")
#: What azure-ai-ml's own PUT would drop or change is here.
MODEL = {
    "modelType": "mlflow_model",
    "modelUri": "azureml://datastores/workspaceblobstore/paths/churn/7",
    "flavors": None,
    "jobName": "train-1",
    "isArchived": True,
    "description": "x",
    "autoDeleteSetting": {"value": "P30D"},
    "tags": {"stage": "candidate", "n": "1"},
    "properties": {"commit": "abc"},
}


@pytest.fixture
def cloud() -> Iterator[responses.RequestsMock]:
    """Answers by URL; anything else is an error of the test, and so is an answer that nobody asks for."""
    with responses.RequestsMock(assert_all_requests_are_fired=True) as mock:
        yield mock


@pytest.fixture
def model_tags() -> Iterator[AzureMlModelTags]:
    """The gateway on a real transport."""
    with RequestsTransport() as transport:
        yield AzureMlModelTags(transport=transport, credential=Credential())


def test_nothing_else_on_the_model_changes(cloud: responses.RequestsMock, model_tags: AzureMlModelTags) -> None:
    """The PUT has every property of the GET, with the tags added; it counts once it is read back."""
    cloud.get(URL, json={"properties": MODEL})
    cloud.put(URL, json={}, match=[json_params_matcher({"properties": {**MODEL, "tags": _with()}})])
    outcome = model_tags.write(ACTION, repeated=False)
    assert isinstance(outcome, Deferred)
    assert (outcome.after, outcome.trouble, outcome.limit) == (READ_BACK, False, None)


def test_read_back(cloud: responses.RequestsMock, model_tags: AzureMlModelTags) -> None:
    """What is there is not written again; it counts at the second look, not at the first one.

    What another delivery has written just now may be gone in a moment.
    """
    cloud.get(URL, json={"properties": {**MODEL, "tags": _with()}})
    first = model_tags.write(ACTION, repeated=False)
    assert isinstance(first, Deferred)
    assert (first.after, first.trouble) == (READ_BACK, False)
    assert model_tags.write(ACTION, repeated=True) == Done("churn:7", "read back")


@pytest.mark.parametrize("standing", [None, "failed"])
def test_what_was_lost_is_written_again(
    standing: str | None, cloud: responses.RequestsMock, model_tags: AzureMlModelTags
) -> None:
    """For a while; the reason says so."""
    told = {**MODEL, "tags": {**_with(), "offline_test": standing} if standing else {}}
    cloud.get(URL, json={"properties": told})
    cloud.put(URL, json={})
    outcome = model_tags.write(ACTION, repeated=True)
    assert isinstance(outcome, Deferred)
    assert (outcome.reason.partition(":")[0], outcome.after, outcome.limit) == ("tags-lost", READ_BACK, LOSING)


def test_a_model_that_is_gone(cloud: responses.RequestsMock, model_tags: AzureMlModelTags) -> None:
    """Is noted, and no failure."""
    cloud.get(URL, json={"error": {"code": "NotFound"}}, status=404)
    assert model_tags.write(ACTION, repeated=False) == Done(
        "churn:7", "the model version is gone: there is nothing to write on"
    )


@pytest.mark.parametrize(
    ("at", "stands"),
    [("2026-11-24T09:13:00Z", True), ("2026-11-24T09:11:59Z", False), ("yesterday", False), ("", False)],
)
def test_a_later_verdict_is_left(
    at: str,
    stands: bool,  # noqa: FBT001 - a case
    cloud: responses.RequestsMock,
    model_tags: AzureMlModelTags,
) -> None:
    """Whatever order the events come in."""
    cloud.get(URL, json={"properties": {"tags": {"offline_test": "failed", "offline_test_at": at}}})
    if not stands:
        cloud.put(URL, json={})
    outcome = model_tags.write(ACTION, repeated=False)
    assert isinstance(outcome, Done) == stands


@pytest.mark.parametrize(
    ("status", "kind", "after"),
    [
        (403, Deferred, timedelta(minutes=5)),
        (429, Deferred, READ_BACK),
        (404, Deferred, timedelta(seconds=30)),
        (503, Deferred, timedelta(seconds=30)),
        (400, Failed, None),
    ],
)
def test_what_an_answer_means(
    status: int,
    kind: type[Any],
    after: timedelta | None,
    cloud: responses.RequestsMock,
    model_tags: AzureMlModelTags,
) -> None:
    """Later, or never; Azure's own text is not repeated. No sooner than what was written can be read back."""
    cloud.get(URL, json={"properties": MODEL})
    headers = {"Retry-After": "9"} if status == 429 else {}
    cloud.put(URL, json={"error": {"code": "X", "message": "secret"}}, status=status, headers=headers)
    outcome = model_tags.write(ACTION, repeated=False)
    assert isinstance(outcome, kind)
    assert "secret" not in outcome.reason
    assert after is None or outcome.after == after


@pytest.mark.parametrize("status", [403, 500])
def test_a_model_that_cannot_be_read(status: int, cloud: responses.RequestsMock, model_tags: AzureMlModelTags) -> None:
    """Nothing is written blindly."""
    cloud.get(URL, json={}, status=status)
    outcome = model_tags.write(ACTION, repeated=False)
    assert isinstance(outcome, Deferred)
    assert outcome.reason.startswith("tags-unread: ")


def _with() -> dict[str, str]:
    return {"stage": "candidate", "n": "1", **TAGS}


@dataclass
class Model:
    """One model version, as Azure ML keeps it: without an ETag, so the last PUT has the last word.

    A PUT is on its way until its writer goes on.
    """

    tags: dict[str, str]
    on_its_way: dict[str, str] | None = None

    def get(self, _request: object) -> tuple[int, dict[str, str], str]:
        """Tell it as it is."""
        return 200, {}, json.dumps({"properties": {"tags": self.tags}})

    def put(self, request: PreparedRequest) -> tuple[int, dict[str, str], str]:
        """Keep what is to be written."""
        self.on_its_way = json.loads(request.body or b"")["properties"]["tags"]
        return 200, {}, "{}"


@dataclass
class Writer:
    """One action, delivery by delivery: a look, the write that follows from it some time later, and the look after.

    One that is not *patient* takes an answer of 200 for written.
    """

    gateway: AzureMlModelTags
    action: WriteTags
    patient: bool
    pending: dict[str, str] | None = None
    writes: int = 0
    done: bool = False
    #: How many writes of the other one must be over before this one looks again: those that had begun by then.
    until: int = 0

    def step(self, model: Model, other: "Writer") -> None:
        """Go on by one request."""
        if self.pending is not None:
            model.tags, self.pending, self.writes = self.pending, None, self.writes + 1
            self.until = other.writes + (other.pending is not None)
            self.done = not self.patient
            return
        outcome = self.gateway.write(self.action, repeated=self.writes > 0)
        self.done = isinstance(outcome, Done)
        self.pending, model.on_its_way = model.on_its_way, None

    def ready(self, other: "Writer") -> bool:
        """Tell whether it may go on: READ_BACK is longer than any run, so what had begun is over."""
        return not self.done and (self.pending is not None or other.writes >= self.until)


def played(gateway: AzureMlModelTags, cloud: responses.RequestsMock, seed: int, *, patient: bool) -> dict[str, str]:
    """Let two writers go on in an order of their own, and return the tags in the end."""
    order, model = random.Random(seed), Model({"stage": "candidate"})  # noqa: S311 - disorder, not secrecy
    cloud.reset()
    cloud.add_callback("GET", URL, model.get)
    cloud.add_callback("PUT", URL, model.put)
    actions = [
        WriteTags(workspace=WORKSPACE, model="churn", version="7", tags={name: "x", f"{name}_at": "2"}, at=f"{name}_at")
        for name in ("a", "b")
    ]
    one, two = (Writer(gateway, action, patient) for action in actions)
    for _ in range(100):
        ready = [pair for pair in ((one, two), (two, one)) if pair[0].ready(pair[1])]
        if not ready:
            break
        writer, other = order.choice(ready)
        writer.step(model, other)
    assert one.done
    assert two.done
    return model.tags


@pytest.mark.parametrize("part", range(4))
def test_two_writers_lose_nothing_in_a_thousand_orders(
    part: int, cloud: responses.RequestsMock, model_tags: AzureMlModelTags
) -> None:
    """Whatever the order of their reads and writes, both are there in the end, and what stood there as well."""
    wanted = {"stage": "candidate", "a": "x", "a_at": "2", "b": "x", "b_at": "2"}
    for seed in range(250 * part, 250 * part + 250):
        assert played(model_tags, cloud, seed, patient=True) == wanted, f"lost with the seed {seed}"


def test_writers_that_do_not_read_back_do(cloud: responses.RequestsMock, model_tags: AzureMlModelTags) -> None:
    """The orders are such that it matters."""
    ends = [played(model_tags, cloud, seed, patient=False) for seed in range(100)]
    assert sum(len(tags) < 5 for tags in ends) > 10


def test_an_azure_that_behaves_keeps_what_is_there(monkeypatch: pytest.MonkeyPatch) -> None:
    """As the gateway ships, with the managed identity; tags raise no event."""
    with stand_in(monkeypatch) as azure, build_transport() as transport:
        workspace = azure.workspace("mlw-demo")
        workspace.register_model("churn", "7", tags={"stage": "candidate"}, properties={"a": "b"}, job="train-1")
        events = len(azure.event_grid.published)
        client_id = azure.environment["AZURE_CLIENT_ID"]
        credential = ManagedIdentityCredential(client_id=client_id, transport=transport, retry_total=0)
        gateway = AzureMlModelTags(transport=transport, credential=credential)
        action = WriteTags(workspace=workspace.id, model="churn", version="7", tags=TAGS, at="offline_test_at")
        assert isinstance(gateway.write(action, repeated=False), Deferred)
        assert gateway.write(action, repeated=True) == Done("churn:7", "read back")
        model = workspace.assets.get("models", "churn", "7")
        assert model is not None
        assert model.tags == {"stage": "candidate", **TAGS}
        assert (model.properties, model.spec["jobName"]) == ({"a": "b"}, "train-1")
        assert len(azure.event_grid.published) == events
        assert azure.journal.unknown() == azure.journal.violations() == ()
