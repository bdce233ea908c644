"""The reason of a decision goes where people look: on the job, and into the mail."""

from shared.mail import render
from shared.records import read_event
from shared.store import Row
from tests.fakes.events import sample
from tests.fakes.service import FakeService


def reason(service: FakeService, reaction: str) -> str:
    """Return the reason on record."""
    (values,) = (row for row in service.rows().values() if "event" in row)
    return read_event(Row(partition="", key="", values=values)).reactions[reaction].reason


def test_a_job_carries_the_reason() -> None:
    """As a property, and so as a tag in the studio: what stands in the ledger."""
    service = FakeService()
    service.deliver(sample("model-registered"))
    ((_action, properties),) = service.jobs.jobs.values()
    assert properties["reactor_reason"] == reason(service, "offline-test") != ""


def test_a_mail_tells_the_reason() -> None:
    """In both of its forms."""
    service = FakeService()
    service.deliver(sample("pipeline-failed"))
    (mail,) = service.mail.mails.values()
    why = reason(service, "mail-ops")
    assert mail.notice.why == why != ""
    content = render(mail.notice)
    assert f"Why             {why}" in content.text
    assert why in content.html
