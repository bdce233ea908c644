"""reactions.yaml: what it may say, and how every mistake is told."""

from collections.abc import Mapping
from datetime import time, timedelta
from pathlib import Path

import pytest

import handlers
from handlers import model_registered
from handlers.family import common_values
from shared.actions import SendMail, SubmitJob
from shared.errors import ConfigurationError
from shared.events import Event, parse
from shared.hours import Hours
from shared.job_templates.inputs import JobInput
from shared.limits import Budget, Confirm, Guards, Loop
from shared.reactions import Matched, Unmatched
from shared.reactions.conditions import holds
from shared.reactions.file import load
from tests.fakes.events import SAMPLES, altered, sample
from tests.fakes.service import rules

GOOD = """\
recipients:
  ops: $OPS_EMAIL
reactions:
  - name: offline-test
    on: model-registered
    run:
      job: pipelines/offline-test.yml
"""


def problems(text: str) -> list[str]:
    """Return what is wrong with the text."""
    with pytest.raises(ConfigurationError) as error:
        rules(text)
    return list(error.value.problems)


def test_on_is_a_word() -> None:
    """By YAML 1.2 rules `on` is no boolean, and neither is `yes`; `true` is."""
    assert [rule.name for rule in rules(GOOD).on("model-registered")] == ["offline-test"]


@pytest.mark.parametrize(
    ("old", "new", "problem"),
    [
        ("on: model-registered", "on: model-registred", "5: `on` must be one of model-registered, data-drift"),
        ("on: model-registered", "on: model-registred", "did you mean 'model-registered'?"),
        ("    run:", "    rn:", "6: unknown key 'rn'; did you mean 'run'?"),
        ("      job: ", "      jobs: ", "7: unknown key 'jobs'; did you mean 'job'?"),
        ("    run:", "    when: { modle: x }\n    run:", "6: unknown key 'modle'; did you mean 'model'?"),
        ("    run:", "    when: { model: 7 }\n    run:", "put the value in quotes"),
        (
            "    run:",
            "    guards: { cooldown: 1 hour }\n    run:",
            "6: `cooldown` must be a duration: a number of 1 to 9999 and one of",
        ),
        (
            "    run:",
            "    guards: { budget: { runs: 0, per: 1d } }\n    run:",
            "6: `runs` must be a whole number of at least 1",
        ),
        ("    run:", "    guards: { budget: { runs: 1 } }\n    run:", "6: `per` is missing"),
        ("    run:", "    guards: off\n    run:", "6: "),
        ("name: offline-test", "name: Offline Test", "4: `name` must be a name of a-z"),
        ("  - name: offline-test\n    on", "  - on", "4: `name` is missing"),
        (
            "pipelines/offline-test.yml",
            "pipelines/offline-test.yml\n      inputs: { modle: x }",
            "did you mean 'model'?",
        ),
        (
            "pipelines/offline-test.yml",
            "pipelines/offline-test.yml\n      inputs: { model: '${{ event.modle }}' }",
            "8: unknown name ${{ event.modle }}; did you mean 'event.model'?",
        ),
        ("    run:\n      job: pipelines/offline-test.yml", "", "4: a reaction needs `run`, `mail`, or both"),
        (GOOD[GOOD.index("    run:") :], "    mail: { to: opps }", "6: unknown recipient 'opps'; did you mean 'ops'?"),
        (
            GOOD[GOOD.index("    run:") :],
            "    mail: { to: ops, runbook: 'http://x' }",
            "6: `runbook` must be a link that starts with https://",
        ),
        (GOOD[GOOD.index("    run:") :], "    mail: { to: ops }\n    guards: none", "7: `guards` are for a `run`"),
        ("offline-test.yml", "needs-a-model.yml", "6: pipelines/needs-a-model.yml needs the input 'model'"),
        ("$OPS_EMAIL", "$OPS_MAIL", "2: '$OPS_MAIL' is not a mail address; write one, or $OPS_EMAIL"),
        ("reactions:", "reaction:", "did you mean 'reactions'?"),
        ("recipients:\n  ops: $OPS_EMAIL", "recipients: [ops]", "1: `recipients` must map names to addresses"),
        (GOOD, "reactions: 7", "1: `reactions` must be a list of rules"),
        (GOOD, "7", "1: the file must be a mapping"),
        (GOOD, "reactions: [", "reactions.yaml:1: not YAML"),
        (GOOD, GOOD + GOOD[GOOD.index("  - name") :], "8: the name 'offline-test' is taken"),
    ],
)
def test_every_mistake_is_told_with_its_line(old: str, new: str, problem: str) -> None:
    """File, line, what is wrong, and what would be right."""
    told = problems(GOOD.replace(old, new))
    assert any(problem in one and one.startswith("reactions.yaml:") for one in told), told


def test_all_mistakes_are_told_in_one_go() -> None:
    """Nobody wants to mend a file one error at a time."""
    text = (
        GOOD.replace("model-registered", "modle") + "  - name: b\n    on: data-drift\n    run: { jobs: x }\nextra: 1\n"
    )
    assert len(problems(text)) == 4


@pytest.mark.parametrize("inputs", ["5", "[model]", "{ model: [x] }", "{ model: }", "model"])
def test_an_input_that_is_mistaken_is_not_missing(inputs: str) -> None:
    """One problem, not a second one that follows from it."""
    (told,) = problems(GOOD.replace("offline-test.yml", f"needs-a-model.yml\n      inputs: {inputs}"))
    assert "needs the input" not in told


def test_problems_of_the_job_file_stand_at_its_line() -> None:
    """A job file that is missing or refused is a mistake of the rule that names it."""

    def refuse(job: str) -> dict[str, JobInput]:
        raise ConfigurationError(f"{job} does not exist")

    with pytest.raises(ConfigurationError) as error:
        load(
            GOOD,
            file="r.yaml",
            vocabularies=handlers.VOCABULARIES,
            addresses={"OPS_EMAIL": ("a@b.cd",)},
            job_inputs=refuse,
        )
    assert error.value.problems == ("r.yaml:7: pipelines/offline-test.yml does not exist",)


def test_defaults_protect() -> None:
    """A run has a budget of ten a day and a loop limit, one on drift a cooldown; a rule changes what it names."""
    day = timedelta(days=1)
    loop = Loop(times=3, depth=10)
    text = """
reactions:
  - { name: a, on: data-drift, run: { job: pipelines/retrain.yml } }
  - { name: b, on: data-drift, run: { job: pipelines/retrain.yml }, guards: { cooldown: 24h } }
  - { name: c, on: data-drift, run: { job: pipelines/retrain.yml }, guards: none }
  - name: d
    on: model-registered
    run: { job: pipelines/offline-test.yml }
    guards: { budget: { runs: 3, per: 7d } }
  - name: e
    on: model-registered
    run: { job: pipelines/offline-test.yml }
    guards:
      confirm: { events: 2, within: 7d }
      budget: { runs: 3, per: 7d, for: reaction }
      loop: { depth: 4 }
      hours: { not: "22:00-06:00", zone: Europe/Berlin, days: [fri, sat] }
  - { name: f, on: model-registered, run: { job: pipelines/offline-test.yml }, guards: { loop: none } }
"""
    guards = {rule.name: rule.guards for rule in rules(text).rules}
    assert guards == {
        "a": Guards(cooldown=timedelta(hours=1), budget=Budget(runs=10, per=day), loop=loop),
        "b": Guards(cooldown=day, budget=Budget(runs=10, per=day), loop=loop),
        "c": Guards(),
        "d": Guards(cooldown=None, budget=Budget(runs=3, per=7 * day), loop=loop),
        "e": Guards(
            confirm=Confirm(events=2, within=7 * day),
            budget=Budget(runs=10, per=day),
            whole=Budget(runs=3, per=7 * day),
            loop=Loop(times=3, depth=4),
            hours=Hours(start=time(22), end=time(6), zone="Europe/Berlin", days=frozenset({4, 5})),
        ),
        "f": Guards(budget=Budget(runs=10, per=day)),
    }


@pytest.mark.parametrize(
    ("globs", "value", "expected"),
    [
        ("*", "churn", True),
        ("churn-*", "churn-eu", True),
        ("churn-*", "churn", False),
        (["a", "b*"], "bc", True),
        ([], "b", False),
        ("Churn", "churn", False),
        ("*", None, False),
        ("*", "", True),
    ],
)
def test_globs(globs: str | list[str], value: str | None, *, expected: bool) -> None:
    """Any of several, with regard to case; what is absent matches nothing."""
    assert holds(globs, value) is expected


@pytest.mark.parametrize(
    ("when", "failing"),
    [
        ("{ model: churn }", ""),
        ("{ model: [x, y] }", "model: wanted 'x' or 'y', is 'churn'"),
        ("{ model: churn, tags: { stage: candidate } }", ""),
        ("{ tags: { stage: prod } }", "tags.stage: wanted 'prod', is 'candidate'"),
        ("{ tags: { owner: '*' } }", "tags.owner: wanted '*', is absent"),
    ],
)
def test_the_first_failing_condition_is_told(when: str, failing: str) -> None:
    """With what it wants and what it met."""
    reactions = rules(GOOD.replace("    run:", f"    when: {when}\n    run:"))
    event = model_registered.recognise(parse(sample("model-registered")))
    assert isinstance(event, model_registered.ModelRegistered)
    (item,) = model_registered.FAMILY.plan(event, reactions)
    assert (item.reason if isinstance(item, Unmatched) else "") == failing


def test_inputs_are_filled_from_the_event() -> None:
    """Names and literals may be mixed in one value."""
    inputs = "\n      inputs: { model: '${{event.model}}' }"
    text = GOOD.replace("offline-test.yml", f"offline-test.yml{inputs}")
    event = model_registered.recognise(parse(altered("model-registered", modelVersion="2026-11-20.1")))
    assert isinstance(event, model_registered.ModelRegistered)
    (item,) = model_registered.FAMILY.plan(event, rules(text))
    assert isinstance(item, Matched)
    assert getattr(item.actions["offline-test"], "inputs", None) == {"model": "azureml:churn:2026-11-20.1"}


def test_the_digest_follows_the_rule() -> None:
    """Stamped on jobs: another text, another digest; the same text, the same one."""
    one, same, other = (
        rules(text).rules[0].digest for text in (GOOD, GOOD, GOOD.replace("on:", "when: {model: x}\n    on:"))
    )
    assert one == same != other


@pytest.mark.parametrize("path", sorted(SAMPLES.glob("*.json")), ids=lambda path: path.stem)
def test_every_name_behind_expressions_has_a_value(path: Path) -> None:
    """A name that validation accepts is one that planning knows, of the kind that is said, for every sample."""
    for family in handlers.HANDLERS:
        event = family.recognise(parse(sample(path.stem)))
        if isinstance(event, Event):
            values = {**common_values(event), **family.values(event)}
            assert set(values) == set(family.vocabulary.values)
            kinds = {name: "map" if isinstance(value, Mapping) else "text" for name, value in values.items()}
            maps = {name for name, kind in family.vocabulary.values.items() if kind == "map"}
            assert {name for name, kind in kinds.items() if kind == "map"} == maps


def test_a_job_and_a_mail() -> None:
    """One rule, two actions, each with its key."""
    text = GOOD + "    mail: { to: ops }\n"
    event = model_registered.recognise(parse(sample("model-registered")))
    assert isinstance(event, model_registered.ModelRegistered)
    (item,) = model_registered.FAMILY.plan(event, rules(text))
    assert isinstance(item, Matched)
    assert {key: type(action) for key, action in item.actions.items()} == {
        "offline-test": SubmitJob,
        "offline-test.mail": SendMail,
    }


@pytest.mark.parametrize(
    ("job", "inputs", "expected"),
    [
        ("needs-a-model", "{ model: 'azureml:${{ event.model.tags.other }}:1' }", "event.model.tags.other: needed for"),
        ("offline-test", "{ model: 'azureml:${{ event.model.tags.other }}:1' }", {}),
        ("offline-test", "{ model: 'azureml:${{ event.model.tags.stage }}:1' }", {"model": "azureml:candidate:1"}),
    ],
)
def test_what_the_event_has_no_value_for(job: str, inputs: str, expected: str | dict[str, str]) -> None:
    """An input that the job can do without keeps the file's value; for another the condition does not hold."""
    text = GOOD.replace("offline-test.yml", f"{job}.yml\n      inputs: {inputs}")
    event = model_registered.recognise(parse(sample("model-registered")))
    assert isinstance(event, model_registered.ModelRegistered)
    (item,) = model_registered.FAMILY.plan(event, rules(text))
    if isinstance(item, Unmatched):
        assert isinstance(expected, str)
        assert item.reason.startswith(expected)
    else:
        assert getattr(item.actions["offline-test"], "inputs", None) == expected
