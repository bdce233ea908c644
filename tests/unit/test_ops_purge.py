"""`python -m ops purge`: what it asks, counts and tells, what it refuses, and how it stops half-way."""

import json
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
from shared.errors import StorageError
from shared.store import Row
from tests.fakes.events import altered
from tests.fakes.service import EACH, FakeService, rules
from tests.fakes.store import MemoryRows
from tests.unit.test_ops_commands import nowhere
from tests.unit.test_ops_replay import state
from tests.unit.test_ops_settled import EVENTS, handled


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
    service = FakeService(reactions=rules(EACH))
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
    assert (code, told.splitlines()[0]) == (0, "to be purged  6 events, 0 memories, 0 summaries")
    assert said.splitlines()[-1] == "6 old rows read, 6 to be purged"
    code, told, said = run("--before", "7d", stdin="n\n")
    assert (code, len(service.rows())) == (1, 6)
    assert "2026-11-25 09:00 UTC" in said
    code, told, _ = run("--before", "7d", stdin="y\n")
    assert (code, service.rows()) == (0, {})
    assert told.splitlines()[-2:] == [
        "purged        6 events, 0 memories, 0 summaries",
        "spared        0 unsettled, 0 remembering, 0 switches, 0 changed, 0 unknown",
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
            "purged": {"events": 3, "memories": 0, "summaries": 0},
            "spared": {"unsettled": 0, "remembering": 2, "switches": 0, "changed": 0, "unknown": 0},
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


def test_help_tells_what_is_not_its_business() -> None:
    """Blobs are for lifecycle rules; the exit codes are those of every command."""
    result = CliRunner().invoke(app, ["purge", "--help"], env={"COLUMNS": "200"})
    told = " ".join(result.stdout.split())
    for words in ("Dead letters and large events are not touched: lifecycle rules", "no second job", "0 done, 1 some"):
        assert words in told


def test_an_account_that_cannot_be_reached_is_3() -> None:
    """Before anything is asked of a person, or deleted."""
    result = CliRunner().invoke(app, ["purge", "--before", "7d", "--json"], env={"StateStorage": nowhere()})
    assert result.exit_code == 3
    assert "cannot be reached" in json.loads(result.stdout)["problem"]


@pytest.mark.parametrize("words", [[], ["--before", "soon"], ["--before", "1d"]], ids=" ".join)
def test_wrong_usage_is_2(command: list[State], words: list[str]) -> None:
    """Nothing is deleted."""
    service = many(1)
    command.append(state(service))
    assert run(*words)[0] == 2
    assert len(service.rows()) == 1
