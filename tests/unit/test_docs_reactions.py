"""docs/reactions.md is the whole vocabulary of reactions.yaml, and its examples are what they say."""

import re
from itertools import pairwise

import msgspec
import pytest
import yaml

import handlers
from handlers.family import Family
from shared.errors import ConfigurationError
from shared.job_templates import load_template
from shared.job_templates.inputs import JobInput
from shared.reactions import DAILY, GuardsRule, MailRule, Reactions, RuleBase, RunRule
from shared.reactions.file import load
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


@pytest.mark.parametrize("family", handlers.HANDLERS, ids=lambda family: family.name)
def test_a_family_is_told_in_full(family: Family) -> None:  # type: ignore[type-arg]  # of any event
    """Conditions and names behind `${{ }}`, in both directions."""
    text = section(PAGE, f"On: {family.name}")
    conditions = [code(row[0])[0] for row in table(text, "condition")]
    assert conditions == [field.name for field in msgspec.structs.fields(family.vocabulary.when)]
    assert [code(row[0])[0] for row in table(text, "name")] == list(family.vocabulary.values)


def test_no_family_is_told_that_does_not_exist() -> None:
    """Every heading of a family is one of HANDLERS."""
    assert re.findall(r"^## On: (.+)$", PAGE, re.MULTILINE) == list(handlers.VOCABULARIES)


@pytest.mark.parametrize(
    ("title", "head", "rule"),
    [
        ("The file", "key of a rule", RuleBase),
        ("Run: jobs", "key of `run`", RunRule),
        ("Mail", "key of `mail`", MailRule),
        ("Guards", "guard", GuardsRule),
    ],
)
def test_keys_are_those_of_the_code(title: str, head: str, rule: type[msgspec.Struct]) -> None:
    """Every key of a rule and of its sections; `when` is added by the family."""
    told = {key for row in table(section(PAGE, title), head) for key in code(row[0])}
    assert told - {"when"} == {field.name for field in msgspec.structs.fields(rule)}


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


def test_the_default_signals_are_told() -> None:
    """What `signal` is when it is left out."""
    ((_name, _matched, left_out),) = (
        row for row in table(section(PAGE, "On: data-drift"), "condition") if code(row[0]) == ["signal"]
    )
    assert code(left_out) == handlers.data_drift.When().signal
