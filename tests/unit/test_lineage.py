"""The chain of reactions that jobs carry, and what each event says of where its subject comes from."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import handlers
from handlers.runs import PARENT_KEYS
from shared.events import Event, NotOurs, parse
from shared.lineage import Chain, ModelVersion, Origin, RootRun, ours
from tests.fakes.events import altered, sample

NAMES = st.from_regex(r"[a-z][a-z0-9-]{0,39}", fullmatch=True)
ANYTHING = st.dictionaries(
    st.sampled_from(["reactor_root_event", "reactor_depth", "reactor_chain", "reactor_reaction", "other"]), st.text()
)


def recognised(told: object) -> Event:
    """Return the event of the one family that it is for."""
    envelope = parse(told)
    answers = [family.recognise(envelope) for family in handlers.HANDLERS]
    (event,) = [answer for answer in answers if not isinstance(answer, NotOurs)]
    assert isinstance(event, Event)
    return event


@given(properties=ANYTHING, reaction=NAMES, event=st.text(min_size=1, max_size=100))
def test_whatever_stands_there_the_next_job_carries_a_chain(
    properties: dict[str, str], reaction: str, event: str
) -> None:
    """One deeper, ending in its own reaction, within what Azure ML takes; and it is read again as it was written."""
    before = Chain.of(properties)
    after = before.then(reaction, event=event)
    carried = after.properties()
    assert after.depth == before.depth + 1 >= len(after.reactions)
    assert after.reactions[-1] == reaction
    assert after.root
    assert all(len(value) <= 1000 for value in carried.values())
    again = Chain.of(carried)
    assert again.reactions == after.reactions
    assert again.depth == (after.depth if after.depth <= 999 else len(after.reactions))
    assert again.root == (after.root if after.root.isprintable() else "")


@given(reactions=st.lists(NAMES, min_size=1, max_size=120))
def test_a_chain_keeps_its_root_its_depth_and_the_newest(reactions: list[str]) -> None:
    """From job to job, by nothing but what each carries; every name that was let go is older than those kept."""
    carried: Any = {}
    for number, reaction in enumerate(reactions):
        carried = Chain.of(carried).then(reaction, event=f"event-{number}").properties()
    chain = Chain.of(carried)
    assert (chain.root, chain.depth) == ("event-0", len(reactions))
    assert chain.reactions == tuple(reactions[-len(chain.reactions) :])
    assert len(chain.reactions) == len(reactions) or len(chain.reactions) == 50 or len(carried["reactor_chain"]) > 958


def test_a_chain_of_long_names_keeps_as_many_as_fit() -> None:
    """A thousand characters: 24 names of 40 with commas between them, or 50 of 19, which fill it to the last."""
    for length, fit in ((40, 24), (19, 50)):
        chain = Chain()
        for _ in range(60):
            chain = chain.then("a" * length, event="e")
        assert (len(chain.reactions), chain.depth) == (fit, 60)
    exact = Chain(reactions=("a" * 40,) * 23).then("b" * 56, event="e")
    assert len(exact.properties()["reactor_chain"]) == 999
    assert len(Chain(reactions=("a" * 40,) * 23).then("b" * 57, event="e").properties()["reactor_chain"]) == 1000


@pytest.mark.parametrize(
    ("properties", "chain"),
    [
        ({}, Chain()),
        (
            {"reactor_root_event": "e1", "reactor_depth": "2", "reactor_chain": "retrain,offline-test"},
            Chain(root="e1", depth=2, reactions=("retrain", "offline-test")),
        ),
        # A job of an older release names only its own reaction.
        (
            {"reactor_root_event": "e1", "reactor_depth": "7", "reactor_reaction": "retrain"},
            Chain(root="e1", depth=7, reactions=("retrain",)),
        ),
        ({"reactor_chain": "retrain,,Retrain, x ,a_b,a/b"}, Chain(depth=1, reactions=("retrain",))),
        ({"reactor_chain": "a,b,c", "reactor_depth": "0"}, Chain(depth=3, reactions=("a", "b", "c"))),
        ({"reactor_chain": ",".join(["a"] * 60)}, Chain(depth=50, reactions=("a",) * 50)),
        ({"reactor_chain": "x" * 10_000}, Chain()),
        ({"reactor_depth": "999"}, Chain(depth=999)),
        ({"reactor_depth": "1000"}, Chain()),
        ({"reactor_depth": "-1"}, Chain()),
        ({"reactor_depth": "9" * 10_000}, Chain()),
        ({"reactor_root_event": "x" * 200}, Chain(root="x" * 200)),
        ({"reactor_root_event": "x" * 201}, Chain()),
        ({"reactor_root_event": "two\nlines"}, Chain()),
    ],
)
def test_a_chain_is_read_with_care(properties: dict[str, str], chain: Chain) -> None:
    """Anybody may write a job's properties: what makes no sense is taken for not told."""
    assert Chain.of(properties) == chain


def test_ours_are_texts_by_name() -> None:
    """Nothing else counts, whatever JSON has there."""
    assert ours({"reactor_depth": "1", "Reactor_depth": "2", "azureml.x": "3", "reactor_chain": 4}) == {
        "reactor_depth": "1"
    }


def step(**parents: str) -> dict[str, Any]:
    """Return a breach whose step names its parents in tags or properties, as `place_key`."""
    event = sample("monitor-breach")
    data = event["data"]
    for where in ("runTags", "runProperties"):
        for key in PARENT_KEYS:
            data[where].pop(key, None)
    for name, run in parents.items():
        where, _, key = name.partition("_")
        data[where][f"azureml.{key}"] = run
    return event


@pytest.mark.parametrize(
    ("told", "origin"),
    [
        (sample("model-registered"), ModelVersion(name="churn", version="7")),
        (altered("model-registered", modelVersion="v 7"), ModelVersion(name="churn", version="v 7")),
        (altered("pipeline-failed", runId="root-1"), RootRun(id="root-1")),
        (sample("dataset-drift"), None),
        (step(runProperties_pipelinerunid="inner", runProperties_rootpipelinerunid="outer"), RootRun(id="outer")),
        (step(runTags_pipelinerunid="inner", runTags_rootpipelinerunid="outer"), RootRun(id="outer")),
        (step(runTags_pipelinerunid="inner", runProperties_rootpipelinerunid="outer"), RootRun(id="outer")),
        (step(runTags_pipelinerunid="inner"), RootRun(id="inner")),
        (step(), RootRun(id=sample("monitor-breach")["data"]["runId"])),
    ],
)
def test_where_a_subject_comes_from(told: dict[str, Any], origin: Origin | None) -> None:
    """A model from whoever made the version, a run from its root; of the retired monitors nothing is known."""
    assert recognised(told).origin == origin


@pytest.mark.parametrize(
    ("name", "field"),
    [
        ("model-registered", "modelProperties"),
        ("pipeline-failed", "runProperties"),
        ("monitor-breach", "runProperties"),
    ],
)
def test_every_family_tells_what_the_event_carries(name: str, field: str) -> None:
    """Our properties and no others; none is none."""
    event = sample(name)
    event["data"][field] = {**(event["data"].get(field) or {}), "reactor_depth": "3", "other": "x"}
    assert recognised(event).lineage == {"reactor_depth": "3"}
    assert recognised(sample(name)).lineage == {}
    assert recognised(sample("dataset-drift")).lineage == {}
