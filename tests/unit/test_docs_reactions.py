"""docs/reactions.md is the whole vocabulary of reactions.yaml, and its examples are what they say."""

import re
from collections.abc import Mapping
from itertools import pairwise

import msgspec
import pytest
import yaml

import handlers
from handlers.breach import GREATER_IS_BETTER, SMALLER_IS_BETTER
from handlers.family import COMMON, Family
from shared.actions import mail_beside
from shared.errors import ConfigurationError
from shared.job_templates import load_template
from shared.job_templates.inputs import JobInput
from shared.reactions import Reactions
from shared.reactions.addressees import MailRule, OwnerRule
from shared.reactions.checks import rule_type
from shared.reactions.conditions import Bounds, Place, Test
from shared.reactions.ends import ExpectRule, VerdictRule
from shared.reactions.file import load
from shared.reactions.guard_rules import DAILY, GuardsRule
from shared.reactions.monitors import SIGNALS, MonitorRule
from shared.reactions.rules import RunRule
from shared.reactions.values import Kind, known
from tests.markdown import DOCS, ROOT, Block, blocks, code, section, table

PAGE = (DOCS / "reactions.md").read_text(encoding="utf-8")
BLOCKS = blocks(PAGE)
#: An example may be a list of rules; this stands above it then.
HEAD = "recipients:\n  ops: $OPS_EMAIL\nreactions:\n"


def job_inputs(job: str) -> dict[str, JobInput]:
    """Return the inputs of a job file of the project."""
    return {declared.name: declared for declared in load_template(ROOT / job).inputs}


def read(example: str) -> Reactions:
    """Read an example as the service reads reactions.yaml."""
    return load(
        example if isinstance(yaml.safe_load(example), dict) else HEAD + example,
        file="reactions.yaml",
        vocabularies=handlers.VOCABULARIES,
        addresses={"OPS_EMAIL": ("ops@example.com",)},
        job_inputs=job_inputs,
    )


def readme() -> tuple[Block, ...]:
    """Return the blocks of the README."""
    return blocks((ROOT / "README.md").read_text(encoding="utf-8"))


@pytest.mark.parametrize("example", [block.text for block in (*BLOCKS, *readme()) if block.info == "yaml"])
def test_examples_load(example: str) -> None:
    """Every example can be pasted."""
    assert read(example).rules


def test_there_is_an_example_of_every_family() -> None:
    """All families, both actions, guards and their absence occur in the examples."""
    rules = [rule for block in BLOCKS if block.info == "yaml" for rule in read(block.text).rules]
    assert {rule.on for rule in rules} == set(handlers.VOCABULARIES)
    assert {rule.run is None for rule in rules} == {True, False}
    runs = {rule.guards.budget for rule in rules if rule.run is not None}
    assert {None, DAILY} < runs


def test_mistakes_are_told_as_the_page_says() -> None:
    """The wrong example yields exactly the lines below it."""
    ((wrong, told),) = ((block, next_one) for block, next_one in pairwise(BLOCKS) if block.info == "yaml wrong")
    with pytest.raises(ConfigurationError) as raised:
        read(wrong.text)
    assert list(raised.value.problems) == told.text.splitlines()


def described(struct: type[msgspec.Struct]) -> dict[str, str]:
    """Return the keys of a type with what the code says of each, which editors show as well."""
    _, components = msgspec.json.schema_components([struct], ref_template="{name}")
    return {key: told["description"] for key, told in components[struct.__name__]["properties"].items()}


def kinds(vocabulary: Mapping[str, Kind]) -> list[list[str]]:
    """Return names as people write them, with their kinds: a key of a map is text."""
    return [
        [name, kind if kind != "map" else "text"]
        for name, kind in zip(known(vocabulary), vocabulary.values(), strict=True)
    ]


@pytest.mark.parametrize("family", handlers.HANDLERS, ids=lambda family: family.name)
def test_a_family_is_told_in_full(family: Family) -> None:  # type: ignore[type-arg]  # of any event
    """Conditions with their words, and names behind `${{ }}` with their kinds, in both directions."""
    text = section(PAGE, f"On: {family.name}")
    common = described(Place)
    told = {code(name)[0]: matched for name, matched in table(text, "condition")}
    assert told == {key: words for key, words in described(family.vocabulary.when).items() if key not in common}
    own = {name: kind for name, kind in family.vocabulary.values.items() if name not in COMMON}
    assert [[code(name)[0], kind] for name, kind, _value in table(text, "name")] == kinds(own)
    assert family.vocabulary.values == {**own, **COMMON}


def test_what_all_families_have_is_told_once() -> None:
    """The condition `workspace`, and the names of every event."""
    text = section(PAGE, "When: conditions")
    assert {code(name)[0]: matched for name, matched in table(text, "condition")} == described(Place)
    names = table(section(PAGE, "Names in inputs"), "name")
    assert [[code(name)[0], kind] for name, kind, _value in names] == kinds(COMMON)


def test_no_family_is_told_that_does_not_exist() -> None:
    """Every heading of a family is one of HANDLERS."""
    assert re.findall(r"^## On: (.+)$", PAGE, re.MULTILINE) == list(handlers.VOCABULARIES)


@pytest.mark.parametrize(
    ("title", "head", "struct"),
    [
        ("The file", "key of a rule", rule_type(Place)),
        ("When: conditions", "key of a condition", Test),
        ("When: conditions", "key of bounds", Bounds),
        ("Run: jobs", "key of `run`", RunRule),
        ("Run: jobs", "key of `expect`", ExpectRule),
        ("Run: jobs", "key of `verdict`", VerdictRule),
        ("Mail", "key of `mail`", MailRule),
        ("Owners", "key of `to`", OwnerRule),
        ("On: data-drift", "key of a monitor", MonitorRule),
    ],
)
def test_keys_are_those_of_the_code(title: str, head: str, struct: type[msgspec.Struct]) -> None:
    """Every key of a rule and of its sections, in the words that editors show."""
    told = {code(key)[0]: words for key, words in table(section(PAGE, title), head)}
    assert told == described(struct)


def test_the_better_side_of_every_metric_is_told() -> None:
    """The table has every metric that the code knows, on its side; and the page has every signal."""
    text = section(PAGE, "On: data-drift")
    told = {side: {name.casefold() for name in code(metrics)} for side, metrics in table(text, "better is")}
    assert told == {"greater": GREATER_IS_BETTER, "smaller": SMALLER_IS_BETTER}
    assert {name for name in code(text) if name.endswith(("_drift", "_quality", "_performance"))} >= set(SIGNALS)


def test_guards_are_those_of_the_code() -> None:
    """Every guard, with what it means."""
    rows = table(section(PAGE, "Guards"), "guard")
    assert {code(guard)[0]: meaning for guard, _form, meaning, _default in rows} == described(GuardsRule)


@pytest.mark.parametrize("row", table(section(PAGE, "When: conditions"), "form"), ids=lambda row: row[0])
def test_every_form_of_a_condition_can_be_written(row: list[str]) -> None:
    """As it stands in the table."""
    (form,) = code(row[0])
    family = "data-drift" if form.startswith("drift_") else "model-registered"
    rule = read(f"- name: a\n  on: {family}\n  when: {{ {form} }}\n  mail: {{ to: ops }}\n").rules[0]
    assert msgspec.to_builtins(rule.when)[form.partition(":")[0]]


def test_the_key_of_a_mail_beside_a_job() -> None:
    """By which it is found in the ledger and replayed."""
    assert f"`{mail_beside('retrain-and-tell')}`" in section(PAGE, "Run and mail")
    assert f"`{mail_beside('<name>')}`" in section(PAGE, "Run and mail")


def test_defaults_are_those_of_the_code() -> None:
    """The default guards on the page are what a rule without guards has."""
    told = {code(guard)[0]: default for guard, _form, _meaning, default in table(section(PAGE, "Guards"), "guard")}
    rules = {
        name: read(f"- name: a\n  on: {name}\n  run: {{ job: pipelines/retrain.yml }}\n").rules[0].guards
        for name in handlers.VOCABULARIES
    }
    with_cooldown = {name for name, guards in rules.items() if guards.cooldown is not None}
    assert with_cooldown == {name for name in rules if f"`{name}`" in told["cooldown"]}
    explicit = f"{{ cooldown: {code(told['cooldown'])[0]}, budget: {{ {', '.join(code(told['budget'])[:2])} }} }}"
    same = read(f"- name: a\n  on: data-drift\n  guards: {explicit}\n  run: {{ job: pipelines/retrain.yml }}\n")
    assert same.rules[0].guards == rules["data-drift"]
    assert {guards.budget for guards in rules.values()} == {DAILY}


@pytest.mark.parametrize(
    ("family", "defaults"),
    [
        ("data-drift", {"signal": handlers.data_drift.FAMILY.vocabulary.runs_only["signal"]}),
        (
            "pipeline-failed",
            {
                "kind": [handlers.pipeline_failure.When().kind],
                "status": [handlers.pipeline_failure.When().status],
            },
        ),
    ],
)
def test_default_conditions_are_told(family: str, defaults: dict[str, list[str]]) -> None:
    """What a condition is when it is left out."""
    rows = {code(name)[0]: matched for name, matched in table(section(PAGE, f"On: {family}"), "condition")}
    told = {name: code(matched.partition("left out: ")[2]) for name, matched in rows.items() if "left out: " in matched}
    assert told == defaults
