"""What every answer decides, for both gateways: done, later, or failed; nothing else, and never an exception."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
import responses
from azure.core.pipeline.transport import RequestsTransport

from shared.actions import Deferred, Done, Failed, Outcome, SendMail
from shared.gateways.answers import PROPAGATION
from shared.gateways.jobs import ArmJobs
from shared.gateways.mail import CommunicationMail
from shared.notices import Notice
from tests.fakes.arm_jobs import ROOT, URL, Credential, created, submit

ENDPOINT = "https://acs.europe.communication.azure.com"
OPERATION = "7d9b0f5e-0c57-5a0e-8a43-3d9f0a1c2b4d"
NOTICE = Notice(
    kind="k", headline="h", workspace="w", experiment="e", run="r", status="s", time="t", reaction="mail-ops"
)
#: 204 and 304 have no body, and no service here answers so.
STATUSES = sorted(set(range(200, 600)) - {204, 304})
LATER = {401, 403, 408, 409, 429, *range(500, 600)}
#: Where each gateway differs from LATER and DONE: what is not understood is looked up by mail, refused by jobs.
DONE = {"jobs": {200, 201, 202}, "mail": {202}}
MORE_LATER = {"jobs": set[int](), "mail": {412, *range(200, 400)}}


@pytest.fixture
def transport() -> Iterator[RequestsTransport]:
    """Return a transport that `responses` answers."""
    with RequestsTransport() as transport:
        yield transport


def answered(gateway: str, transport: RequestsTransport, status: int, headers: dict[str, str]) -> Outcome:
    """Return what the gateway makes of one answer."""
    with responses.RequestsMock(assert_all_requests_are_fired=False) as wire:
        if gateway == "jobs":
            wire.put(URL, json=created() if status < 300 else {}, status=status, headers=headers)
            return submit(ArmJobs(transport=transport, credential=Credential(), folder=ROOT))
        wire.post(
            f"{ENDPOINT}/emails:send", json={"id": OPERATION, "status": "Running"}, status=status, headers=headers
        )
        mail = CommunicationMail(endpoint=ENDPOINT, sender="a@b.cd", transport=transport, credential=Credential())
        action = SendMail(to=("ops@example.com",), notice=NOTICE)
        return mail.send(action, operation=OPERATION, first_sent=datetime(2026, 11, 24, tzinfo=UTC))


@pytest.mark.parametrize("gateway", ["jobs", "mail"])
def test_every_status_decides(gateway: str, transport: RequestsTransport) -> None:
    """Some four hundred statuses, each done, later or failed, as one rule says for both."""
    for status in STATUSES:
        outcome = answered(gateway, transport, status, {})
        if status in DONE[gateway]:
            expected: type = Done
        else:
            expected = Deferred if status in LATER | MORE_LATER[gateway] else Failed
        assert isinstance(outcome, expected), (status, outcome)


@pytest.mark.parametrize("gateway", ["jobs", "mail"])
def test_a_missing_role_is_later_for_half_an_hour(gateway: str, transport: RequestsTransport) -> None:
    """Only a 403 has a limit of its own; everything else may last as long as any trouble."""
    for status in sorted(LATER):
        outcome = answered(gateway, transport, status, {})
        assert isinstance(outcome, Deferred)
        assert outcome.limit == (PROPAGATION if status == 403 else None)
    assert timedelta(minutes=30) == PROPAGATION


@pytest.mark.parametrize("gateway", ["jobs", "mail"])
@pytest.mark.parametrize("status", sorted({401, 403, 408, 409, 429, 500, 503}))
@pytest.mark.parametrize("seconds", [0, 1, 17, 600, 86_400, 30 * 86_400])
def test_retry_after_of_any_length_is_the_delay(
    gateway: str, status: int, seconds: int, transport: RequestsTransport
) -> None:
    """Whoever says how long to wait is taken at their word."""
    outcome = answered(gateway, transport, status, {"Retry-After": str(seconds)})
    assert isinstance(outcome, Deferred)
    assert outcome.after == timedelta(seconds=seconds)
