"""Bar 10: answers that get lost after the effect happened, with the real gateways, in every world that Azure may be."""

import itertools
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from azure.identity import ManagedIdentityCredential

from local.azure import Fault, StandIn, World
from local.azure.clock import now
from local.furniture import WORKSPACE, furnish
from shared.gateways.jobs import ArmJobs
from shared.gateways.mail import CommunicationMail
from shared.transport import build_transport
from tests.fakes.azure import stand_in
from tests.fakes.events import SAMPLES, sample
from tests.fakes.gateways import Unrationed
from tests.faults.faulty import Death
from tests.faults.figures import Figures
from tests.faults.simulation import Simulation

#: Every point that nobody knows for certain, either way.
WORLDS = tuple(
    World(identical_job_accepted=accepted, repeated_mail_status=status, mail_lookup=lookup)
    for accepted, status, lookup in itertools.product((True, False), (202, 409), (True, False))
)
FAULTS: dict[str, dict[str, Any]] = {
    "reset after commit": {"drop": "after"},
    "500 after commit": {"status": 500, "committed": True},
    "503 before": {"status": 503},
    "reset before": {"drop": "before"},
}
JOB_PUT, MAIL_POST = "/jobs/", "/emails:send"


def named(world: World) -> str:
    """Name a world by its switches."""
    parts = (f"put-{200 if world.identical_job_accepted else 400}", str(world.repeated_mail_status))
    return "-".join((*parts, "look-up" if world.mail_lookup else "no-look-up"))


@pytest.fixture(params=WORLDS, ids=named)
def azure(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[StandIn]:
    """Return an Azure of one kind."""
    with stand_in(monkeypatch, world=request.param) as running:
        furnish(running.workspace(**WORKSPACE))
        yield running


def service(azure: StandIn) -> Simulation:
    """Return the service with its real gateways, by today's date, which the mail service compares."""
    transport = build_transport()
    client_id = azure.environment["AZURE_CLIENT_ID"]
    credential = ManagedIdentityCredential(client_id=client_id, transport=transport, retry_total=0)
    jobs: Any = ArmJobs(transport=transport, credential=credential, folder=Path(SAMPLES.parent))
    mail = CommunicationMail(
        endpoint="https://acs.europe.communication.azure.com",
        sender="reactor@example.com",
        transport=transport,
        credential=credential,
    )
    roomy: Any = Unrationed(mail)
    simulation = Simulation(jobs=jobs, mail=roomy)
    simulation.clock.now = now()
    return simulation


def recognises(world: World, minutes: float) -> bool:
    """Tell whether a mail that was sent is recognised as such after so long: asked for, or by its id being repeated.

    Where a repeated id is refused as "under way" and cannot be looked up, nobody knows: it is sent again once the
    service has forgotten it.
    """
    return world.mail_lookup or (world.repeated_mail_status == 202 and minutes < 5)


def created(azure: StandIn) -> int:
    """Count the jobs there are."""
    return len(azure.workspace(**WORKSPACE).jobs)


@pytest.mark.parametrize("fault", FAULTS)
def test_a_job_whose_answer_is_lost_is_one_job(azure: StandIn, fault: str, figures: Figures) -> None:
    """The same name is put again, and exists."""
    simulation = service(azure)
    azure.faults.add(Fault(method="PUT", url=JOB_PUT, **FAULTS[fault]))
    simulation.enqueue(sample("model-registered"))
    simulation.run()
    assert (created(azure), len(azure.journal.jobs_put())) == (1, 2)
    assert (simulation.unsettled(), simulation.letters.letters()) == ([], [])
    figures.record("10", lost_answers=1, jobs=1)


@pytest.mark.parametrize("fault", FAULTS)
def test_a_mail_whose_answer_is_lost(azure: StandIn, fault: str, figures: Figures) -> None:
    """Looked up before it is repeated; within the window the service recognises the repetition as well."""
    simulation = service(azure)
    azure.faults.add(Fault(method="POST", url=MAIL_POST, **FAULTS[fault]))
    simulation.enqueue(sample("pipeline-failed"))
    simulation.run()
    mails, posts = len(azure.mailbox.mails), len(azure.journal.mails_posted())
    assert (simulation.unsettled(), simulation.letters.letters()) == ([], [])
    if "before" in fault or recognises(azure.world, 1):
        assert (mails, posts) == (1, 1 if azure.world.mail_lookup and "after" in fault else 2)
    assert 1 <= mails <= 2
    figures.record("10", lost_answers=1, mails=mails, most_mails_of_one_event=mails)


@pytest.mark.parametrize("minutes", [1, 4, 12, 60])
def test_a_mail_that_is_resumed_later(azure: StandIn, minutes: int, figures: Figures) -> None:
    """The worker died after the mail was sent, and comes back: once where it can be asked, twice at the very most."""
    simulation = service(azure)
    simulation.enqueue(sample("pipeline-failed"))

    def die(point: str) -> None:
        if point == "mail.send.after":
            simulation.fault = lambda _point: None
            raise Death

    simulation.fault = die
    assert simulation.step()
    azure.clock.advance(timedelta(minutes=minutes))
    _due, _number, message, _count = simulation.line.items.pop()
    simulation.line.put(message, after=timedelta(minutes=minutes))
    simulation.run()
    mails = len(azure.mailbox.mails)
    assert mails == 1 if recognises(azure.world, minutes) else 1 <= mails <= 2
    assert len({mail.operation for mail in azure.mailbox.mails}) == 1
    assert len({mail.html for mail in azure.mailbox.mails}) == 1
    assert (simulation.unsettled(), simulation.letters.letters()) == ([], [])
    figures.record("10", kills=1, mails=mails, most_mails_of_one_event=mails)
