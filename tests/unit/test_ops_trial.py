"""What would follow from an event, told without a ledger: verdicts, effects with their names, guards in words."""

import json
from datetime import timedelta
from pathlib import Path

import msgspec
import pytest

from ops.rules import PLACEHOLDER, read_rules, told_address
from ops.trial import Verdict, declined, try_event
from shared.actions import SendMail, SubmitJob
from shared.errors import ConfigurationError, MalformedError
from shared.limits import span
from shared.messages import Message
from shared.notices import Notice
from shared.reactions import Reactions
from tests.fakes.events import sample
from tests.fakes.service import FakeService, rules
from tests.markdown import ROOT

RULES = """\
recipients: { ops: $OPS_EMAIL }
reactions:
  - name: other
    on: model-registered
    when: { model: "fraud-*" }
    run: { job: pipelines/offline-test.yml }
  - name: both
    on: model-registered
    run: { job: pipelines/offline-test.yml, inputs: { model: "${{ event.model }}" } }
    mail: { to: ops }
    guards: { cooldown: 90m }
  - name: unguarded
    on: model-registered
    run: { job: pipelines/offline-test.yml }
    guards: none
"""


def verdicts(event: object, reactions: Reactions) -> dict[str, Verdict]:
    """Return the verdicts of the one family that recognises the event."""
    (trial,) = try_event(event, reactions)
    return {verdict.reaction: verdict for verdict in trial.verdicts}


def test_every_reaction_has_its_verdict() -> None:
    """In the order of the file, with the first failing condition, the filled inputs, and the guards in words."""
    found = verdicts(sample("model-registered"), rules(RULES))
    assert list(found) == ["other", "both", "unguarded"]
    assert (found["other"].acts, found["other"].effects) == (False, ())
    assert found["other"].reason == "model: wanted 'fraud-*', is 'churn'"
    job, mail = found["both"].effects
    assert isinstance(job.action, SubmitJob)
    assert (job.key, job.action.inputs) == ("both", {"model": "azureml:churn:7"})
    assert isinstance(mail.action, SendMail)
    assert (mail.key, mail.action.to) == ("both.mail", ("ops@example.com",))
    assert found["both"].guards == ("cooldown 90m", "budget 10 per 1d", "loop 3 times, depth 10")
    assert found["both"].reason == "every condition holds"
    assert found["unguarded"].guards == ()


def test_names_are_those_of_the_service() -> None:
    """The job's name and the mail's id are what the real path uses in an installation of that name."""
    service = FakeService(reactions=rules(RULES))
    service.deliver(sample("model-registered"))
    (trial,) = try_event(sample("model-registered"), service.reactions, installation="test")
    effects = {effect.key: effect.name for verdict in trial.verdicts for effect in verdict.effects}
    message = Message(event=msgspec.Raw(msgspec.json.encode(sample("model-registered"))))
    admission = service.ledger.admit(trial.event, (), message, service.inquiry())
    assert effects == {key: record.effect for key, record in admission.record.reactions.items() if record.effect}


def test_an_event_of_no_family_has_reasons() -> None:
    """One for each family that does not recognise it; those that do are left out."""
    told = sample("pipeline-failed.step")
    assert try_event(told, rules(RULES)) == ()
    assert declined(told) == {
        "model-registered": "no registered model",
        "data-drift": "no breach of a monitor's threshold",
        "pipeline-failed": "a step of a pipeline",
        "reaction-finished": "not started by a reaction",
    }
    assert "model-registered" not in declined(sample("model-registered"))


def test_what_is_no_event_is_malformed() -> None:
    """As in the app."""
    with pytest.raises(MalformedError):
        try_event({"id": "1"}, rules(RULES))


@pytest.mark.parametrize("text", ["45s", "90m", "5h", "7d", "61s"])
def test_times_are_told_as_they_are_written(text: str) -> None:
    """In the largest unit that leaves no rest."""
    number, unit = int(text[:-1]), {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}[text[-1]]
    assert span(timedelta(**{unit: number})) == text


def test_the_shipped_rules_can_be_read() -> None:
    """From the project's folder, with a placeholder for $OPS_EMAIL that is told as one, or the addresses given."""
    assert [rule.to for rule in read_rules(ROOT).on("pipeline-failed")] == [(PLACEHOLDER,)]
    addresses = {"OPS_EMAIL": ("me@contoso.com",)}
    assert [rule.to for rule in read_rules(ROOT, addresses=addresses).on("pipeline-failed")] == [("me@contoso.com",)]
    assert told_address(PLACEHOLDER) == "$OPS_EMAIL"
    assert told_address("me@contoso.com") == "me@contoso.com"


def test_every_problem_of_a_folder_is_told(tmp_path: Path) -> None:
    """A missing file, one that is no text, and in a readable one all mistakes at once."""
    with pytest.raises(ConfigurationError) as missing:
        read_rules(tmp_path)
    assert missing.value.problems == (
        "reactions.yaml: there is no such file; name the folder (--folder) and the file (--file)",
    )
    (tmp_path / "reactions.yaml").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(ConfigurationError) as binary:
        read_rules(tmp_path)
    assert "save it as UTF-8" in binary.value.problems[0]
    (tmp_path / "other.yaml").write_text(RULES.replace("on: model-registered", "on: model-registred", 1))
    with pytest.raises(ConfigurationError) as several:
        read_rules(tmp_path, file="other.yaml")
    told = "\n".join(several.value.problems)
    assert "other.yaml:4: `on` must be one of" in told
    assert "offline-test.yml: there is no such job file" in told


def test_a_mail_has_its_notice(tmp_path: Path) -> None:
    """The action of a mail carries the notice whose subject people will read."""
    (tmp_path / "reactions.yaml").write_text(
        json.dumps(
            {
                "recipients": {"ops": "$OPS_EMAIL"},
                "reactions": [{"name": "mail-ops", "on": "pipeline-failed", "mail": {"to": "ops"}}],
            }
        )
    )
    (effect,) = verdicts(sample("pipeline-failed"), read_rules(tmp_path))["mail-ops"].effects
    assert isinstance(effect.action, SendMail)
    assert isinstance(effect.action.notice, Notice)
    assert effect.action.notice.reaction == "mail-ops"
