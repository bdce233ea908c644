"""Summaries as values: what a row takes, what it refuses, and which rows a mail told again meets."""

from datetime import time, timedelta

from shared.actions import Deferred, Done
from shared.digests import CHARACTERS, DIGESTS, Digest, digest_keys, due_at, list_id, read_digest, write_digest
from shared.notices import ENTRIES, Notice
from shared.store import Row
from tests.fakes.service import START, WORKSPACE
from tests.unit.test_post import failure, mail_action, run_until_quiet, service

SIX = time(6)
EMPTY = Digest(since=START, due=START)


def notice(number: int, subject: str = "") -> Notice:
    """Return what a mail tells."""
    return Notice(
        kind="pipeline-failed",
        headline=f"Pipeline failed: {subject or number}",
        workspace=WORKSPACE,
        experiment=subject or f"pipeline-{number}",
        run=f"run-{number}",
        status="Failed",
        time=f"2026-11-24T09:{number % 60:02}:00Z",
        reaction="mail-ops",
    )


def filled(count: int, **fixed: str) -> tuple[Digest, int]:
    """Merge until the row is full, *count* at most; return how many it took."""
    digest = EMPTY
    for number in range(count):
        grown = digest.merge(notice(number, **fixed), f"mail-{number}")
        if grown is None:
            return digest, number
        digest = grown
    return digest, count


def test_a_row_takes_as_many_subjects_as_a_mail_shows() -> None:
    """One more goes into the next row: a summary that says "and others" would leave something out."""
    digest, took = filled(ENTRIES + 1)
    assert took == ENTRIES
    assert digest.merge(notice(0), "again") is not None


def test_a_row_never_outgrows_its_property() -> None:
    """However many mails of one subject there are."""
    digest, took = filled(5000, subject="nightly")
    assert 1000 < took < 5000
    assert CHARACTERS - 100 < len(str(write_digest(digest)["digest"])) <= CHARACTERS


def test_nothing_is_merged_into_what_was_sent() -> None:
    """The content of a mail is the same at every attempt."""
    assert Digest(since=START, due=START, sent_at=START).merge(notice(1), "a") is None


def test_the_newest_run_is_told_whatever_the_order() -> None:
    """An older failure that comes late counts, and changes neither the newest run nor when it ended."""
    later, earlier = notice(7, "nightly"), notice(3, "nightly")
    first = EMPTY.merge(later, "a")
    assert first is not None
    both = first.merge(earlier, "b")
    assert both is not None
    (one,) = both.merged
    assert (one.count, one.run, one.first, one.last) == (2, "run-7", earlier.time, later.time)


def test_keys_of_this_period_and_of_the_one_before() -> None:
    """A mail told again in the next hour, or the next day, meets itself."""
    to = list_id(["ops@example.com"])
    for kind, step in (("short", timedelta(hours=1)), ("daily", timedelta(days=1))):
        this, before = digest_keys(kind, to, START, daily=SIX)  # type: ignore[arg-type] # one of the two
        _, later = digest_keys(kind, to, START + step, daily=SIX)  # type: ignore[arg-type]
        assert later == this
        assert not set(this) & set(before)
    assert due_at("daily", START, daily=SIX) == START.replace(day=25, hour=6)
    assert list_id(["a@b.c", "d@e.f"]) == list_id(["d@e.f", "a@b.c"]) != list_id(["a@b.c"])


def test_told_again_in_the_next_hour_it_meets_itself() -> None:
    """A delivery that was killed after merging comes back ten minutes later, over the hour."""
    found = service(allowance=service().allowance.__class__(per_minute=1, per_hour=1))
    action, at = mail_action(found), START + timedelta(minutes=55)
    assert found.post.divert(action, operation="first", at=at) is None
    once, again = (found.post.divert(action, operation="a", at=at + timedelta(minutes=wait)) for wait in (0, 10))
    assert isinstance(once, Done)
    assert once == again


def test_two_wake_ups_at_once_send_one() -> None:
    """The second finds the summary being sent and waits a minute; then it is looked up."""
    found = service("digest")
    found.deliver(failure(1))
    ((text, after),) = found.queue.sent
    found.mail.script = [Deferred("mail-unknown", timedelta(minutes=5))]  # it arrived; the answer is lost
    found.clock.now += after
    found.queue.sent.clear()
    found.deliver_text(text)
    found.deliver_text(text)
    assert (len(found.mail.posts), found.mail.lookups) == (1, [])
    run_until_quiet(found)
    assert (len(found.mail.posts), len(found.mail.delivered)) == (1, 1)
    assert found.mail.lookups


def test_a_copy_that_comes_too_early_goes_back() -> None:
    """For as long as it has to wait; nothing is mailed."""
    found = service("digest")
    found.deliver(failure(1))
    ((text, after),) = found.queue.sent
    found.queue.sent.clear()
    found.clock.now += timedelta(hours=1)
    found.deliver_text(text)
    assert found.mail.posts == []
    assert found.queue.sent == [(text, after - timedelta(hours=1))]


def test_a_summary_may_use_what_is_kept() -> None:
    """Four of five an hour are taken by what is not critical; the summary takes the fifth, and waits for no hour."""
    found = service(allowance=service().allowance.__class__(per_minute=5, per_hour=5))
    for number in range(6):
        found.deliver(failure(number))
    assert len(found.mail.posts) == 4
    assert run_until_quiet(found) == [START + timedelta(minutes=5)]


def test_a_mail_merged_at_the_last_moment_is_in_it() -> None:
    """Between reading and sealing: the seal is refused, the row read again."""
    found = service("digest")
    found.deliver(failure(1, 1))
    ((text, after),) = found.queue.sent
    found.queue.sent.clear()
    found.clock.now += after
    merge = found.store.merge

    def race(row: Row) -> object:
        if row.partition != DIGESTS:
            return merge(row)
        found.store.merge = merge  # type: ignore[method-assign]
        assert found.post.divert(mail_action(found), operation="late", at=START) is not None
        return merge(row)

    found.store.merge = race  # type: ignore[method-assign, assignment]
    found.deliver_text(text)
    (mail,) = found.mail.mails.values()
    assert sum(one.failures for one in mail.notice.entries) == 2


def test_what_is_mailed_is_marked_as_done() -> None:
    """A wake-up that comes once more asks nobody, and a purge may take the row."""
    found = service("digest")
    found.deliver(failure(1))
    ((text, _),) = found.queue.sent
    run_until_quiet(found)
    found.clock.now += timedelta(hours=1)
    found.deliver_text(text)
    assert (len(found.mail.posts), found.mail.lookups, found.queue.sent) == (1, [], [])
    assert all(read_digest(row).done for row in found.store.rows if row.partition == DIGESTS)
