"""What stands in a YAML file by the rules of YAML 1.2, and on which line."""

import math

import pytest

from shared.errors import ConfigurationError
from shared.yaml_document import Document


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("on", "on"),
        ("yes", "yes"),
        ("No", "No"),
        ("true", True),
        ("FALSE", False),
        ("tRue", "tRue"),
        ("'true'", "true"),
        ("", None),
        ("~", None),
        ("null", None),
        ("'~'", "~"),
        ("7", 7),
        ("007", 7),
        ("-7", -7),
        ("0x1F", 31),
        ("0o17", 15),
        ("1_000", "1_000"),
        ("1:30", "1:30"),
        ("0b11", "0b11"),
        ("2026-11-20", "2026-11-20"),
        ("2026-11-20T09:00:00Z", "2026-11-20T09:00:00Z"),
        ("0.5", 0.5),
        (".5", 0.5),
        ("1.", 1.0),
        ("1e-5", 1e-5),
        ("1.10", 1.1),
        ("1.2.3", "1.2.3"),
        (".inf", math.inf),
        ("-.INF", -math.inf),
        ("24h", "24h"),
        ("=", "="),
        ("&a x", "x"),
        ("!!str 7", "7"),
        ('"\\u00e9"', "é"),
    ],
)
def test_a_scalar(text: str, value: object) -> None:
    """Text, unless it is a number, a boolean or nothing to YAML 1.2."""
    document = Document(f"a: {text}\n", "x.yaml")
    assert document.problems == ()
    assert document.content == {"a": value}
    assert type(document.content["a"]) is type(value)


def test_no_number_is_not_a_number() -> None:
    """It is read; who asks for a number refuses it."""
    assert math.isnan(Document("a: .NaN\n", "x.yaml").content["a"])


@pytest.mark.parametrize("key", ["on", "true", "7", "~", "'quoted'", "1.5"])
def test_a_key_is_text(key: str) -> None:
    """Whatever it looks like."""
    assert Document(f"{key}: x\n", "x.yaml").content == {key.strip("'"): "x"}


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ('a: "\\ud83d"\n', "half a character"),
        ('a:\n  "\\ud83d": 1\n', "half a character"),
        ('a: "\\U00110000"\n', "does not exist"),
        ("a: !!int x\n", "a number that cannot be read"),
        (f"a: {'9' * 5000}\n", "a number that cannot be read"),
        ("a: !!binary aGk=\n", "a tag of YAML"),
        ("a: !!python/name:os.system x\n", "a tag of YAML"),
        ("a: x\na: y\n", "stands here twice"),
    ],
)
def test_what_is_told(text: str, problem: str) -> None:
    """With its line, and without an exception of another kind."""
    try:
        told = Document(text, "x.yaml").problems
    except ConfigurationError as error:
        told = error.problems
    assert [one for one in told if problem in one and one.startswith("x.yaml:")] == list(told)
    assert told


def test_the_first_of_two_counts() -> None:
    """And what follows is checked by it."""
    document = Document("a: { b: 1 }\nc: 2\na: { b: 3 }\n", "x.yaml")
    assert document.content == {"a": {"b": 1}, "c": 2}
    assert document.problems == ("x.yaml:3: 'a' stands here twice; the first is on line 1",)


def test_lines() -> None:
    """Of what stands there, or of the nearest thing above it; told in the order of the file, once each."""
    document = Document("# one\na:\n  - b: 1\n  - c:\n      d: 2\n", "x.yaml")
    for path in (("a", 1, "c", "d", "e"), ("a", 0, "b"), ("a", 7), ("z",), ("a", 0, "b")):
        document.report(path, "here")
    assert document.problems == ("x.yaml:2: here", "x.yaml:3: here", "x.yaml:5: here")


def test_an_anchor_stands_for_what_it_names() -> None:
    """Wherever it is named."""
    assert Document("a: &x { b: 1 }\nc: *x\n", "x.yaml").content == {"a": {"b": 1}, "c": {"b": 1}}
