"""The allowance and the summaries on the real table: many writers, none lost, none beyond the allowance."""

import uuid
from concurrent.futures import ThreadPoolExecutor
from datetime import time
from typing import TYPE_CHECKING, Any

from azure.data.tables import TableClient

from shared.actions import Deferred, SendMail
from shared.allowance import Allowance
from shared.digests import DIGESTS, digest_keys, list_id, read_digest
from shared.notices import Notice
from shared.post import Post
from shared.ration import Ration
from shared.store import TableStore
from tests.fakes.gateways import FakeMail, FakeQueue
from tests.fakes.service import START, WORKSPACE

if TYPE_CHECKING:
    from local.azurite import Azurite

SIX = time(6)
MAIL = SendMail(
    to=("ops@example.com",),
    notice=Notice(
        kind="pipeline-failed",
        headline="Pipeline failed: nightly",
        workspace=WORKSPACE,
        experiment="nightly",
        run="run-1",
        status="Failed",
        time=START.isoformat(),
        reaction="mail-ops",
    ),
)


def test_many_workers_share_the_allowance(azurite: "Azurite") -> None:
    """Sixteen processes, as far as memory goes, forty mails: four at once, all others merged once each."""
    name = f"post{uuid.uuid4().hex}"  # noqa: TID251 - tests share the account
    client = TableClient.from_connection_string(azurite.connection_string, name)
    client.create_table()
    store, queue = TableStore(client), FakeQueue()

    def post(number: int) -> Any:
        ration = Ration(store, Allowance(per_minute=5, per_hour=10))
        own = Post(service=FakeMail(), ration=ration, store=store, queue=queue, daily=SIX)
        for _ in range(200):
            outcome = own.divert(MAIL, operation=f"mail-{number}", at=START)
            if not isinstance(outcome, Deferred):
                return outcome
        raise AssertionError("never decided")

    with ThreadPoolExecutor(16) as pool:
        outcomes = list(pool.map(post, range(40)))
    assert outcomes.count(None) == 4
    this, before = digest_keys("short", list_id(MAIL.to), START, daily=SIX)
    found = [read_digest(row) for row in store.query(DIGESTS, [*this, *before]).rows]
    with client:
        client.delete_table()
    assert [one.mails for one in found] == [36]
    assert [(one.subject, one.count) for one in found[0].merged] == [("nightly", 36)]
    assert queue.sent
