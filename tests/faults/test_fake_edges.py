"""Bar 17, as far as these tests rest on it: the fakes answer as the shipped gateways do on the stand-in."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from local.azure import World
from local.azure.clock import now
from shared.actions import Deferred, Done, Failed, Outcome, SendMail, SubmitJob
from shared.gateways import Jobs, MailService
from shared.notices import Notice
from tests.fakes.gateways import FakeJobs, FakeMail
from tests.fakes.service import WORKSPACE
from tests.faults.figures import Figures
from tests.faults.real_edges import RealEdges, real_edges

OPERATION = "0f7c9a52-6d9b-5a33-9c55-2f0d3c8f1b77"
OTHER = "6d3f1f5e-8f0f-5b35-a0c3-0b8a6a2a9d10"
JOB = SubmitJob(workspace=WORKSPACE, job="pipelines/offline-test.yml", inputs={"model": "azureml:churn:7"})
NOTICE = Notice(
    kind="pipeline-failed",
    headline="Pipeline churn failed",
    workspace="mlw-churn",
    experiment="churn",
    run="run-1",
    status="Failed",
    time="2026-11-24T09:00:00Z",
    reaction="mail-ops",
)
MAIL = SendMail(to=("ops@example.com",), notice=NOTICE)


def stamp(operation: str) -> dict[str, str]:
    """Return what a job says about itself."""
    return {"reactor_reaction": "offline-test", "reactor_operation": operation}


#: What is asked of Azure ML, one after the other: which job, whose, and whether it was tried before.
SUBMISSIONS = [
    ("first", "mine", False),
    ("first", "mine", True),
    ("first", "mine", False),
    ("first", "theirs", False),
    ("second", "theirs", True),
]
#: And of the mail service.
MAILS: list[Callable[[MailService], Outcome | bool]] = [
    lambda mail: mail.find(OPERATION),
    lambda mail: mail.send(MAIL, operation=OPERATION, first_sent=now()),
    lambda mail: mail.find(OPERATION),
    lambda mail: mail.find(OTHER),
    lambda mail: mail.send(MAIL, operation=OPERATION, first_sent=now()),
    lambda mail: mail.send(MAIL, operation=OTHER, first_sent=now()),
    lambda mail: mail.find(OTHER),
]


@pytest.fixture
def edges() -> Iterator[RealEdges]:
    """The shipped gateways on a stand-in of the likely world, which is the one that the fakes play."""
    with real_edges(World()) as edges:
        yield edges


def kind(answer: Outcome | bool) -> Any:  # noqa: FBT001 - what Mail.find answers
    """Return what the orchestration sees of an answer; the words are each gateway's own."""
    match answer:
        case Done():
            return ("done", answer.receipt, bool(answer.note))
        case Failed():
            return ("failed", answer.reason.partition(":")[0])
        case Deferred():
            return "deferred"
    return answer


def submitted(jobs: Jobs) -> list[Any]:
    """Make the submissions."""
    return [
        kind(jobs.submit(JOB, name=name, properties=stamp(whose), repeated=repeated))
        for name, whose, repeated in SUBMISSIONS
    ]


def test_jobs(edges: RealEdges, figures: Figures) -> None:
    """New, repeated, found, taken by another: the same answers, the same jobs, the same number of requests."""
    fake = FakeJobs()
    assert submitted(fake) == submitted(edges.jobs)
    assert sorted(fake.jobs) == sorted(edges.workspace.jobs) == ["first", "second"]
    methods = [entry.method for entry in edges.requests()]
    assert (len(fake.puts), len(fake.reads)) == (methods.count("PUT"), methods.count("GET"))
    figures.record("17", equal_answers=len(SUBMISSIONS))


def test_mails(edges: RealEdges, figures: Figures) -> None:
    """Unknown, sent, known, sent again: the same answers, and as many mails."""
    fake = FakeMail()
    assert [kind(ask(fake)) for ask in MAILS] == [kind(ask(edges.mail)) for ask in MAILS]
    assert list(fake.mails) == [mail.operation for mail in edges.azure.mailbox.mails] == [OPERATION, OTHER]
    figures.record("17", equal_answers=len(MAILS))
