"""Which rows of the ledger a purge takes, which it spares, and what its command line says."""

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from typer.testing import CliRunner

from ops.__main__ import app
from ops.connection import State
from ops.problems import OpsError
from ops.purge import limit
from ops.settled import LONGEST_WINDOW, Purge, verdict
from shared.actions import Deferred, Failed
from shared.errors import StorageError
from shared.guards import Entry, Memory
from shared.reactions import DURATION, duration
from shared.records import write_memory
from shared.store import Row
from tests.fakes.events import altered, sample
from tests.fakes.service import START, FakeService, rules
from tests.fakes.store import MemoryRows
from tests.unit.test_ops_replay import state

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
    service = FakeService(dry_run=dry_run)
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


class Failing(MemoryRows):
    """A table that refuses after some deletions: *errors* has an error or None for each."""

    def __init__(self, service: FakeService, *errors: BaseException | None) -> None:
        super().__init__(service.store)
        self.errors = list(errors)

    def delete(self, row: Row) -> bool:
        """See StateRows."""
        error = self.errors.pop(0) if self.errors else None
        if error:
            raise error
        return super().delete(row)

    def older(self, before: datetime) -> Iterator[tuple[Row, ...]]:
        """See StateRows; an interruption comes between two pages."""
        for page in super().older(before):
            yield page
            if self.errors and isinstance(self.errors[0], KeyboardInterrupt):
                raise self.errors.pop(0)  # type: ignore[misc] # it is one


def many(count: int = 6) -> FakeService:
    """Return a service that handled so many failures of pipelines, eight days ago: rows without memory."""
    service = FakeService()
    for number in range(count):
        service.deliver(altered("pipeline-failed", event_id=f"p{number}", runId=f"run-{number}"))
    service.clock.forward(days=8)
    return service


@pytest.fixture
def command(monkeypatch: pytest.MonkeyPatch) -> list[State]:
    """Have the command work on the one state in the list."""
    states: list[State] = []

    @contextmanager
    def connected(_storage: object) -> Iterator[State]:
        yield states[-1]

    monkeypatch.setattr("ops.dead_letters.connected", connected)
    monkeypatch.setenv("StateStorage", "UseDevelopmentStorage=true")
    return states


def run(*words: str, stdin: str = "") -> tuple[int, str, str]:
    """Run the command; exit code, stdout, stderr."""
    result = CliRunner().invoke(app, ["purge", *words], input=stdin)
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return result.exit_code, result.stdout, result.stderr


def test_the_command_counts_and_tells(command: list[State]) -> None:
    """First a rehearsal, then the question, then the deed."""
    service = many()
    command.append(state(service))
    code, told, said = run("--before", "7d", "--dry-run")
    assert (code, told.splitlines()[0]) == (0, "to be purged  6 events, 0 memories")
    assert said.splitlines()[-1] == "6 old rows read, 6 to be purged"
    code, told, said = run("--before", "7d", stdin="n\n")
    assert (code, len(service.rows())) == (1, 6)
    assert "2026-11-25 09:00 UTC" in said
    code, told, _ = run("--before", "7d", stdin="y\n")
    assert (code, service.rows()) == (0, {})
    assert told.splitlines()[-2:] == [
        "purged        6 events, 0 memories",
        "spared        0 unsettled, 0 remembering, 0 changed, 0 unknown",
    ]


def test_json_is_one_document(command: list[State]) -> None:
    """Counts by what became of the rows."""
    command.append(state(handled(*EVENTS)))
    code, told, _ = run("--before", "2026-11-25", "--yes", "--json")
    assert (code, json.loads(told)) == (
        0,
        {
            "before": "2026-11-25T00:00:00+00:00",
            "dry_run": False,
            "purged": {"events": 3, "memories": 0},
            "spared": {"unsettled": 0, "remembering": 2, "changed": 0, "unknown": 0},
            "problem": None,
            "remedy": None,
        },
    )


@pytest.mark.parametrize(
    ("error", "code", "words"),
    [
        (StorageError(service="table", operation="purge", problem="HttpResponseError", status=503), 1, "status 503"),
        (StorageError(service="table", operation="purge", problem="HttpResponseError", status=403), 3, "Contributor"),
        (KeyboardInterrupt(), 1, "say it again"),
    ],
    ids=["busy", "not allowed", "interrupted"],
)
def test_stopped_half_way_it_tells_what_was_done(
    command: list[State], error: BaseException, code: int, words: str
) -> None:
    """Counts that are right, the remedy, the exit code; and once more does the rest."""
    service = many()
    whole = state(service)
    command.append(replace(whole, rows=Failing(service, None, None, error)))
    exit_code, told, _ = run("--before", "7d", "--yes", "--json")
    document = json.loads(told)
    assert exit_code == code
    assert document["purged"]["events"] == 6 - len(service.rows()) > 0
    assert len(service.rows()) > 0
    assert words in document["problem"] + document["remedy"]
    command.append(whole)
    assert run("--before", "7d", "--yes")[0] == 0
    assert service.rows() == {}


NOW = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "before"),
    [
        ("2026-11-17", datetime(2026, 11, 17, tzinfo=UTC)),
        ("2020-02-29", datetime(2020, 2, 29, tzinfo=UTC)),
        ("7d", NOW - timedelta(days=7)),
        ("240h", NOW - timedelta(days=10)),
    ],
)
def test_dates_and_ages(text: str, before: datetime) -> None:
    """A date is its first moment, UTC; an age goes back from the account's now."""
    assert limit(text, NOW) == before


@pytest.mark.parametrize("text", ["yesterday", "2026-13-01", "2026-02-30", "7", "0d", "999999d", "-7d", ""])
def test_what_is_no_date_is_refused(text: str) -> None:
    """With an example."""
    with pytest.raises(OpsError, match="--before is a date"):
        limit(text, NOW)


@pytest.mark.parametrize("text", ["6d", "1h", "167h", "2026-11-18", "2026-11-24", "2030-01-01"])
def test_less_than_a_week_is_refused_with_the_reason(text: str) -> None:
    """Who may still tell the event, and what protects even then."""
    with pytest.raises(OpsError) as refused:
        limit(text, NOW)
    assert refused.value.code == 2
    for word in ("Event Grid tells an event again for a day", "decided anew", "second job", "mail"):
        assert word in refused.value.problem
