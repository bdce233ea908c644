"""`python -m ops why` and `history`: every decision with its reason, and what to check where there is none."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from ops.letter_box import Listing
from ops.standing import standing_of
from ops.state_rows import Stored
from shared.actions import Deferred, Failed
from shared.errors import StorageError
from shared.store import Row
from tests.fakes.events import altered, sample
from tests.fakes.project import Said, ops
from tests.fakes.service import START, WORKSPACE, FakeService, rules
from tests.unit.test_ops_commands import nowhere
from tests.unit.test_ops_replay import FakeBox

CANDIDATES = """
recipients: { ops: $OPS_EMAIL }
reactions:
  - { name: offline-test, on: model-registered, when: { tags: { stage: candidate } },
      run: { job: pipelines/offline-test.yml } }
  - { name: retrain, on: data-drift, run: { job: pipelines/retrain.yml }, mail: { to: ops } }
  - { name: mail-ops, on: pipeline-failed, mail: { to: ops } }
"""


def run(*words: str, **environ: str) -> Said:
    """Run a command on it."""
    return ops(*words, StateStorage="UseDevelopmentStorage=true", **environ)


def why(*words: str, **environ: str) -> list[Any]:
    """Return the events that `why --json` tells."""
    said = run("why", *words, "--json", **environ)
    assert said.code == (0 if said.document["events"] else 1)
    events: list[Any] = said.document["events"]
    return events


def test_a_job_that_was_started(service: FakeService) -> None:
    """The reason with its guards, the job, and its page in the studio."""
    service.deliver(sample("model-registered"))
    (job,) = service.jobs.jobs
    said = run("why", "churn:7")
    assert said.code == 0
    head, event, decision, effect, studio = said.out.splitlines()
    assert head == "churn:7 · model-registered · mlw-churn · 2026-11-24 09:00:00 UTC"
    assert event.split() == ["event", "ModelRegistered", str(sample("model-registered")["id"])]
    assert decision == "  admitted   offline-test: every condition holds; 1 of 10 runs of the budget"
    assert effect.split() == ["job", f"{job}:", "done"]
    assert studio.split()[1].startswith(f"https://ml.azure.com/runs/{job}?wsid=%2Fsubscriptions%2F")


def test_a_condition_that_did_not_hold(service: FakeService) -> None:
    """The first one that failed, with what was wanted and what was there."""
    service.reactions = rules(CANDIDATES)
    service.deliver(altered("model-registered", modelTags={"stage": "draft"}))
    ((reaction,),) = (event["reactions"] for event in why("churn:7"))
    assert (reaction["decision"], reaction["state"], reaction["effect"]) == ("unmatched", None, None)
    assert reaction["reason"] == "tags.stage: wanted 'candidate', is 'draft'"


def test_a_guard_that_refused(service: FakeService) -> None:
    """With its numbers: since when, and until when."""
    service.deliver(sample("monitor-breach"))
    service.clock.forward(minutes=10)
    service.deliver(altered("monitor-breach", event_id="second", runId="mon-2"))
    ((reaction,),) = (event["reactions"] for event in why("second"))
    assert reaction["decision"] == "skipped"
    assert reaction["reason"] == "cooldown: acted at 2026-11-24 09:00:00Z; again from 2026-11-24 10:00:00Z"
    assert "skipped    retrain: cooldown: acted at" in run("why", "second").out


def test_what_waits(service: FakeService) -> None:
    """Until when, how often it was put back, since when there is trouble; and what is overdue."""
    service.jobs.script = [Deferred(reason="throttled", after=timedelta(minutes=5))]
    service.deliver(sample("model-registered"))
    (event,) = why("churn:7")
    assert (event["attempts"], event["trouble_since"]) == (1, START.isoformat())
    assert event["due"] == event["reactions"][0]["due"] == (START + timedelta(minutes=5)).isoformat()
    assert event["reactions"][0]["state"] == "waits"
    said = run("why", "churn:7").out
    assert "waits      until 2026-11-24 09:05:00 UTC, put back 1 times so far\n" in said
    assert "trouble    since 2026-11-24 09:00:00 UTC\n" in said
    service.clock.forward(minutes=20)
    assert "overdue" not in run("why", "churn:7").out
    service.clock.forward(minutes=1)
    assert "put back 1 times so far; overdue: is the app running?\n" in run("why", "churn:7").out


def test_what_waited_and_is_done_waits_no_more(service: FakeService) -> None:
    """The time it waited for is still in the row."""
    service.jobs.script = [Deferred(reason="throttled", after=timedelta(minutes=5))]
    service.deliver(sample("model-registered"))
    service.run_queue()
    (event,) = why("churn:7")
    assert (event["due"], event["reactions"][0]["due"], event["reactions"][0]["state"]) == (None, None, "done")
    assert "waits" not in run("why", "churn:7").out


def test_what_failed(service: FakeService) -> None:
    """The reason, and the very letter that `dead-letters replay` takes."""
    service.jobs.script = [Failed(reason="not-found (UserError): check that the workspace exists")]
    service.deliver(sample("model-registered"))
    ((reaction,),) = (event["reactions"] for event in why("churn:7"))
    assert (reaction["state"], reaction["note"]) == (
        "failed",
        "not-found (UserError): check that the workspace exists",
    )
    assert [reaction["letter"]] == list(service.letters.blobs)
    assert f"then: python -m ops dead-letters replay {reaction['letter']}\n" in run("why", "churn:7").out


def test_a_mail_beside_a_job(service: FakeService) -> None:
    """Each has a line of its own; the mail is found by its id."""
    service.reactions = rules(CANDIDATES)
    service.deliver(sample("monitor-breach"))
    (mail,) = service.mail.mails
    ((job, beside),) = (event["reactions"] for event in why(mail))
    assert (job["name"], job["key"], job["kind"]) == ("retrain", "retrain", "job")
    assert (beside["name"], beside["key"], beside["kind"], beside["effect"]) == (
        "retrain",
        "retrain.mail",
        "mail",
        mail,
    )


def test_a_mail_that_is_being_sent(service: FakeService) -> None:
    """When it was first sent is what a person compares the mailbox with."""
    service.mail.script = [Deferred(reason="lost", after=timedelta(minutes=1))]
    service.deliver(sample("pipeline-failed"))
    assert ": waits, first sent 2026-11-24 09:00:00 UTC\n" in run("why", "churn-training").out


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("model-registered", ["churn", "churn:7"]),
        ("monitor-breach", ["churn-monitor", "mon-20261124-step-drift", "data_drift"]),
        ("dataset-drift", ["churn-drift"]),
        ("pipeline-failed", ["churn-training", "train-churn-0421"]),
    ],
)
def test_every_name_finds_it(service: FakeService, name: str, words: list[str]) -> None:
    """Event id, model, version, run, monitor, signal, experiment, and the job or mail; with and without WORKSPACES."""
    event = sample(name)
    service.deliver(event)
    service.deliver(altered("model-registered", event_id="other", modelName="other"))
    effects = [effect for effect in (*service.jobs.jobs, *service.mail.mails) if "other" not in effect]
    for word in (event["id"], *words, *effects):
        for environ in ({}, {"WORKSPACES": WORKSPACE}):
            assert [one["event_id"] for one in why(word, **environ)] == [event["id"]], word


def test_a_monitor_that_is_not_called_as_its_experiment(service: FakeService) -> None:
    """Its name stands in the event alone, and is found there."""
    event = altered("monitor-breach", experimentName="nightly")
    service.deliver(event)
    (found,) = why("churn-monitor")
    assert (found["label"], found["row"].split("|")[0]) == ("churn-monitor", "mlw-churn.nightly")


def test_several_are_told_newest_first(service: FakeService) -> None:
    """All versions of a model; --limit and --workspace narrow it."""
    for version in range(3):
        event = altered("model-registered", event_id=f"v{version}", modelVersion=version)
        service.deliver({**event, "eventTime": f"2026-11-2{version + 1}T00:00:00Z"})
    assert [one["label"] for one in why("churn")] == ["churn:2", "churn:1", "churn:0"]
    assert [one["label"] for one in why("churn", "--limit", "1")] == ["churn:2"]
    assert "There are 2 more, older ones" in run("why", "churn", "--limit", "1").err
    assert len(why("churn", "--workspace", "MLW-CHURN")) == len(why("churn", "--workspace", WORKSPACE)) == 3
    assert why("churn", "--workspace", "mlw-other") == []


def test_a_pause_in_force_is_told(service: FakeService) -> None:
    """Whoever asks why nothing happens should not have to ask twice."""
    service.deliver(sample("model-registered"))
    run("pause", "--all", "--note", "audit")
    assert "now        all reactions paused by ana@contoso.com" in run("why", "churn:7").out
    ((reaction,),) = (event["reactions"] for event in why("churn:7"))
    assert reaction["paused"].endswith(": audit")


def test_repetitions_and_dry_runs_are_marked(service: FakeService) -> None:
    """They are events of their own."""
    service.deliver(sample("model-registered"))
    (row,) = (row for row in service.store.rows if "event" in row.values)
    again = replace(row, key=f"dry|{row.key}|1", values={**row.values, "generation": 1}, etag=None)
    service.store.insert(again)
    head = next(line for line in run("why", "churn:7").out.splitlines() if "generation" in line)
    assert head.endswith("repeated on purpose, generation 1 · a dry run: decided, not done")
    assert "dry run" in run("history").out


def test_a_row_that_cannot_be_read(service: FakeService) -> None:
    """Of a later version, or edited by hand: told, and the others all the same."""
    service.deliver(sample("model-registered"))
    (row,) = (row for row in service.store.rows if "event" in row.values)
    service.store.merge(Row(partition=row.partition, key=row.key, values={"r_offline_test": "{"}, etag=row.etag))
    (event,) = why("churn:7")
    assert event["problem"].startswith("this version cannot read the row (DecodeError)")
    assert "problem    this version cannot read the row" in run("why", "churn:7").out
    assert "this version cannot read the row" in run("history").out


@pytest.mark.parametrize(
    "values", [{}, {"family": "gone"}, {"event": "{"}, {"family": "data-drift", "event": "{}"}, {"generation": "x"}]
)
def test_rows_without_what_is_expected(values: dict[str, str | int]) -> None:
    """Nothing in a row makes the command fail."""
    row = Row(partition="p", key="event|1", values={"family": "model-registered", "subject": "s", **values})
    standing = standing_of(Stored(row=row, at=START))
    assert (standing.label, standing.generation, standing.problem) == ("s", 0, "")


def test_text_of_others_is_made_safe(service: FakeService) -> None:
    """A model's name moves no cursor."""
    service.deliver(altered("model-registered", modelName="a\x1b[2J", modelVersion="1"))
    for said in (run("why", "a\x1b[2J:1"), run("history"), run("why", "b\x1b[2J")):
        assert "\x1b" not in said.out
        assert "\\x1b[2J" in said.out


def test_an_event_that_never_came(service: FakeService) -> None:
    """What was looked through, and what to check; exit code 1."""
    said = run("why", "churn:9", WORKSPACES=WORKSPACE)
    assert said.code == 1
    told = said.out.splitlines()
    looked = [
        "the subject of that name",
        "the ids, subjects and runs of all events",
        "all that was written since 2026-10-25 09:00 UTC",
    ]
    assert service.store.rows == ()
    assert told[:3] == [
        "Nothing is on record about 'churn:9'.",
        f"Looked through: {'; '.join(looked)}.",
        "What to check:",
    ]
    assert told[3] == "  1. is its workspace one of WORKSPACES (mlw-churn)?"
    for words in (
        "try EVENT.json",
        "another id",
        "Event Grid deliver",
        "dead-letters list",
        "poison queue",
        "newest 200",
    ):
        assert any(words in line for line in told[4:]), words
    document = run("why", "churn:9", "--json").document
    assert (document["events"], document["more"], len(document["looked"])) == ([], 0, 2)
    assert document["to_check"][0].endswith("--settings FILE names them)?")


def test_a_workspace_that_is_none_of_ours(service: FakeService) -> None:
    """Is the first thing to say."""
    service.deliver(sample("foreign-workspace"))
    said = run("why", "churn:7", "--workspace", "mlw-somebody-else", WORKSPACES=WORKSPACE)
    assert "1. mlw-somebody-else is none of WORKSPACES (mlw-churn): its events are skipped" in said.out


def test_a_dead_letter_that_mentions_it(service: FakeService) -> None:
    """An event that could not be handled has no row, but a letter."""
    service.deliver_text(b'{"broken": "train-churn-0500"')
    (name,) = service.letters.blobs
    said = run("why", "train-churn-0500")
    assert f"1. a dead letter mentions it (unreadable): python -m ops dead-letters show {name}" in said.out
    assert "none of the newest" not in said.out


def test_letters_that_may_not_be_read(monkeypatch: pytest.MonkeyPatch, service: FakeService) -> None:
    """Do not keep the rest of the answer back."""

    def refuse(_box: object) -> Listing:
        raise StorageError(service="blob", operation="list", problem="HttpResponseError", status=403)

    assert service.store.rows == ()
    monkeypatch.setattr(FakeBox, "entries", refuse)
    said = run("why", "nothing")
    assert (said.code, "Storage Blob Data Reader" in said.out) == (1, True)


def test_history(service: FakeService) -> None:
    """Events newest first, what each reaction made of them in a line."""
    service.deliver(sample("model-registered"))
    service.jobs.script = [Failed(reason="refused")]
    service.deliver(sample("monitor-breach"))
    (job,) = service.jobs.jobs
    assert run("history").out.splitlines() == [
        "2026-11-24 09:00  churn:7  model-registered  mlw-churn",
        f"                  offline-test  done job  {job}",
        "2026-11-24 03:41  churn-monitor  data-drift  mlw-churn",
        "                  retrain  failed job  refused",
    ]
    assert [one["label"] for one in run("history", "--reaction", "retrain", "--json").document["events"]] == [
        "churn-monitor"
    ]
    assert run("history", "--limit", "1", "--json").document["more"] == 1
    assert run("history", "--limit", "1").err == "There are 1 more; see --limit.\n"
    service.clock.forward(days=8)
    assert run("history").err == "No event was written in the last 7d.\n"
    assert len(run("history", "--since", "9d", "--json").document["events"]) == 2


def test_history_of_one_reaction_leaves_out_what_it_did_not_match(service: FakeService) -> None:
    """Else it would list every event of the family."""
    service.reactions = rules(CANDIDATES)
    service.deliver(altered("model-registered", modelTags={}))
    assert run("history", "--reaction", "offline-test").out == ""
    assert "offline-test  unmatched  tags.stage: wanted" in run("history").out


def test_an_event_without_reactions(service: FakeService) -> None:
    """Is on record as well, and says so."""
    service.reactions = rules("reactions: []")
    service.deliver(sample("model-registered"))
    assert "there was no reaction to such events when it was told" in run("why", "churn:7").out


@pytest.mark.parametrize(
    "words", [("why",), ("why", " "), ("why", "x", "--since", "soon"), ("history", "--limit", "0")]
)
def test_wrong_usage_is_2(service: FakeService, words: tuple[str, ...]) -> None:
    """Before anything is looked through."""
    assert run(*words).code == 2
    assert service.store.calls in ([], ["query"])


def test_an_account_that_cannot_be_reached() -> None:
    """Is no empty answer."""
    for words in (("why", "x"), ("history",)):
        said = ops(*words, "--json", StateStorage=nowhere())
        assert (said.code, "cannot be reached (table)" in said.document["problem"]) == (3, True)
