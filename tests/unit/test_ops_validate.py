"""`python -m ops validate`: everything together, every problem at once, and the rules in words."""

import json
from pathlib import Path
from typing import Any

import msgspec
import pytest

import handlers
from handlers import pipeline_failure
from ops.wording import CLAUSES, KINDS, PHRASES, sentence
from tests.fakes.project import ops, project
from tests.fakes.service import WORKSPACE, rules

# azure-ai-ml 1.35 uses what marshmallow 4 will drop and what Python deprecates; both say so.
pytestmark = [
    pytest.mark.filterwarnings("ignore::marshmallow.warnings.Marshmallow4Warning"),
    pytest.mark.filterwarnings("ignore:datetime.datetime.utcnow:DeprecationWarning"),
]

SETTINGS = {
    "WORKSPACES": WORKSPACE,
    "OPS_EMAIL": "ops@contoso.com, second@contoso.com",
    "MAIL_ENDPOINT": "https://acs.communication.azure.com",
    "MAIL_SENDER": "reactor@contoso.com",
    "INSTALLATION": "prod",
    "StateStorage": "UseDevelopmentStorage=true",
}


def told(when: str, *, on: str = "model-registered", more: str = "mail: { to: ops }") -> str:
    """Return the sentence of a rule with these conditions."""
    text = f"recipients: {{ ops: $OPS_EMAIL }}\nreactions: [{{ name: a, on: {on}, when: {when}, {more} }}]"
    return sentence(rules(text).rules[0]).partition(", mails ops")[0]


@pytest.mark.parametrize(
    ("on", "when", "wanted"),
    [
        ("model-registered", "{}", "When a model is registered"),
        ("model-registered", "{ model: '*' }", "When a model is registered"),
        (
            "model-registered",
            "{ model: 'churn-*', tags: { stage: candidate } }",
            "When a model named 'churn-*' is registered with the tag stage: 'candidate'",
        ),
        (
            "model-registered",
            "{ model: [a, b], version: { not: '1' }, workspace: mlw-* }",
            "When a model named 'a' or 'b' of version not '1' is registered in the workspace 'mlw-*'",
        ),
        (
            "model-registered",
            "{ tags: { a: '*', b: { present: false }, c: { not: x }, d: { is: y, not: z, present: true } } }",
            (
                "When a model is registered with the tag a without the tag b with the tag c: absent or not 'x' "
                "with the tag d: 'y' and not 'z'"
            ),
        ),
        (
            "data-drift",
            "{ signal: '*', monitor: churn, drift_coefficient: { at_least: 0.3 }, metric: { present: true } }",
            "When drift is found by the monitor 'churn' with any metric with a drift coefficient of at least 0.3",
        ),
        ("pipeline-failed", "{}", "When a pipeline fails"),
        ("pipeline-failed", "{ kind: [sweep, automl] }", "When a sweep or an AutoML run fails"),
        ("pipeline-failed", "{ status: canceled }", "When a pipeline is canceled"),
        ("pipeline-failed", "{ status: '*', kind: sweep }", "When a sweep fails or is canceled"),
        (
            "pipeline-failed",
            "{ kind: '*', pipeline: { present: false }, properties: { x: { present: true } } }",
            "When a job of any kind fails without a pipeline with the property x",
        ),
        ("reaction-finished", "{}", "When a job of a reaction ends"),
        (
            "reaction-finished",
            "{ reaction: offline-test, outcome: [failed, canceled], model: churn }",
            "When a job of a reaction called 'offline-test' about the model 'churn' ends as 'failed' or 'canceled'",
        ),
    ],
)
def test_conditions_in_words(on: str, when: str, wanted: str) -> None:
    """What is always there and may be anything is left out."""
    assert told(when, on=on) == wanted


@pytest.mark.parametrize(
    ("more", "wanted"),
    [
        (
            "run: { job: pipelines/retrain.yml }",
            "starts pipelines/retrain.yml, at most 10 times a day for each model.",
        ),
        (
            (
                "run: { job: pipelines/retrain.yml, inputs: { drift_signal: 'x ${{ event.model.name }}', rate: 0.5, "
                "drift_monitor: '${{ event.model.tags.stage }}' } }, guards: { cooldown: 1h, "
                "budget: { runs: 3, per: 7d } }"
            ),
            (
                "starts pipelines/retrain.yml with drift_signal = 'x ${{ event.model.name }}', rate = '0.5', "
                "drift_monitor = the model's tag stage, at most once an hour and 3 times in 7d for each model."
            ),
        ),
        (
            "run: { job: pipelines/retrain.yml, verdict: { metric: auc, above: 0.8, step: judge } }, guards: none",
            "starts pipelines/retrain.yml, and has passed if auc of its step 'judge' is above 0.8, without any guard.",
        ),
        (
            "run: { job: pipelines/retrain.yml, verdict: { tag: verdict } }, guards: none",
            "starts pipelines/retrain.yml, and has passed if the tag verdict says so, without any guard.",
        ),
        (
            "run: { job: pipelines/retrain.yml, expect: { within: 4h } }, guards: none",
            "starts pipelines/retrain.yml, to be over within 4h, without any guard.",
        ),
        (
            "run: { job: pipelines/retrain.yml }, guards: none, mail: { to: ops, runbook: 'https://x/y' }",
            (
                "starts pipelines/retrain.yml, without any guard; it also mails ops ($OPS_EMAIL)"
                ", with a link to https://x/y."
            ),
        ),
        (
            "run: { job: pipelines/retrain.yml }, guards: none, mail: { to: ops, details: none }",
            (
                "starts pipelines/retrain.yml, without any guard; it also mails ops ($OPS_EMAIL)"
                ", with no more than the event tells."
            ),
        ),
    ],
)
def test_actions_in_words(more: str, wanted: str) -> None:
    """Job, inputs, guards, mail."""
    assert told("{}", more=more) == f"When a model is registered, {wanted}"


def test_every_family_and_condition_has_words() -> None:
    """A new one needs some too."""
    assert PHRASES.keys() == handlers.VOCABULARIES.keys()
    assert KINDS.keys() == pipeline_failure.NAMES.keys()
    for vocabulary in handlers.VOCABULARIES.values():
        assert {field.name for field in msgspec.structs.fields(vocabulary.when)} <= CLAUSES.keys()


def test_the_shipped_project_is_good(tmp_path: Path) -> None:
    """In words and as commands; that settings were not checked is said."""
    said = ops("validate", "--folder", str(project(tmp_path)))
    assert said.code == 0
    assert (
        "When a model is registered, starts pipelines/offline-test.yml with model = the registered version" in said.out
    )
    assert "az ml job create -f pipelines/offline-test.yml --name 'offline-test-<subject>-<12 hex digits>'" in said.out
    assert "--set 'inputs.model.path=<event.model>'" in said.out
    assert "--set 'inputs.drift_monitor=<event.monitor>'" in said.out
    assert "settings were not checked" in said.err


def settings_file(folder: Path, **other: str | None) -> str:
    """Write a local.settings.json with other values; None leaves one out."""
    values = {key: value for key, value in {**SETTINGS, **other}.items() if value is not None}
    path = folder / "local.settings.json"
    path.write_text(json.dumps({"IsEncrypted": False, "Values": values}), encoding="utf-8-sig")
    return str(path)


def test_everything_wrong_is_told_at_once(tmp_path: Path) -> None:
    """Rules, job file, compiled files and settings; nothing hides another."""
    folder = project(tmp_path)
    rule = (folder / "reactions.yaml").read_text().replace('model: "*"', 'modle: "*"')
    (folder / "reactions.yaml").write_text(rule.replace("pipelines/retrain.yml", "pipelines/gone.yml"))
    (folder / "pipelines/compiled/retrain.json").unlink()
    with (folder / "pipelines/offline-test.yml").open("a") as file:
        file.write("# edited\n")
    said = ops(
        "validate",
        "--folder",
        str(folder),
        "--settings",
        settings_file(folder, MAIL_SENDER=None, WORKSPACES="x"),
        "--json",
    )
    assert said.code == 1
    problems = "\n".join(said.document["problems"])
    for one in (
        "reactions.yaml:11: unknown key 'modle'",
        "pipelines/gone.yml: there is no such job file",
        "pipelines/retrain.yml: pipelines/compiled/retrain.json is stale or missing; run `python -m ops compile`",
        "pipelines/offline-test.yml: pipelines/compiled/offline-test.json is stale or missing",
        "app setting MAIL_SENDER is missing",
        "app setting WORKSPACES, entry 1",
    ):
        assert one in problems
    assert said.document["reactions"] == []
    assert said.document["ok"] is False


def test_a_stale_file_is_told_without_a_log_line(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """It is compiled for the check, as the app would, but a person reads this."""
    folder = project(tmp_path)
    (folder / "pipelines/compiled/retrain.json").write_text("{}")
    said = ops("validate", "--folder", str(folder))
    assert (said.code, said.err.count("retrain.json is stale or missing")) == (1, 1)
    assert [record for record in caplog.records if record.name == "reactor"] == []


def test_settings_from_the_environment(tmp_path: Path) -> None:
    """They are checked as soon as one of the service's own is there; recipients are then the real ones."""
    folder = str(project(tmp_path))
    said = ops("validate", "--folder", folder, **SETTINGS)
    assert (said.code, "settings of the environment are good" in said.err) == (0, True)
    assert "mails ops (ops@contoso.com, second@contoso.com)" in said.out
    assert ops("validate", "--folder", folder, INSTALLATION="prod").code == 1
    only_storage = ops("validate", "--folder", folder, StateStorage="UseDevelopmentStorage=true")
    assert (only_storage.code, "not checked" in only_storage.err) == (0, True)


def test_the_reactions_file_is_the_settings_own(tmp_path: Path) -> None:
    """REACTIONS_FILE counts, and --file before it."""
    folder = project(tmp_path)
    (folder / "reactions.yaml").rename(folder / "other.yaml")
    assert ops("validate", "--folder", str(folder)).code == 1
    assert ops("validate", "--folder", str(folder), REACTIONS_FILE="other.yaml").code == 0
    assert ops("validate", "--folder", str(folder), "--file", "other.yaml", REACTIONS_FILE="gone.yaml").code == 0


def test_a_workspace_that_nobody_has_is_a_warning(tmp_path: Path) -> None:
    """By the reaction's name; one that fits is none, whatever its case."""
    text = """
recipients: { ops: $OPS_EMAIL }
reactions:
  - { name: never, on: pipeline-failed, when: { workspace: mlw-fraud }, mail: { to: ops } }
  - { name: here, on: pipeline-failed, when: { workspace: MLW-Churn }, mail: { to: ops } }
"""
    folder = str(project(tmp_path, text))
    said = ops("validate", "--folder", folder, "--json", **SETTINGS)
    assert said.code == 0
    assert said.document["warnings"] == [
        "never: never acts: it wants the workspace 'mlw-fraud', and WORKSPACES has mlw-churn"
    ]
    empty = ops("validate", "--folder", str(project(tmp_path / "b", "reactions: []")), "--json", **SETTINGS)
    assert empty.document["warnings"] == ["there is no reaction: nothing will ever happen"]


def test_a_rule_that_follows_nothing_is_a_warning(tmp_path: Path) -> None:
    """A misspelt reaction, one that only mails, and a verdict that nobody asks for; what does follow is none."""
    job = 'job: pipelines/offline-test.yml, inputs: { model: "${{ event.model }}" }'
    text = f"""
recipients: {{ ops: $OPS_EMAIL }}
reactions:
  - {{ name: judged, on: model-registered, run: {{ {job}, verdict: {{ metric: f1, at_least: 0.9 }} }} }}
  - {{ name: plain, on: model-registered, run: {{ {job} }} }}
  - {{ name: a, on: reaction-finished, when: {{ reaction: jugded, verdict: passed }}, mail: {{ to: ops }} }}
  - {{ name: b, on: reaction-finished, when: {{ reaction: a }}, mail: {{ to: ops }} }}
  - {{ name: c, on: reaction-finished, when: {{ reaction: plain, verdict: passed }}, mail: {{ to: ops }} }}
  - {{ name: d, on: reaction-finished, when: {{ reaction: "j*", verdict: passed }}, mail: {{ to: ops }} }}
  - {{ name: e, on: reaction-finished, mail: {{ to: ops }} }}
"""
    said = ops("validate", "--folder", str(project(tmp_path, text)), "--json", **SETTINGS)
    assert said.code == 0
    assert said.document["warnings"] == [
        "a: never acts: no reaction that starts jobs is called 'jugded'; did you mean 'judged'?",
        "b: never acts: no reaction that starts jobs is called 'a'",
        "c: never acts: it wants a verdict, and plain asks for none: give it `run: { verdict: … }`",
    ]


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (b"", "not JSON"),
        (b"WORKSPACES=x", "not JSON"),
        (b"[" * 100_000, "not JSON"),
        (b"\xff\xfe{\x00}\x00", "not JSON"),
        (b"{}", "no settings in it"),
        (b'{"Values": {"WORKSPACES": 7}}', "a value that is no text"),
        (b'[{"name": "WORKSPACES"}]', "no settings in it"),
        (b'{"IsEncrypted": true, "Values": {}}', "encrypted"),
    ],
)
def test_a_settings_file_that_is_none(tmp_path: Path, content: bytes, problem: str) -> None:
    """With the form it should have."""
    path = tmp_path / "settings.json"
    path.write_bytes(content)
    said = ops("validate", "--folder", str(project(tmp_path / "p")), "--settings", str(path), "--json")
    assert said.code == 2
    assert problem in said.document["problem"]
    assert said.document["remedy"]


def test_a_settings_file_that_is_not_there(tmp_path: Path) -> None:
    """Is told, and so is a folder."""
    for path in (tmp_path / "gone.json", tmp_path):
        said = ops("validate", "--folder", str(project(tmp_path / "p")), "--settings", str(path))
        assert (said.code, "cannot be read" in said.err) == (2, True)


def test_settings_as_azure_tells_them(tmp_path: Path) -> None:
    """The list that `az functionapp config appsettings list` prints."""
    path = tmp_path / "settings.json"
    listed: list[dict[str, Any]] = [
        {"name": name, "slotSetting": False, "value": value} for name, value in SETTINGS.items()
    ]
    path.write_text(json.dumps(listed))
    said = ops("validate", "--folder", str(project(tmp_path / "p")), "--settings", str(path))
    assert (said.code, "The settings of settings.json are good." in said.err) == (0, True)
