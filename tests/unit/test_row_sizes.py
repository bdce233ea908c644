"""Events around the limits of storage: a mail goes out or a person is told; no row stays without an outcome."""

import json
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from handlers.data_drift import BREACH_TAG
from handlers.pipeline_failure import MONITOR_ERROR
from shared.actions import Deferred, Failed
from shared.errors import RowTooLargeError
from shared.mail import render
from shared.messages import INLINE_BYTES
from shared.notices import CAUSE_CHARACTERS, ENTRIES, MEASUREMENTS, NOTICE_CHARACTERS, DigestEntry, Measurement, Notice
from shared.records import ReactionRecord, read_event, read_memory
from shared.store import Conflict, Row, Written
from shared.store.limits import PROPERTY_CHARACTERS
from tests.fakes.events import altered, sample
from tests.fakes.service import EACH, FakeService, rules

#: Characters of one, two and four bytes, of one and two UTF-16 units, and such as JSON escapes with two and six.
LETTERS = ("x", "\u00e9", "\U0001f40d", '"', "\x01")
NOTICE = Notice(
    kind="pipeline-failed", headline="h", workspace="w", experiment="e", run="r", status="Failed", time="", reaction="m"
)


def around(*limits: int) -> st.SearchStrategy[int]:
    """Draw numbers about each of *limits*, and about a half, a third and a sixth of it: what escapes make of it."""
    near = [st.integers(limit // part - 200, limit // part + 200) for limit in limits for part in (1, 2, 3, 6)]
    return st.one_of(near)


SIZES = around(CAUSE_CHARACTERS, NOTICE_CHARACTERS, INLINE_BYTES, PROPERTY_CHARACTERS, 64 * 1024)


def failed(tags: dict[str, str], **data: str) -> dict[str, Any]:
    """Return a pipeline's failure with these tags."""
    return altered("pipeline-failed", event_id="large", runTags=tags, **data)


def record(service: FakeService, reaction: str = "mail-ops") -> ReactionRecord:
    """Return how the reaction to the one event stands."""
    (row,) = service.store.rows
    return read_event(row).reactions[reaction]


def characters(value: object) -> int:
    """Return what a table property counts of *value* as JSON."""
    return len(msgspec.json.encode(value).decode().encode("utf-16-le")) // 2


@settings(max_examples=150)
@given(SIZES, st.sampled_from(LETTERS), st.sampled_from([1, 3, 40]), st.booleans())
def test_a_mail_goes_out_however_large_the_tags(size: int, letter: str, count: int, cause: bool) -> None:  # noqa: FBT001 - drawn
    """Whether the event travels inline or through a blob: one mail, done, and nothing for a person to do."""
    tags = {f"tag-{number:02}": letter * (size // count) for number in range(count)}
    if cause:
        tags[MONITOR_ERROR] = letter * size
    service = FakeService(reactions=rules(EACH))
    service.deliver_text(json.dumps(failed(tags), ensure_ascii=False).encode())
    assert (len(service.mail.delivered), service.letters.letters(), service.queue.sent) == (1, [], [])
    assert record(service).outcome is not None
    (mail,) = service.mail.mails.values()
    assert len(mail.notice.tags) + mail.notice.more_tags == len(tags)
    assert characters(mail.notice) <= NOTICE_CHARACTERS
    if mail.notice.more_tags:
        assert "more tag" in render(mail.notice).html or "too large to be shown" in render(mail.notice).html


def test_the_kept_tags_are_the_first_by_name_that_fit() -> None:
    """A huge one among small ones is left out, and told as one more; small ones are all kept."""
    small = {f"tag-{number:02}": "x" for number in range(20)}
    notice = msgspec.structs.replace(NOTICE, tags={**small, "a-log": "x" * NOTICE_CHARACTERS})
    kept = notice.bounded()
    assert (kept.tags, kept.more_tags) == (small, 1)
    assert msgspec.structs.replace(NOTICE, tags=small).bounded().tags == small
    assert NOTICE.bounded() == NOTICE
    assert kept.bounded() == kept


def test_tags_in_full_rows_have_a_place_up_to_the_last_character() -> None:
    """The bound is reached, and not passed."""
    bare = characters(msgspec.structs.replace(NOTICE, tags={}, more_tags=1))
    fits = msgspec.structs.replace(NOTICE, tags={"t": "x" * (NOTICE_CHARACTERS - bare - len('{"t":""}'))})
    assert fits.bounded() == fits
    longer = msgspec.structs.replace(NOTICE, tags={"t": "x" * (NOTICE_CHARACTERS - bare - len('{"t":""}') + 1)})
    assert (longer.bounded().tags, longer.bounded().more_tags) == ({}, 1)


@settings(max_examples=60)
@given(st.sampled_from(LETTERS), st.integers(1, 400), st.integers(0, 60), SIZES)
def test_drift_is_mailed_however_much_drifted(letter: str, length: int, features: int, tag: int) -> None:
    """The first measurements that fit, 20 at most; the others are counted, and nothing is left for a person to do."""
    listed = [json.dumps({"metric_name": "M" * length, "group": letter * length}) for _ in range(features)]
    tags = {BREACH_TAG: f"The signal 'm_data_drift' has failed due to\n{listed}\n", "other": letter * tag}
    service = FakeService(
        reactions=rules("recipients: { ops: $OPS_EMAIL }\nreactions: [{ name: a, on: data-drift, mail: { to: ops } }]")
    )
    service.deliver_text(json.dumps(altered("monitor-breach", runTags=tags), ensure_ascii=False).encode())
    assert (len(service.mail.delivered), service.letters.letters(), service.queue.sent) == (1, [], [])
    (mail,) = service.mail.mails.values()
    assert len(mail.notice.measurements) <= MEASUREMENTS
    assert len(mail.notice.measurements) + mail.notice.more_measurements == features
    assert characters(mail.notice) <= NOTICE_CHARACTERS


def test_measurements_have_their_place_before_tags() -> None:
    """As many of the first as fit, to the last character."""
    one = Measurement(metric="x" * 8_000)
    kept = msgspec.structs.replace(NOTICE, measurements=(one,) * 5, tags={"t": "x" * 8_000}).bounded()
    assert (len(kept.measurements), kept.more_measurements, kept.tags) == (3, 2, {})
    assert kept.bounded() == kept


@pytest.mark.parametrize(("length", "shown"), [(10, ENTRIES), (9_000, 3)])
def test_a_digest_names_the_first_that_fit(length: int, shown: int) -> None:
    """ENTRIES at most; the others are counted, with those that were left out before."""
    one = DigestEntry(subject="x" * length, headline="h")
    kept = msgspec.structs.replace(NOTICE, entries=(one,) * 50, more_entries=2).bounded()
    assert (len(kept.entries), kept.more_entries) == (shown, 52 - shown)
    assert kept.bounded() == kept


def test_a_cut_cause_ends_in_an_ellipsis() -> None:
    """The mail shows that there was more; one that fits is kept whole."""
    cut = msgspec.structs.replace(NOTICE, cause="\x01" * CAUSE_CHARACTERS).bounded().cause
    assert cut.endswith("\x01…")
    assert CAUSE_CHARACTERS // 2 < characters(cut) <= CAUSE_CHARACTERS
    whole = "x" * (CAUSE_CHARACTERS - 2)
    assert msgspec.structs.replace(NOTICE, cause=whole).bounded().cause == whole


def test_a_repeated_mail_has_the_same_tags() -> None:
    """What is left out is decided once, before the first send: the body is the same at every attempt."""
    service = FakeService(reactions=rules(EACH))
    service.mail.script = [Deferred(reason="unknown", after=timedelta(seconds=60))] * 2
    service.mail.delivers_lost_ones = False
    service.deliver(failed({f"tag-{number:03}": "x" * 900 for number in range(60)}))
    first = record(service).notice
    service.run_queue()
    assert len(service.mail.posts) == 3
    (mail,) = service.mail.mails.values()
    assert mail.notice == first
    assert mail.notice.more_tags > 20


def test_a_row_that_takes_no_mail_is_a_dead_letter_with_its_reason() -> None:
    """What is no tag is not left out: the reaction failed, and the event's row says so."""
    service = FakeService(reactions=rules(EACH))
    service.deliver(failed({}, experimentName="\x01" * 4000))
    assert (service.mail.posts, service.queue.sent) == ([], [])
    (letter,) = service.letters.letters()
    assert str(letter["deadLetterReason"]).startswith("row-too-large: ")
    assert letter["reactorFailure"] == "mail-ops#1"
    assert not record(service).pending


def test_a_row_full_of_mails_has_all_its_outcomes() -> None:
    """A row takes 1 MiB: what fits is mailed, the rest is told, and there is room for every outcome."""
    mails = 200
    rule = "  - {{ name: mail-{}, on: pipeline-failed, mail: {{ to: ops, each: true }} }}\n"
    service = FakeService(reactions=rules(EACH + "".join(rule.format(number) for number in range(mails))))
    service.deliver(failed({f"tag-{number}": "x" * 800 for number in range(4)}))
    (row,) = service.store.rows
    assert read_event(row).pending == frozenset()
    assert len(service.mail.delivered) + len(service.letters.blobs) == mails + 1
    assert len(service.mail.delivered) > mails // 2
    assert service.letters.blobs


def test_a_full_row_gives_budgets_back_as_well(monkeypatch: pytest.MonkeyPatch) -> None:
    """The second attempt to settle, without the contents of mails, does all that the first one was to do."""
    service = FakeService()
    service.jobs.script = [Failed(reason="refused")]
    transaction = service.store.transaction

    def full(rows: Sequence[Row]) -> Written | Conflict:
        monkeypatch.setattr(service.store, "transaction", transaction)
        if any("Failed" in str(value) or '"failed"' in str(value) for row in rows for value in row.values.values()):
            raise RowTooLargeError(what="row", size=2, limit=1)
        monkeypatch.setattr(service.store, "transaction", full)
        return transaction(rows)

    monkeypatch.setattr(service.store, "transaction", full)
    service.deliver(sample("model-registered"))
    (memory,) = (read_memory(row) for row in service.store.rows if row.key.startswith("memory|"))
    assert memory.entries == ()


@pytest.mark.parametrize("family", ["model-registered", "pipeline-failed", "monitor-breach"])
@pytest.mark.parametrize("letter", LETTERS)
def test_events_around_the_size_of_a_message(family: str, letter: str) -> None:
    """Inline up to the limit, through a blob past it; never a row that cannot be inserted."""
    bare = json.dumps(altered(family, more=""), ensure_ascii=False, separators=(",", ":")).encode()
    each = len(json.dumps(letter, ensure_ascii=False).encode()) - 2
    for beyond in (-7, -1, 0, 1, 7, 1000, 2 * INLINE_BYTES):
        filling = letter * max(0, (INLINE_BYTES - len(bare) + beyond) // each)
        told = json.dumps(altered(family, more=filling), ensure_ascii=False, separators=(",", ":")).encode()
        service = FakeService(reactions=rules(EACH))
        service.deliver_text(told)
        assert len(service.large_events.blobs) == (len(told) > INLINE_BYTES)
        assert len(service.jobs.jobs) + len(service.mail.delivered) == 1
        assert (service.letters.letters(), service.queue.sent) == ([], [])
        assert read_event(next(row for row in service.store.rows if "|" in row.key)).pending == frozenset()


def test_a_row_that_cannot_be_inserted_is_a_dead_letter() -> None:
    """Here a generation that no column takes: refused before anything is done, whole, and with the reason."""
    service = FakeService()
    told = json.dumps({"event": altered("model-registered"), "generation": 10**18 * 10}).encode()
    service.deliver_text(told)
    (letter,) = service.letters.letters()
    assert "outgrow" in str(letter["deadLetterReason"])
    assert letter["bytes"] == len(told)
    assert (service.store.rows, service.jobs.puts, service.queue.sent) == ((), [], [])
