"""docs/reactions.schema.json: fresh, takes what the app takes, and refuses what a schema can refuse."""

import json
import re
from pathlib import Path
from typing import Any

import jsonschema  # type: ignore[import-untyped] # it has no types
import msgspec
import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner

import handlers
from ops import schema
from ops.__main__ import app
from shared.errors import ConfigurationError
from shared.reactions.addressees import HTTPS, MailRule, OwnerRule
from shared.reactions.checks import rule_type
from shared.reactions.conditions import Bounds, Test
from shared.reactions.file import read
from shared.reactions.guard_rules import DURATION, BudgetRule, ConfirmRule, GuardsRule, HoursRule, LoopRule
from shared.reactions.rules import JOB_FILE, NAME, RunRule
from shared.yaml_document import Document
from tests.markdown import DOCS, ROOT, blocks
from tests.unit.test_broken_reactions import BROKEN, GOOD, loaded

SCHEMA = json.loads((DOCS / "reactions.schema.json").read_text(encoding="utf-8"))
CHECKER = jsonschema.Draft7Validator(SCHEMA)
#: What only the app finds: that is no YAML, or what lies outside the file or in two places of it.
BEYOND = {
    "duplicate-keys",
    "two-rules-run-together",
    "regular-expressions",
    "a-job-file-that-is-missing",
    "a-job-file-that-is-refused",
    "a-job-file-that-is-none",
    "inputs",
    "an-owner-without-owners",
}
HEAD = "recipients:\n  ops: $OPS_EMAIL\nreactions:\n"


def content(text: str) -> dict[str, Any]:
    """Return what stands in a file."""
    return Document(text, "reactions.yaml").content


def examples() -> list[str]:
    """Return the file we ship, and every good example of the documentation."""
    found = [(ROOT / "reactions.yaml").read_text(encoding="utf-8"), GOOD]
    for page in (DOCS / "reactions.md", ROOT / "README.md"):
        found += [block.text for block in blocks(page.read_text(encoding="utf-8")) if block.info == "yaml"]
    return [text if isinstance(yaml.safe_load(text), dict) else HEAD + text for text in found]


def test_it_is_fresh() -> None:
    """As the types are now; `python -m ops schema` renews it."""
    assert schema.build() == SCHEMA
    assert CliRunner().invoke(app, ["schema", "--check"]).exit_code == 0


def test_the_command_writes_and_checks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Stale: told and exit 1 with --check, written without; then there is nothing to do."""
    monkeypatch.setattr(schema, "SCHEMA", tmp_path / "reactions.schema.json")
    stale = CliRunner().invoke(app, ["schema", "--check"])
    assert (stale.exit_code, "python -m ops schema" in stale.stderr) == (1, True)
    assert not (tmp_path / "reactions.schema.json").exists()
    assert CliRunner().invoke(app, ["schema"]).exit_code == 0
    assert CliRunner().invoke(app, ["schema", "--check"]).exit_code == 0
    assert (tmp_path / "reactions.schema.json").read_text() == (DOCS / "reactions.schema.json").read_text()


def test_it_is_a_schema() -> None:
    """By its own meta schema; every pattern is one that JavaScript knows as well."""
    jsonschema.Draft7Validator.check_schema(SCHEMA)
    for pattern in (DURATION, NAME, HTTPS, JOB_FILE):
        assert "\\Z" not in pattern
        assert "(?P" not in pattern


@pytest.mark.parametrize("text", examples())
def test_what_is_good_is_taken(text: str) -> None:
    """The shipped file and all examples."""
    assert [error.message for error in CHECKER.iter_errors(content(text))] == []


@pytest.mark.parametrize("file", BROKEN, ids=lambda file: file.stem)
def test_what_a_schema_can_refuse_is_refused(file: Path) -> None:
    """Every broken file that is YAML, but for those whose mistake no schema can see."""
    try:
        told = content(read(file))
    except ConfigurationError:
        return  # an editor's YAML parser tells that
    assert CHECKER.is_valid(told) == (re.sub(r"^\d+-", "", file.stem) in BEYOND)


@pytest.mark.parametrize("family", handlers.HANDLERS, ids=lambda family: family.name)
def test_every_key_has_words_for_an_editor(family: Any) -> None:
    """Wherever a key may stand, its description is there, as the types have it."""
    kinds = {
        f"when-{family.name}": family.vocabulary.when,
        "run": RunRule,
        "mail": MailRule,
        "owner": OwnerRule,
        "guards": GuardsRule,
        "BudgetRule": BudgetRule,
        "ConfirmRule": ConfirmRule,
        "LoopRule": LoopRule,
        "HoursRule": HoursRule,
        "condition": Test,
        "bounds": Bounds,
    }
    for name, kind in kinds.items():
        keys = SCHEMA["definitions"][name]["properties"]
        assert keys.keys() == {field.encode_name for field in msgspec.structs.fields(kind)}
        assert all(key["description"] for key in keys.values())
    rule = SCHEMA["properties"]["reactions"]["items"]["properties"]
    assert rule.keys() == {field.name for field in msgspec.structs.fields(rule_type(family.vocabulary.when))}
    assert all(key["description"] for key in rule.values())


VALUES = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-1, 300),
    st.sampled_from(["", "none", "1h", "90", "pipeline", "ops", "https://x", "pipelines/retrain.yml", "a\n"]),
    st.just([]),
    st.just({}),
    st.lists(st.sampled_from(["a", "pipeline", "ops@example.com"]), max_size=2),
    st.dictionaries(st.sampled_from(["is", "not", "present", "above", "a", "runs", "per"]), st.just("1h"), max_size=2),
)
PLACES = [
    *("recipients", "recipients.ops", "reactions", "name", "on", "when", "run", "mail", "guards", "extra"),
    *("when.model", "when.kind", "when.tags", "when.drift_coefficient", "run.job", "run.inputs", "mail.to"),
    *("mail.runbook", "guards.cooldown", "guards.budget"),
]


@settings(max_examples=500)
@given(st.integers(0, 2), st.sampled_from(PLACES), VALUES)
def test_the_app_takes_nothing_that_the_schema_refuses(rule: int, place: str, value: object) -> None:
    """An editor marks no file as wrong that the app would read."""
    told = content(GOOD)
    *above, key = place.split(".")
    owner: Any = told if place.startswith("rec") or place == "reactions" else told["reactions"][rule]
    for step in above:
        owner = owner.setdefault(step, {})
    owner[key] = value
    try:
        loaded(yaml.safe_dump(told))
    except ConfigurationError:
        return
    assert [error.message for error in CHECKER.iter_errors(told)] == []
