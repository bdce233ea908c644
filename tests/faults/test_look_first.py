"""Bar 10, once more: whatever became of the first request, nothing is repeated that has not been asked about.

As `test_unknown_outcome`, with time-outs, with the switches of the world that are not turned there, and with the
event told again by Event Grid meanwhile; here the order of the requests counts.
"""

from collections.abc import Iterator
from dataclasses import fields
from datetime import timedelta
from typing import Any

import pytest

from local.azure import KIND, UNKIND, Entry, Fault, World
from shared.transport import deadline
from tests.fakes.events import altered
from tests.faults.faulty import Death
from tests.faults.figures import Figures
from tests.faults.real_edges import RealEdges, real_edges
from tests.faults.simulation import Simulation

#: Each switch of the world turned the other way by itself, and all of them.
OTHER: dict[str, Any] = {
    "identical_job_accepted": True,
    "second_token_required": False,
    "repeated_mail_status": 409,
    "mail_lookup": False,
    "mail_window": timedelta(minutes=2),
}
WORLDS = {"kind": KIND, "unkind": UNKIND} | {name: World(**{name: value}) for name, value in OTHER.items()}
PUT, POST = r"/jobs/[^/?]+(\?|$)", "/emails:send"
#: How long a run may take whose request is not answered, in seconds; 20 in production.
PATIENCE = 1.0
#: What happens to the request, and the minutes after which the event is told again. A time-out is waited for: once.
LOSSES = [("reset", 4), ("killed", 4), ("killed", 12), ("reset before", 4), ("timeout", 4)]


@pytest.fixture(scope="module", params=list(WORLDS))
def edges(request: pytest.FixtureRequest) -> Iterator[RealEdges]:
    """The shipped gateways in one world."""
    with real_edges(WORLDS[request.param]) as edges:
        yield edges


def lose(edges: RealEdges, simulation: Simulation, loss: str, *, url: str, point: str) -> None:
    """Have the next answer get lost: the effect is there, but for "reset before"."""
    faults = {
        "reset": Fault(method="PUT|POST", url=url, drop="after"),
        "reset before": Fault(method="PUT|POST", url=url, drop="before"),
        "timeout": Fault(method="PUT|POST", url=url, delay=2 * PATIENCE),
    }
    if loss in faults:
        edges.azure.faults.add(faults[loss])
        return

    def die(reached: str) -> None:
        if reached == point:
            simulation.fault = lambda _point: None
            raise Death

    simulation.fault = die


def told_again(
    edges: RealEdges, simulation: Simulation, event: dict[str, Any], minutes: int, *, run: float = 20
) -> tuple[Entry, ...]:
    """Deliver *event* in *run* seconds, and once more so much later; let all of it end, and return the requests."""
    before = len(edges.requests())
    simulation.enqueue(event)
    with deadline(run):
        simulation.step()
    simulation.clock.forward(minutes=minutes)
    simulation.enqueue(event)
    simulation.run()
    assert (simulation.unsettled(), simulation.line.poison, simulation.letters.letters()) == ([], [], [])
    return edges.requests()[before:]


def test_every_switch_is_turned() -> None:
    """A switch that is new has to be turned here too."""
    assert set(OTHER) == {field.name for field in fields(World)}


@pytest.mark.parametrize(("loss", "minutes"), LOSSES)
def test_one_job_always(edges: RealEdges, loss: str, minutes: int, figures: Figures) -> None:
    """The same name is put again, once; whatever Azure ML answers to that, there is one job."""
    model, run = f"model-{loss}-{minutes}".replace(" ", "-"), PATIENCE if loss == "timeout" else 20
    edges.workspace.register("models", f"{model}:1")
    simulation = edges.simulation()
    lose(edges, simulation, loss, url=PUT, point="jobs.submit.after")
    asked = told_again(
        edges, simulation, altered("model-registered", modelName=model, modelVersion="1"), minutes, run=run
    )
    assert len(edges.started(f"model-registered|{model}:1")) == 1
    assert [entry.method for entry in asked] == ["PUT", "PUT"]
    assert asked[0].path == asked[1].path
    figures.record("10", lost_answers=1, jobs=1)


def test_a_look_up_that_is_refused_is_asked_again(edges: RealEdges, figures: Figures) -> None:
    """While the service does not say what became of a mail, it is not repeated."""
    simulation = edges.simulation()
    lose(edges, simulation, "reset", url=POST, point="")
    refusals = 3
    edges.azure.faults.add(Fault(method="GET", url="/emails/operations/", status=503, times=refusals))
    asked = told_again(edges, simulation, altered("pipeline-failed", runId="run-look-up"), 4)
    assert [entry.method for entry in asked][: 2 + refusals] == ["POST", *["GET"] * (1 + refusals)]
    figures.record("10", lost_answers=1 + refusals, mails=1)


@pytest.mark.parametrize(("loss", "minutes"), LOSSES)
def test_a_mail_is_looked_up_before_any_repeat(edges: RealEdges, loss: str, minutes: int, figures: Figures) -> None:
    """Never two POSTs in a row; one mail where the look-up knows, one or two where it does not, none nowhere."""
    name, run = f"run-{loss}-{minutes}".replace(" ", "-"), PATIENCE if loss == "timeout" else 20
    simulation = edges.simulation()
    before = len(edges.azure.mailbox.mails)
    lose(edges, simulation, loss, url=POST, point="mail.send.after")
    asked = told_again(edges, simulation, altered("pipeline-failed", runId=name), minutes, run=run)
    mails = edges.azure.mailbox.mails[before:]
    assert len({(mail.operation, mail.subject, mail.text, mail.html) for mail in mails}) == 1
    assert len(mails) in ({1} if edges.azure.world.mail_lookup or loss == "reset before" else {1, 2})
    methods = "".join(entry.method[0] for entry in asked)
    assert methods.startswith("PG")
    assert "PP" not in methods
    figures.record("10", lost_answers=1, mails=len(mails), most_mails_of_one_event=len(mails))
