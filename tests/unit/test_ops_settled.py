"""Which rows of the ledger a purge takes, and which it spares."""

import re
from dataclasses import replace
from datetime import timedelta

import msgspec
import pytest

from ops.settled import LONGEST_WINDOW, Purge, verdict
from shared.actions import Deferred, Failed
from shared.allowance import Spent
from shared.digests import DIGESTS, Digest, write_digest
from shared.memory import Entry, Memory
from shared.ration import MAILS, write_spent
from shared.reactions.guard_rules import DURATION, duration
from shared.records import write_memory
from shared.store import Row
from tests.fakes.events import altered, sample
from tests.fakes.service import EACH, START, FakeService, rules
from tests.fakes.store import MemoryRows

EVENTS = ("model-registered", "pipeline-failed", "monitor-breach")
WEEK = timedelta(days=7)
COOLDOWN = """
reactions:
  - { name: retrain, on: data-drift, run: { job: pipelines/retrain.yml }, guards: { cooldown: 30d } }
"""


def purged(service: FakeService, *, dry_run: bool = False) -> dict[str, int]:
    """Purge what is a week old, and return what became of it."""
    now = service.clock.now
    purging = Purge(rows=MemoryRows(service.store), before=now - WEEK, now=now, dry_run=dry_run)
    list(purging.pages())
    return {str(word): count for word, count in purging.counts.items()}


def handled(*names: str, dry_run: bool = False) -> FakeService:
    """Return a service that has handled samples, eight days ago."""
    service = FakeService(reactions=rules(EACH), dry_run=dry_run)
    for name in names:
        service.deliver(sample(name))
    service.clock.forward(days=8)
    return service


@pytest.mark.parametrize("dry_run", [False, True], ids=["for real", "rows of dry runs"])
def test_settled_rows_go(*, dry_run: bool) -> None:
    """Done, skipped, matching nothing: each event's row goes; what reactions remember about a subject stays."""
    service = handled(*EVENTS, dry_run=dry_run)
    assert purged(service) == {"events": 3, "remembering": 2}
    assert {key.removeprefix("dry|").partition("|")[0] for key in service.rows()} == {"memory"}
    assert purged(service) == {"remembering": 2}


def test_young_rows_stay() -> None:
    """What was written within the week is not even counted, however old its event."""
    service = FakeService()
    service.deliver(sample("model-registered"))
    service.clock.forward(days=6, hours=23)
    assert purged(service) == {}
    service.clock.forward(hours=2)
    assert purged(service, dry_run=True)["events"] == 1


def test_a_failure_is_settled() -> None:
    """It has its dead letter; what the failure took back from memory leaves an empty row, which goes as well."""
    service = FakeService()
    service.jobs.script = [Failed(reason="refused")]
    service.deliver(sample("model-registered"))
    service.clock.forward(days=8)
    assert purged(service) == {"events": 1, "memories": 1}
    assert service.rows() == {}


def test_what_waits_stays() -> None:
    """A reaction that is put off, for a year: its row is the only one that knows."""
    service = FakeService()
    service.jobs.script = [Deferred(reason="later", after=timedelta(minutes=5))]
    service.deliver(sample("model-registered"))
    service.clock.forward(days=365)
    assert purged(service) == {"unsettled": 1, "remembering": 1}


@pytest.mark.parametrize(
    "values",
    [
        {"r_offline_test": '{"decision":"admitted"}'},
        {"wake": '{"token":"t","due":"2026-01-01T00:00:00Z"}'},
        {"trouble_since": "2026-01-01T00:00:00+00:00"},
    ],
    ids=["admitted, killed before the effect", "a live copy", "trouble"],
)
def test_any_sign_of_waiting_is_enough(values: dict[str, str | int]) -> None:
    """Each of them alone keeps a row."""
    assert verdict(Row(partition="p", key="event|1", values={"subject": "churn", **values}), START) == "unsettled"


@pytest.mark.parametrize(
    ("key", "values"),
    [
        ("event|1", {"r_offline_test": '{"decision":"something new"}'}),
        ("event|1", {"r_offline_test": "no JSON"}),
        ("event|1", {"trouble_since": "yesterday"}),
        ("memory|retrain", {"memory": '{"incident":{}}'}),
        ("memory|retrain", {"memory": '{"entries":[]}', "incident": "open"}),
        ("memory|retrain", {}),
        ("budget|retrain", {}),
    ],
)
def test_what_this_version_does_not_know_stays(key: str, values: dict[str, str | int]) -> None:
    """Rows of a later version, or of somebody else."""
    assert verdict(Row(partition="p", key=key, values=values), START) == "unknown"


def test_memory_stays_as_long_as_any_window_can_be() -> None:
    """One admission within the longest window that a rule can name keeps the row; without any it goes."""
    ages = [LONGEST_WINDOW + timedelta(days=1), LONGEST_WINDOW - timedelta(days=1)]
    old, young = (Entry(operation=str(age), at=START - age) for age in ages)

    def of(*entries: Entry) -> str:
        return verdict(Row(partition="p", key="memory|x", values=write_memory(Memory(entries=entries))), START)

    assert (of(old, young), of(young), of(old), of()) == ("remembering", "remembering", "memories", "memories")


def test_an_open_incident_stays_open() -> None:
    """However long nothing has failed: the next success ends it. When a run last succeeded goes."""
    service = FakeService()
    service.deliver(sample("pipeline-failed"))
    service.queue.sent.clear()
    service.clock.forward(days=365)
    assert purged(service) == {"events": 1, "remembering": 1}
    end = altered("pipeline-failed", event_id="end", runId="good", runStatus="Completed")
    service.deliver({**end, "eventTime": service.clock.now.isoformat()})
    service.clock.forward(days=8)
    assert purged(service) == {"events": 1, "memories": 1}


def test_the_longest_window_is_the_longest_that_a_rule_can_name() -> None:
    """One day more is no duration of reactions.yaml."""
    days = LONGEST_WINDOW.days
    assert duration(f"{days}d") == LONGEST_WINDOW
    assert re.fullmatch(DURATION, f"{days}d")
    assert not re.fullmatch(DURATION, f"{days + 1}d")


def test_a_cooldown_outlives_the_purge() -> None:
    """Eight days into a cooldown of thirty: the row of the event is gone, its effect on the next one is not."""
    service = FakeService(reactions=rules(COOLDOWN))
    service.deliver(sample("monitor-breach"))
    service.clock.forward(days=8)
    assert purged(service) == {"events": 1, "remembering": 1}
    service.deliver(altered("monitor-breach", event_id="next", runId="next-step"))
    assert len(service.jobs.jobs) == 1


class ChangedMeanwhile(MemoryRows):
    """A table in which somebody writes every row between the page and the deletion."""

    def delete(self, row: Row) -> bool:
        """See StateRows."""
        self.store.merge(replace(row, values={"attempts": 1}))
        return super().delete(row)


def test_a_row_that_changed_meanwhile_stays() -> None:
    """It was settled when it was read; a replay reopened it."""
    service = handled("pipeline-failed")
    rows = ChangedMeanwhile(service.store)
    purging = Purge(rows=rows, before=service.clock.now - WEEK, now=service.clock.now)
    list(purging.pages())
    assert dict(purging.counts) == {"changed": 1}
    assert len(service.rows()) == 1


def test_dry_run_deletes_nothing() -> None:
    """And counts the same."""
    service = handled(*EVENTS)
    before = service.rows()
    assert purged(service, dry_run=True) == {"events": 3, "remembering": 2}
    assert service.rows() == before


def test_a_summary_goes_when_it_was_mailed() -> None:
    """And stays before; the count of mails stays, since the next mail rests on it."""
    digest = Digest(since=START, due=START)
    for done, word in ((False, "unsettled"), (True, "summaries")):
        values = write_digest(msgspec.structs.replace(digest, done=done))
        assert verdict(Row(partition=DIGESTS, key="daily|x|2026-11-24|0", values=values), START) == word
    assert verdict(Row(partition=MAILS, key="spent", values=write_spent(Spent())), START) == "remembering"
