"""Silences: which mails are skipped, until when, on whose word, and that nothing unreadable silences anything."""

import json
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ops.silencing import begin
from shared.errors import ContentionError
from shared.records import read_memory
from shared.silences import CHARACTERS, MOST, SILENCES, Silence, in_force, read_silences, write_silences
from shared.store import Conflict, Row
from shared.switches import SECONDS, SWITCHES
from tests.fakes.events import altered, sample
from tests.fakes.project import Said, ops
from tests.fakes.service import START, FakeService, rules

UNTIL = datetime(2026, 12, 1, tzinfo=UTC)
EXPERIMENT = str(sample("pipeline-failed")["data"]["experimentName"])
MODELS = """
recipients: { ops: $OPS_EMAIL }
reactions: [{ name: tell, on: model-registered, mail: { to: ops } }]
"""
BOTH = """
recipients: { ops: $OPS_EMAIL }
reactions:
  - { name: retrain, on: data-drift, run: { job: pipelines/retrain.yml }, mail: { to: ops } }
"""


def run(*words: str) -> Said:
    """Run a command on it."""
    return ops(*words, StateStorage="UseDevelopmentStorage=true")


def record(service: FakeService, column: str = "r_mail_ops") -> dict[str, object]:
    """Return what is on record of the one event."""
    ((row, *_),) = [[row for key, row in service.rows().items() if key.startswith("event|")]]
    found: dict[str, object] = json.loads(str(row[column]))
    return found


def test_what_is_silenced_is_skipped_with_who_and_until_when(service: FakeService) -> None:
    """Final, and no mail; the same failure elsewhere is mailed."""
    said = run("silence", EXPERIMENT.upper(), "--until", "2026-12-01", "--note", "known, see ticket 7")
    assert said.code == 0
    assert said.out.startswith(
        f"{EXPERIMENT.upper():<28}until 2026-12-01 00:00 UTC, by ana@contoso.com at 2026-11-24 09:"
    )
    service.deliver(sample("pipeline-failed"))
    assert service.mail.posts == []
    assert record(service) == {
        "decision": "skipped",
        "reason": "silenced by ana@contoso.com until 2026-12-01 00:00:00Z: known, see ticket 7",
    }
    service.deliver(altered("pipeline-failed", event_id="other", experimentName="other", runId="other"))
    assert len(service.mail.posts) == 1


def test_a_silence_ends_by_itself_and_before_its_time(service: FakeService) -> None:
    """By the clock of storage, even within a reading; `unsilence` takes 30 s like every switch."""
    run("silence", EXPERIMENT, "--until", "20s")
    service.deliver(altered("pipeline-failed", event_id="a", runId="a"))
    service.clock.forward(seconds=21)
    service.deliver(altered("pipeline-failed", event_id="b", runId="b"))
    assert len(service.mail.posts) == 1
    run("silence", EXPERIMENT, "--until", "7d")
    service.clock.forward(seconds=SECONDS)
    service.deliver(altered("pipeline-failed", event_id="c", runId="c"))
    assert len(service.mail.posts) == 1
    said = run("unsilence", EXPERIMENT)
    assert (said.code, "no longer silenced; silenced by ana@contoso.com until" in said.out) == (0, True)
    service.clock.forward(hours=2)  # the incident that b opened is told again
    service.deliver(altered("pipeline-failed", event_id="d", runId="d"))
    assert len(service.mail.posts) == 2


def test_a_silence_lasts_to_its_end_within_a_reading(service: FakeService) -> None:
    """Switches are read every 30 s; in between the time goes on by the reading's own, and no faster."""
    run("silence", EXPERIMENT, "--until", "25s")
    for number, seconds in enumerate((0, 10, 10)):
        service.clock.forward(seconds=seconds)
        service.deliver(altered("pipeline-failed", event_id=f"s{number}", runId=f"s{number}"))
    assert service.mail.posts == []


def test_jobs_start_all_the_same(service: FakeService) -> None:
    """A silence is about mails: the one beside a job is skipped, the job is not."""
    service.reactions = rules(BOTH)
    event = sample("monitor-breach")
    run("silence", "churn-monitor", "--until", "24h")
    service.deliver(event)
    assert (len(service.jobs.jobs), service.mail.posts) == (1, [])
    assert str(record(service, "m_retrain")["reason"]).startswith("silenced by ana@contoso.com")


def test_a_silenced_incident_ends_unheard(service: FakeService) -> None:
    """The success is skipped with the silence as its reason, and the incident is over all the same."""
    service.deliver(altered("pipeline-failed", event_id="a", runId="a"))
    run("silence", EXPERIMENT, "--until", "24h")
    service.clock.forward(seconds=SECONDS)
    over = altered("pipeline-failed", event_id="b", runId="b", runStatus="Completed")
    service.deliver({**over, "eventTime": service.clock.now.isoformat()})
    assert len(service.mail.posts) == 1
    ended = next(row for row in service.rows().values() if row.get("identity") == "b")
    record: dict[str, str] = json.loads(str(ended["r_mail_ops"]))
    assert (record["decision"], record["reason"].partition(" until")[0]) == ("skipped", "silenced by ana@contoso.com")
    assert read_memory(next(row for row in service.store.rows if row.key == "memory|mail-ops")).ongoing is None


@pytest.mark.parametrize(("word", "heard"), [("churn", ["others"]), ("churn:7", ["churn:8", "others"])])
def test_a_model_is_silenced_by_its_name_or_one_version(service: FakeService, word: str, heard: list[str]) -> None:
    """The subject, or the event's own label."""
    service.reactions = rules(MODELS)
    run("silence", word, "--until", "24h")
    for number, (name, version) in enumerate([("churn", "7"), ("churn", "8"), ("others", "1")]):
        service.deliver(altered("model-registered", event_id=f"m{number}", modelName=name, modelVersion=version))
    subjects = [service.mail.mails[post].notice.headline for post in service.mail.posts]
    assert len(subjects) == len(heard)
    assert all(one in told for one, told in zip(heard, subjects, strict=True))


def test_no_further_request_reads_them() -> None:
    """One query has switches and silences, for half a minute."""
    service = FakeService()
    service.deliver(altered("pipeline-failed", event_id="a", runId="a", experimentName="a"))
    assert service.store.calls.count("query") == 3  # these, the subject, and the subject's memory to settle
    service.store.calls.clear()
    service.deliver(altered("pipeline-failed", event_id="b", runId="b", experimentName="b"))
    assert service.store.calls.count("query") == 2


def test_they_are_listed(service: FakeService) -> None:
    """Those in force, by name; what is over is gone."""
    assert "Nothing is silenced." in run("silences").err
    run("silence", "b", "--until", "1h")
    run("silence", "a", "--until", "2026-12-01T08:00", "--note", "why")
    assert [line.split()[0] for line in run("silences").out.splitlines()] == ["a", "why", "b"]
    service.clock.forward(hours=2)
    document = json.loads(run("silences", "--json").out)
    assert document == {
        "silences": [
            {
                "subject": "a",
                "until": "2026-12-01T08:00:00+00:00",
                "by": "ana@contoso.com",
                "at": START.isoformat(),
                "note": "why",
            }
        ]
    }
    assert json.loads(run("unsilence", "A", "--json").out)["subject"] == "a"
    assert "Nothing is paused." in run("pauses").err


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("silence", "x", "--until", "yesterday"), "--until is a date, a time, or a number"),
        (("silence", "x", "--until", "2026-11-24"), "--until is not within 366 days from now, 2026-11-24 09:00 UTC"),
        (("silence", "x", "--until", "367d"), "--until is not within 366 days"),
        (("silence", "x", "--until", "1h", "--note", "n" * 201), "--note has at most 200 characters"),
        (("silence", "", "--until", "1h"), "a subject 1 to 255"),
        (("unsilence", "x"), "'x' is not silenced"),
    ],
    ids=str,
)
def test_what_is_refused(service: FakeService, words: tuple[str, ...], told: str) -> None:
    """With the remedy; nothing is written."""
    said = run(*words)
    assert (said.code, told in said.err, service.rows().keys() - {SILENCES}) == (2, True, set())


def test_a_new_one_replaces_the_old(service: FakeService) -> None:
    """One silence for a subject, in whatever case."""
    run("silence", "Nightly", "--until", "1h")
    run("silence", "nightly", "--until", "2h")
    (row,) = service.store.rows
    assert [one.until for one in read_silences([row])] == [START + timedelta(hours=2)]


def test_a_full_list_fits_and_takes_no_more(service: FakeService) -> None:
    """The longest of everything, as many as there may be."""

    def wanted(number: int) -> Silence:
        return Silence(
            subject=f"{number:0255}", until=UNTIL, by="b" * 100, at=START, note="\N{GRINNING FACE}" * (CHARACTERS // 2)
        )

    for number in range(MOST):
        begin(service.store, lambda _now, number=number: wanted(number))  # type: ignore[misc] # a default
    said = run("silence", "one-more", "--until", "1h")
    assert (said.code, f"there are {MOST} silences" in said.err) == (2, True)
    assert run("silence", f"{7:0255}", "--until", "1h").code == 0


def test_two_operators_at_once(service: FakeService, monkeypatch: pytest.MonkeyPatch) -> None:
    """The second reads what the first wrote; without end it gives way."""
    insert = service.store.insert

    def race(row: Row) -> object:
        monkeypatch.setattr(service.store, "insert", insert)
        begin(service.store, lambda now: Silence(subject="theirs", until=UNTIL, by="bo", at=now))
        return insert(row)

    monkeypatch.setattr(service.store, "insert", race)
    begin(service.store, lambda now: Silence(subject="ours", until=UNTIL, by="ana", at=now))
    (row,) = service.store.rows
    assert [one.subject for one in read_silences([row])] == ["theirs", "ours"]
    monkeypatch.setattr(service.store, "merge", lambda _row: Conflict(at=START))
    with pytest.raises(ContentionError):
        begin(service.store, lambda now: Silence(subject="ours", until=UNTIL, by="ana", at=now))


@given(st.text(max_size=60) | st.just('[{"subject":"x"}]') | st.integers())
def test_what_cannot_be_read_silences_nothing(column: str | int) -> None:
    """A mail too many is better than one too few; it never raises."""
    assert read_silences([Row(partition=SWITCHES, key=SILENCES, values={SILENCES: column})]) == ()
    assert read_silences([Row(partition=SWITCHES, key=SILENCES, values={})]) == ()


def test_they_are_read_as_written() -> None:
    """Those that are over too; a silence ends at its time."""
    one = Silence(subject="a", until=UNTIL, by="ana", at=START)
    assert read_silences([Row(partition=SWITCHES, key=SILENCES, values=write_silences([one]))]) == (one,)
    assert in_force([one], UNTIL - timedelta(seconds=1)) == (one,)
    assert in_force([one], UNTIL) == ()
