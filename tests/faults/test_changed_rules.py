"""Bar 8: other rules are deployed in the middle of it."""

import json
from datetime import timedelta
from pathlib import Path

import pytest

from shared.actions import Deferred
from shared.errors import ConfigurationError
from shared.store import Row
from tests.fakes.events import sample
from tests.fakes.service import REACTIONS, rules
from tests.faults.faulty import Death
from tests.faults.figures import Figures
from tests.faults.simulation import Simulation

ROWS = Path(__file__).parents[1] / "contract" / "rows"
FIRST = "  - { name: first, on: model-registered, run: { job: pipelines/offline-test.yml } }\n"
SECOND = "  - { name: second, on: model-registered, run: { job: pipelines/offline-test.yml } }\n"
RENAMED = SECOND.replace("second", "renamed")
ADDED = "  - { name: third, on: model-registered, mail: { to: ops } }\n"
HEAD = "recipients: { ops: $OPS_EMAIL }\nreactions:\n"


def crashed_after_the_first() -> Simulation:
    """Return a service that died after the first of two actions."""
    simulation = Simulation(reactions=rules(HEAD + FIRST + SECOND))
    simulation.enqueue(sample("model-registered"))

    def die(point: str) -> None:
        if point == "jobs.submit.after":
            simulation.fault = lambda _point: None
            raise Death

    simulation.fault = die
    assert simulation.step()
    assert (simulation.deaths, len(simulation.jobs.jobs)) == (1, 1)
    return simulation


@pytest.mark.parametrize(
    ("now", "jobs", "mails", "letters"),
    [
        (FIRST + SECOND, {"first", "second"}, 0, 0),
        (FIRST + SECOND + ADDED, {"first", "second"}, 1, 0),
        (FIRST, {"first"}, 0, 1),
        (FIRST + RENAMED, {"first", "renamed"}, 0, 1),
        (SECOND, {"first", "second"}, 0, 1),
    ],
    ids=["as they were", "one added", "one removed", "one renamed", "the first removed"],
)
def test_rules_change_between_crash_and_redelivery(
    now: str, jobs: set[str], mails: int, letters: int, figures: Figures
) -> None:
    """What is done stays, what is new is decided, what was admitted and lost its rule is a dead letter."""
    simulation = crashed_after_the_first()
    simulation.reactions = rules(HEAD + now)
    simulation.run()
    assert {name.partition("-churn-7-")[0] for name in simulation.jobs.jobs} == jobs
    assert (len(simulation.mail.mails), len(simulation.letters.letters())) == (mails, letters)
    assert all(str(letter["deadLetterReason"]).startswith("rule_gone") for letter in simulation.letters.letters())
    assert all(simulation.jobs.puts.count(name) <= 2 for name in simulation.jobs.jobs)
    figures.record("8", deployments=1, kills=1, effects=len(jobs) + mails)


def test_a_mended_rule_works_on_the_same_event(figures: Figures) -> None:
    """The job file is mended and the letter replayed: recomputed, not frozen."""
    simulation = crashed_after_the_first()
    simulation.reactions = rules(HEAD + FIRST)
    simulation.run()
    simulation.reactions = rules(HEAD + FIRST + SECOND)
    (letter,) = simulation.letters.letters()
    message = {"event": sample("model-registered"), "reopen": letter["reactorFailure"]}
    simulation.clock.now += timedelta(days=2)
    for _ in range(3):
        simulation.enqueue(message)
    simulation.run()
    assert len(simulation.jobs.jobs) == 2
    figures.record("8", deployments=2, kills=1, effects=2)


def test_rules_that_come_back_within_half_an_hour(figures: Figures) -> None:
    """A rolling update that is rolled back: the reaction has waited, and acts."""
    simulation = crashed_after_the_first()
    started = simulation.clock.now
    simulation.reactions = rules(HEAD + FIRST)
    while simulation.line.items and simulation.line.items[0][0] < started + timedelta(minutes=25):
        simulation.step()
    assert len(simulation.jobs.jobs) == 1
    simulation.reactions = rules(HEAD + FIRST + SECOND)
    simulation.run()
    assert (len(simulation.jobs.jobs), simulation.letters.letters()) == (2, [])
    figures.record("8", deployments=2, kills=1, effects=2)


def test_a_job_file_that_is_mended(figures: Figures) -> None:
    """The second action's file is broken for an hour: the event waits, whole; then the second job starts as well."""
    simulation = Simulation(reactions=rules(HEAD + FIRST + SECOND))
    started = simulation.clock.now

    def broken() -> None:
        if simulation.jobs.jobs and simulation.clock.now < started + timedelta(hours=1):
            raise ConfigurationError("pipelines/offline-test.yml: cannot be used")

    simulation.jobs.before = broken
    simulation.enqueue(sample("model-registered"))
    simulation.run()
    assert len(simulation.jobs.jobs) == 2
    assert (simulation.line.poison, simulation.letters.letters(), simulation.unsettled()) == ([], [], [])
    assert simulation.clock.now - started <= timedelta(hours=1, minutes=10)
    figures.record("8", deployments=2, effects=2)


def test_a_mail_is_repeated_as_it_was(figures: Figures) -> None:
    """The mail's rule changes between its first send and the next: the same id has the same text."""
    simulation = Simulation()
    simulation.mail.delivers_lost_ones = False
    simulation.mail.script = [Deferred(reason="http 503", after=timedelta(minutes=1))]
    simulation.enqueue(sample("pipeline-failed"))
    simulation.step()
    simulation.reactions = rules(REACTIONS.replace("mail: { to: ops }", "mail: { to: ops, runbook: 'https://new' }"))
    simulation.run()
    (mail,) = simulation.mail.mails.values()
    assert (len(simulation.mail.posts), mail.notice.runbook) == (2, "")
    figures.record("8", deployments=1, effects=1)


@pytest.mark.parametrize("file", sorted(ROWS.glob("*.json")), ids=lambda file: file.stem)
def test_rows_of_every_version_are_read(file: Path, figures: Figures) -> None:
    """What a released version wrote is found by this one: the events of its rows have nothing new to cause."""
    simulation = Simulation(reactions=rules(REACTIONS))
    for row in json.loads(file.read_text()):
        simulation.store.insert(Row(partition=row["partition"], key=row["key"], values=row["values"]))
    events = ("model-registered", "pipeline-failed", "monitor-breach")
    for name in events:
        simulation.enqueue(sample(name))
    simulation.run()
    assert (simulation.jobs.puts, simulation.mail.posts) == ([], [])
    assert simulation.rows().keys() == {row["key"] for row in json.loads(file.read_text())}
    figures.record("8", rows_of_older_versions=len(simulation.rows()))
