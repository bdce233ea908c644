"""The whole loop on the twin: registered, tested, judged, tagged, told to others; also what is not good enough."""

import json
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import jsonschema  # type: ignore[import-untyped] # it has no types
import pytest
from azure.core.messaging import CloudEvent

from local.story import CLOSED_LOOP_SETTINGS, register_tested, tagged
from local.twin import ROOT, Twin, trouble
from shared.published import PREFIX

SCHEMA = ROOT / "docs" / "outcome-events.schema.json"
pytestmark = pytest.mark.xdist_group("closed-loop")


@pytest.fixture(scope="module", params=["push", "queue"])
def twin(request: pytest.FixtureRequest) -> Iterator[Twin]:
    """Return a twin with the rules of the demo's second part, and a topic for others."""
    with Twin(delivery=request.param, settings=CLOSED_LOOP_SETTINGS) as twin:
        yield twin


#: What the test of a version measures, and the verdict on it.
VERDICTS = {"7": (0.93, "passed"), "8": (0.71, "failed"), "9": ("NaN", "inconclusive")}


def test_the_loop_is_closed(twin: Twin) -> None:
    """Each model has its verdict as tags beside its own, others are told, and data science hears of what did not pass.

    In one test, because tags count once they were read back, half a minute later: then nothing waits any more.
    """
    for version, (accuracy, verdict) in VERDICTS.items():
        register_tested(twin, version, accuracy=accuracy)
        tagged(twin, version, verdict=verdict)
    twin.advance(timedelta(minutes=1))
    twin.due_handled()
    told = [
        one["data"] for one in twin.azure.event_grid.published if one.get("type") == "WorkspaceReactor.VerdictGiven"
    ]
    ends = [one for one in twin.azure.event_grid.published if one.get("type") == "WorkspaceReactor.ReactionFinished"]
    assert {one["model"]["version"]: one["verdict"] for one in told} == {
        version: verdict for version, (_accuracy, verdict) in VERDICTS.items()
    }
    assert len(told) == len(VERDICTS)
    assert sorted(one["data"]["reaction"] for one in ends) == [*["offline-test"] * 3, "promote"]
    for one in twin.azure.event_grid.published:
        if str(one.get("type")).startswith(PREFIX):
            jsonschema.validate(one, json.loads(SCHEMA.read_text(encoding="utf-8")))
            read: CloudEvent[Any] = CloudEvent.from_dict(one)
            assert read.id == one["id"]
    for one in told:
        tags = twin.workspace.assets.versions("models", "churn")
        (model,) = (asset for asset in tags if asset.version == one["model"]["version"])
        assert model.tags["stage"] == "candidate"
        assert (model.tags["offline_test"], model.tags["offline_test_job"]) == (one["verdict"], one["job"])
    assert twin.waiting() == 0
    mails = twin.azure.mailbox.mails
    assert [tuple(mail.to) for mail in mails] == [("data-science@example.com",)] * 2
    assert ["offline-test failed: churn:8" in mails[0].text, "inconclusive: churn:9" in mails[1].text] == [True, True]
    names = [entry.request.path.rpartition("/")[2] for entry in twin.azure.journal.jobs_put()]
    assert [name.rpartition("-")[0] for name in names if name.startswith("promote")] == ["promote-churn-7"]
    assert len(names) == len(VERDICTS) + 1
    assert (twin.dead_letters(), trouble(twin)) == ({}, [])
