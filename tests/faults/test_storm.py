"""Bar 2: two hundred copies of one event among three hundred others, on four hosts of one queue."""

import random  # noqa: TID251 - seeded, and the seed is printed
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from tests.fakes.events import altered
from tests.faults.accounts import Accounts
from tests.faults.chain import side_by_side
from tests.faults.figures import Figures
from tests.faults.rig import Rig
from tests.faults.scenarios import jobs_of, registered

HOSTS, COPIES, MODELS, PIPELINES = 4, 200, 270, 30
SEED = 20261125
#: Slower than elsewhere: nothing has to come back, and a busy machine must not seem to take minutes for a request.
SCALE = 20.0
REACTIONS = """
recipients: { ops: $OPS_EMAIL }
reactions:
  - name: first-test
    on: model-registered
    when: { model: hot }
    run: { job: pipelines/offline-test.yml, inputs: { model: "${{ event.model }}" } }
  - { name: tell-ops, on: model-registered, when: { model: hot }, mail: { to: ops } }
  - name: every-test
    on: model-registered
    run: { job: pipelines/offline-test.yml, inputs: { model: "${{ event.model }}" } }
  - { name: mail-ops, on: pipeline-failed, mail: { to: ops, each: true } }
"""


pytestmark = pytest.mark.timeout(600)  # it waits for processes, and says what for before that


def events(rig: Rig) -> list[dict[str, Any]]:
    """Return all events of the storm, shuffled."""
    told: list[dict[str, Any]] = [registered(rig, "hot")] * COPIES
    told += [registered(rig, f"crowd-{number}") for number in range(MODELS)]
    told += [altered("pipeline-failed", event_id=f"p{n}", runId=f"run-{n}-of-many") for n in range(PIPELINES)]
    random.Random(SEED).shuffle(told)  # noqa: S311 - no secret
    return told


def test_a_storm_of_duplicates(accounts: Accounts, tmp_path: Path, figures: Figures) -> None:
    """One set of effects for each of the 301 events; no poison, no dead letter, nothing that waits."""
    print(f"seed {SEED}")  # noqa: T201 - shown when it fails
    with Rig(accounts.take(), tmp_path / "rig", reactions=REACTIONS, scale=SCALE) as rig:
        rig.azure.faults.clear()  # the look-up at each effect would take longer than the effects
        messages = events(rig)
        side_by_side(rig.state.put, messages, workers=4)
        side_by_side(lambda _: rig.start(), range(HOSTS))
        rig.settle()
        started = Counter(
            entry.path.rpartition("/")[2] for entry in rig.azure.journal.jobs_put() if entry.status == 201
        )
        assert set(started.values()) == {1}
        assert sorted(jobs_of(rig, "hot")) == ["every-test", "first-test"]
        assert len(started) == MODELS + 2
        mails = Counter(mail.operation for mail in rig.azure.mailbox.mails)
        assert (len(mails), set(mails.values())) == (PIPELINES + 1, {1})
        assert [row["wake"] for row in rig.state.rows() if row.get("wake")] == []
        assert len(rig.state.rows()) == MODELS + 1 + PIPELINES
        assert (rig.state.poisoned(), rig.state.dead_letters(), rig.azure.failures) == (0, [], ())
        assert all(host.status().invoked > 0 for host in rig.alive)
        assert len(rig.alive) == HOSTS
        figures.record(
            "2",
            hosts=HOSTS,
            copies=COPIES,
            other_events=MODELS + PIPELINES,
            deliveries=rig.delivered(),
            jobs=len(started),
            mails=len(mails),
            refused_repeats=len(rig.azure.journal.jobs_put()) - len(started),
            worst_run_s=rig.worst_run(),
        )
