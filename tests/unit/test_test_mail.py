"""Test mails: the whole way through the queue, once, and whatever stands in the way is the answer."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

import pytest

from ops.connection import State
from shared.actions import Deferred, Failed
from shared.allowance import Allowance
from shared.mail import render
from shared.mail_probe import TEST_MAIL
from tests.fakes.project import Said, ops
from tests.fakes.service import FakeService, rules
from tests.unit.test_ops_replay import state

TWO = """
recipients: { ops: $OPS_EMAIL, team: team@example.com }
reactions: [{ name: mail-ops, on: pipeline-failed, mail: { to: ops } }]
"""


@pytest.fixture
def service(monkeypatch: pytest.MonkeyPatch) -> FakeService:
    """Give the service, whose queue runs while the command waits for its answer."""
    service = FakeService(reactions=rules(TWO), rationed=True)

    @contextmanager
    def connected(_storage: object) -> Iterator[State]:
        yield state(service)

    def app_runs(seconds: float) -> None:
        service.clock.forward(seconds=seconds)
        waiting, service.queue.sent[:] = list(service.queue.sent), []
        for text, after in waiting:
            service.deliver_text(text) if after <= timedelta() else service.queue.sent.append(
                (text, after - timedelta(seconds=seconds))
            )

    monkeypatch.setattr("ops.dead_letters.connected", connected)
    monkeypatch.setattr("ops.probing.time.sleep", app_runs)
    return service


def run(*words: str) -> Said:
    """Run the command."""
    return ops("send-test-mail", *words, StateStorage="UseDevelopmentStorage=true")


def test_it_goes_to_ops_and_says_who_asked(service: FakeService) -> None:
    """One mail, and what came of it."""
    said = run()
    (operation,) = service.mail.posts
    assert said.code == 0
    assert said.out == f"accepted by the mail service at 2026-11-24 09:00:02 UTC, version 0.1.0: {operation}\n"
    mail = service.mail.mails[operation]
    assert mail.to == ("ops@example.com",)
    assert "ana@contoso.com asked for this mail" in render(mail.notice).text


def test_it_goes_to_a_name_of_the_deployed_file(service: FakeService) -> None:
    """Never to an address, and to nobody unknown."""
    run("--to", "team")
    assert [mail.to for mail in service.mail.mails.values()] == [("team@example.com",)]
    said = run("--to", "eve@example.org", "--json")
    document = json.loads(said.out)
    assert (said.code, document["outcome"]) == (1, "failed")
    assert "is not under `recipients`" in document["reason"]
    assert len(service.mail.posts) == 1


def test_what_stands_in_the_way_is_the_answer(service: FakeService) -> None:
    """A refusal; trouble that passes meanwhile; and trouble that does not."""
    service.mail.script = [Failed("mail-rejected: check MAIL_SENDER")]
    said = run()
    assert (said.code, "refused at" in said.out, "check MAIL_SENDER" in said.out) == (1, True, True)
    service.mail.script, service.mail.delivers_lost_ones = [Deferred("mail-throttled", timedelta(seconds=30))], False
    assert run().code == 0
    service.mail.script = [Deferred("mail-unreachable", timedelta(seconds=30))] * 9
    said = run("--wait", "60")
    assert (said.code, "waits at" in said.out, "mail-unreachable" in said.out) == (1, True, True)


def test_it_counts_in_the_allowance(service: FakeService) -> None:
    """And waits for room like any mail."""
    service.post = type(service.post)(
        service=service.mail,
        ration=type(service.post.ration)(service.store, Allowance(per_minute=1, per_hour=9)),
        store=service.store,
        queue=service.queue,
        daily=service.post.daily,
    )
    assert run().code == 0
    said = run("--wait", "10")
    assert (said.code, "the allowance of mails is used up" in said.out) == (1, True)
    assert run("--wait", "200").code == 0


def test_nobody_answers(service: FakeService, monkeypatch: pytest.MonkeyPatch) -> None:
    """The app is stopped: told with what to look at; the wish stays in the queue."""
    monkeypatch.setattr("ops.probing.time.sleep", lambda _seconds: None)
    said = run("--wait", "4")
    assert (said.code, "no answer: the app is stopped" in said.err) == (1, True)
    assert len(service.queue.sent) == 1


def test_a_dry_run_sends_nothing(service: FakeService) -> None:
    """And says that all is ready."""
    service.dry_run = True
    said = run()
    assert (said.code, "nothing is sent" in said.out, service.mail.posts) == (0, True, [])


def test_told_twice_is_sent_once(service: FakeService) -> None:
    """The answer is final."""
    run()
    ((key, row),) = [(key, row) for key, row in service.rows().items() if key.startswith("test|")]
    name = key.partition("|")[2]
    wish = {"id": name, "to": "", "by": "ana"}
    service.deliver({"event": {"id": name, "eventType": TEST_MAIL, "topic": "ops", "data": wish}})
    assert len(service.mail.posts) == 1
    assert service.rows()[key] == row


def test_a_broken_wish_is_a_dead_letter(service: FakeService) -> None:
    """Whoever can write into the queue cannot choose a row."""
    wish = {"id": "../spent", "to": "", "by": "eve"}
    service.deliver({"event": {"id": "x", "eventType": TEST_MAIL, "topic": "ops", "data": wish}})
    assert len(service.letters.blobs) == 1
    assert not service.mail.posts
