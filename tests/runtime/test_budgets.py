"""The countable budgets, under Microsoft's worker runtime with the real SDKs: imports, requests, connections, calls."""

import sys
from collections.abc import Callable, Iterator
from datetime import timedelta
from itertools import count
from typing import Any

import pytest

from local.azurite import Azurite
from local.samples import sample
from tests.budgets import (
    BUDGETS,
    FIRST_JOB_CONNECTIONS,
    FIRST_MAIL_CONNECTIONS,
    MODULES_AT_INDEX,
    PACKAGES_AT_INDEX,
    Budget,
)
from tests.fakes.events import altered
from tests.runtime.counting import Counting, Taken

pytestmark = pytest.mark.xdist_group("budgets")
REACTIONS = """
recipients: { ops: $OPS_EMAIL }
reactions:
  - name: offline-test
    on: model-registered
    when: { model: "prod-*" }
    run: { job: pipelines/offline-test.yml, inputs: { model: "${{ event.model }}" } }
  - name: bare-test
    on: model-registered
    when: { model: "bare-*" }
    guards: none
    run: { job: pipelines/offline-test.yml, inputs: { model: "${{ event.model }}" } }
  - name: retrain
    on: data-drift
    run:
      job: pipelines/retrain.yml
      inputs: { drift_monitor: "${{ event.monitor }}", drift_signal: "${{ event.signal }}" }
  - { name: mail-each, on: pipeline-failed, when: { experiment: "each-*" }, mail: { to: ops, each: true } }
  - { name: mail-ops, on: pipeline-failed, when: { experiment: "nightly-*" }, mail: { to: ops } }
"""
#: To open a connection again or to read the switches takes calls as well: then it is counted once more.
TRIES = 5
#: An event of a kind, which nobody told yet; what has to come before it is told on the way.
type Kind = Callable[["Events"], dict[str, Any]]


NUMBERS = count(1)


class Events:
    """Makes events, no two of them alike."""

    def __init__(self, app: Counting) -> None:
        self.app = app

    def model(self, name: str = "", *, version: int = 1) -> dict[str, Any]:
        """A version that the workspace knows; of a model of its own unless named."""
        name = name if name and not name.endswith("-") else f"{name}{next(NUMBERS)}"
        self.app.workspace.register("models", f"{name}:{version}")
        return altered("model-registered", event_id=f"{name}-{version}", modelName=name, modelVersion=str(version))

    def third(self) -> dict[str, Any]:
        """The third version of a model, of which two were tested."""
        name = f"prod-{next(NUMBERS)}"
        for version in (1, 2):
            self.app.take(self.model(name, version=version))
        return self.model(name, version=3)

    def again(self) -> dict[str, Any]:
        """An event that was carried out."""
        event = self.model("prod-")
        self.app.take(event)
        return event

    def breach(self) -> dict[str, Any]:
        """A breach of a monitor of its own."""
        run = f"monitor-{next(NUMBERS)}"
        return altered("monitor-breach", event_id=run, runId=run, experimentName=run)

    def failed(self, experiment: str) -> dict[str, Any]:
        """A pipeline that failed at its second step, after one that went well the day before."""
        name = f"{experiment}{next(NUMBERS)}"
        self.app.workspace.run_pipeline(name, f"{name}-good", steps=3, ago=timedelta(days=1))
        self.app.workspace.run_pipeline(name, f"{name}-bad", steps=3, fails_at=2, error="no such column")
        assert self.app.azure.wait_until_idle(30)
        return ended(name, f"{name}-bad", "Failed")

    def folded(self) -> dict[str, Any]:
        """Another failure of an experiment."""
        first = self.failed("nightly-")
        self.app.take(first)
        return ended(first["data"]["experimentName"], f"bad-{next(NUMBERS)}", "Failed")

    def resolving(self) -> dict[str, Any]:
        """A success of an experiment that failed."""
        first = self.failed("nightly-")
        self.app.take(first)
        event = ended(first["data"]["experimentName"], f"good-{next(NUMBERS)}", "Completed")
        return {**event, "eventTime": event["eventTime"].replace("T05:", "T06:")}

    def good(self) -> dict[str, Any]:
        """A success of an experiment of which nothing is known."""
        return ended(f"nightly-{next(NUMBERS)}", f"run-{next(NUMBERS)}", "Completed")


def ended(experiment: str, run: str, status: str) -> dict[str, Any]:
    """Return the event that a pipeline ended."""
    name = f"{experiment}-{run}"
    return altered("pipeline-failed", event_id=name, experimentName=experiment, runId=run, runStatus=status)


KINDS: dict[str, Kind] = {
    "pushed: recognised and put into the queue": lambda events: events.model("prod-"),
    "concerns no family": lambda _events: sample("pipeline-failed.step"),
    "matches no rule": lambda events: events.model("scratch-"),
    "starts a job": lambda events: events.model("prod-"),
    "starts a job, `guards: none`": lambda events: events.model("bare-"),
    "starts the third job of a day on its subject": Events.third,
    "drift, starts a job": Events.breach,
    "told again": Events.again,
    "mails, `each: true`": lambda events: events.failed("each-"),
    "fails first: opens an incident and mails": lambda events: events.failed("nightly-"),
    "fails again: folded": Events.folded,
    "succeeds: resolves the incident and mails": Events.resolving,
    "succeeds, and nothing is open": Events.good,
}


@pytest.fixture(scope="module")
def app(azurite: Azurite, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Counting]:
    """Return the shipped app in a process that counts."""
    folder = tmp_path_factory.mktemp("budgets")
    (folder / "reactions.yaml").write_text(REACTIONS, encoding="utf-8")
    with Counting(azurite.connection_string, folder / "reactions.yaml") as counting:
        yield counting
        assert not counting.azure.journal.unknown() + counting.azure.journal.violations()


@pytest.fixture(scope="module")
def first(app: Counting) -> dict[str, Taken]:
    """Return what the first job and the first mail of the process took."""
    events = Events(app)
    return {"job": app.take(events.model("prod-")), "mail": app.take(events.failed("nightly-"))}


def test_modules_at_index(app: Counting) -> None:
    """What Azure's worker imports to know the functions: azure-functions, msgspec, and so many modules of our own."""
    roots = {name: name.partition(".")[0] for name in app.modules}
    python = sys.stdlib_module_names
    ours = [name for name, root in roots.items() if root in {"function_app", "handlers", "shared"}]
    others = {root for name, root in roots.items() if name not in ours and root not in python}
    assert others == PACKAGES_AT_INDEX
    assert [name for name in app.modules if name.startswith("azure.") and not name.startswith("azure.functions")] == []
    assert len(ours) == MODULES_AT_INDEX


def test_the_first_job(first: dict[str, Taken]) -> None:
    """Without azure-ai-ml; pause switches are read besides, and two tokens; one connection to each service."""
    job = first["job"]
    assert [name for name in job.modules if name.startswith("azure.ai")] == []
    assert (job.switches, job.storage, job.azure_ml, job.reads, job.identity) == (1, 3, 1, 0, 2)
    assert len(job.connections) == FIRST_JOB_CONNECTIONS


def test_the_first_mail(first: dict[str, Taken]) -> None:
    """The count of mails is read besides, and a token for the mail service."""
    mail = first["mail"]
    assert [name for name in mail.modules if name.startswith("azure.ai")] == []
    assert (mail.storage, mail.mail, mail.identity) == (8, 1, 1)
    assert len(mail.connections) == FIRST_MAIL_CONNECTIONS


@pytest.mark.usefixtures("first")
@pytest.mark.parametrize("budget", BUDGETS, ids=lambda budget: budget.event)
def test_one_event(app: Counting, budget: Budget) -> None:
    """So many requests and no connection; of the next one like it, so many bytes and calls at most."""
    events, kind = Events(app), KINDS[budget.event]
    function = "model_registered" if budget.event.startswith("pushed") else "react"
    told = kind(events)
    app.take(kind(events), function=function)  # Azurite closes a connection that was idle for five seconds
    taken = app.take(told, function=function)
    assert taken.switches <= 1
    asked = (taken.storage, taken.azure_ml, taken.reads, taken.mail, taken.identity)
    assert asked == (budget.storage, budget.jobs, budget.reads, budget.mails, 0)
    assert taken.connections == ()
    assert taken.most_bytes <= budget.size
    profiled = (app.take(kind(events), function=function, profile=True) for _ in range(TRIES))
    calls = next(one.calls for one in profiled if not one.connections and not one.switches)
    assert calls <= budget.calls


def test_what_is_missed_has_its_reason() -> None:
    """And nothing else has one; every kind is tried."""
    assert [one.event for one in BUDGETS if bool(one.missed) != (one.storage > one.allowed)] == []
    assert [one.event for one in BUDGETS] == list(KINDS)
