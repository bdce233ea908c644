"""Broken files of reactions, each with everything a person is told of it (golden files, read by people)."""

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

import handlers
from shared.errors import ConfigurationError
from shared.job_templates import load_template
from shared.job_templates.inputs import JobInput
from shared.reactions import Reactions
from shared.reactions.file import load, read
from shared.yaml_document import Document
from tests.markdown import ROOT

GOLDEN = Path(__file__).parent / "golden" / "reactions"
BROKEN = sorted(GOLDEN.glob("*.yaml"))


def job_inputs(job: str) -> Mapping[str, JobInput]:
    """Return the inputs of a job file of the project, or of one that is broken."""
    folder = ROOT if (ROOT / job).is_file() else GOLDEN
    return {declared.name: declared for declared in load_template(folder / job).inputs}


def loaded(text: str) -> Reactions:
    """Read a text as the app reads reactions.yaml."""
    return load(
        text,
        file="reactions.yaml",
        vocabularies=handlers.VOCABULARIES,
        addresses={"OPS_EMAIL": ("ops@example.com",)},
        job_inputs=job_inputs,
    )


def told(file: Path) -> str:
    """Return what a person is told of a broken file, a problem a line."""
    with pytest.raises(ConfigurationError) as error:
        loaded(read(file))
    return "".join(f"{problem.replace(file.name, 'reactions.yaml')}\n" for problem in error.value.problems)


@pytest.mark.parametrize("file", BROKEN, ids=lambda file: file.stem)
def test_what_a_person_is_told(file: Path) -> None:
    """Every problem, in the order of the lines; renew with `python -m tests.unit.test_broken_reactions` and read."""
    assert told(file) == file.with_suffix(".txt").read_text(encoding="utf-8")


def test_no_golden_text_is_left_over() -> None:
    """Every text belongs to a file, and there are many."""
    assert {file.stem for file in GOLDEN.glob("*.txt")} == {file.stem for file in BROKEN}
    assert len(BROKEN) >= 40


@pytest.mark.parametrize("file", BROKEN, ids=lambda file: file.stem)
def test_every_problem_has_its_line_and_says_one_thing(file: Path) -> None:
    """File and line first, then a line of text without control characters and of a length that people read."""
    for problem in told(file).splitlines():
        assert re.match(r"reactions\.yaml:[1-9][0-9]*: \S", problem)
        assert len(problem) <= 250
        assert problem.isprintable()


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("name: offline-test", 'name: "offline-test\\n"'),
        ("cooldown: 24h", 'cooldown: "24h\\n"'),
        ("job: pipelines/retrain.yml", 'job: "pipelines/retrain.yml\\n"'),
        ("https://wiki.example.com", "https://wiki.example.com\\n"),
        ("job: pipelines/retrain.yml", 'job: "pipelines/\\0.yml"'),
        ("job: pipelines/retrain.yml", 'job: "pipelines/\\ud83d.yml"'),
        ("[churn-*", '["\\ud83d"'),
    ],
)
def test_an_escape_brings_nothing_in(old: str, new: str) -> None:
    """No line end at the end of a name, a duration, a path or a link; no character that is none."""
    assert old in GOOD
    with pytest.raises(ConfigurationError):
        loaded(GOOD.replace(old, new))


def test_a_file_that_nobody_wrote_by_hand() -> None:
    """Refused before a second is spent on it."""
    with pytest.raises(ConfigurationError, match="larger than 256 KiB"):
        loaded("recipients: {}\n" + "# a comment that is long\n" * 50_000)


def test_a_name_as_long_as_the_file() -> None:
    """It is told, and cut."""
    with pytest.raises(ConfigurationError) as error:
        loaded(f"recipients: {{}}\nreactions: []\n? {'x' * 50_000}\n: 1\n")
    assert [len(problem) < 600 for problem in error.value.problems] == [True]


def test_anchors_that_multiply() -> None:
    """A chain of anchors is refused before it fills the memory."""
    chain = "".join(f"  a{number + 1}: &a{number + 1} [{', '.join([f'*a{number}'] * 9)}]\n" for number in range(15))
    with pytest.raises(ConfigurationError, match="write anchors"):
        loaded(f"recipients:\n  a0: &a0 ops@example.com\n{chain}reactions: []\n")


GOOD = """\
recipients:
  ops: $OPS_EMAIL
reactions:
  - name: offline-test
    on: model-registered
    when: { model: [churn-*, "price-?"], tags: { stage: { is: candidate, not: "x*" } }, workspace: mlw-* }
    run:
      job: pipelines/offline-test.yml
      inputs: { model: "${{ event.model }}", minimum_auc: 0.8 }
    mail: { to: ops, runbook: "https://wiki.example.com" }
  - name: retrain
    on: data-drift
    when:
      drift_coefficient: { at_least: 0.3 }
      metric: "*"
    guards:
      cooldown: 24h
      budget: { runs: 3, per: 7d }
    run:
      job: pipelines/retrain.yml
  - name: mail-ops
    on: pipeline-failed
    when: { kind: [pipeline, sweep], properties: { owner: { present: true } } }
    mail: { to: ops }
"""
#: What people type by mistake, and what means something to YAML.
PIECES = st.sampled_from(
    [*"\t\n :-#{}[]\"'*&!|>%@`,?$\\~<", "  ", "- ", ": ", "{{", "<<: ", "null", "true", "1e999", "é"]
)
#: Values of every kind that YAML has, in the place of one that is right.
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.just(10**400) | st.floats() | st.text(max_size=8) | st.dates(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8) | st.integers(), inner, max_size=3),
    max_leaves=5,
)


def only_told(text: str) -> None:
    """Read what may be broken: it is told, never a traceback."""
    problems: tuple[str, ...] = ()
    try:
        loaded(text)
    except ConfigurationError as error:
        problems = error.problems or ("nothing is told",)
    assert all(problem.startswith("reactions.yaml:") for problem in problems)


@given(st.text(st.characters(codec="utf-8"), max_size=200))
def test_any_text_is_told(text: str) -> None:
    """Whatever stands in the file."""
    only_told(text)


@settings(max_examples=300)
@given(
    st.integers(0, len(GOOD) - 1),
    st.integers(0, 4),
    st.lists(PIECES, max_size=3).map("".join),
)
def test_any_slip_of_the_hand_is_told(at: int, deleted: int, inserted: str) -> None:
    """A good file with a few characters too many, or too few."""
    only_told(GOOD[:at] + inserted + GOOD[at + deleted :])


def places(content: object, path: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    """Yield where something stands in plain data."""
    yield path
    pairs = content.items() if isinstance(content, dict) else enumerate(content) if isinstance(content, list) else ()
    for step, inner in pairs:
        yield from places(inner, (*path, step))


@settings(max_examples=300)
@given(st.sampled_from([path for path in places(Document(GOOD, "x").content) if path]), VALUES)
def test_any_value_in_any_place_is_told(path: tuple[str | int, ...], value: object) -> None:
    """A good file with a value of another kind somewhere."""
    content: Any = Document(GOOD, "x").content
    owner = content
    for step in path[:-1]:
        owner = owner[step]
    owner[path[-1]] = value
    only_told(yaml.safe_dump(content, allow_unicode=True))


def test_the_good_file_is_good() -> None:
    """What the slips begin with."""
    assert len(loaded(GOOD).rules) == 3


if __name__ == "__main__":
    for broken in BROKEN:
        broken.with_suffix(".txt").write_text(told(broken), encoding="utf-8", newline="\n")
