"""Laws of conditions, patterns and names, for any value: Hypothesis looks for an exception."""

import string
from collections.abc import Mapping

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from handlers import pipeline_failure
from shared.events import Event, parse
from shared.reactions.conditions import REASON, Bounds, Met, Test, first_failing, holds, words
from shared.reactions.patterns import refusal
from shared.reactions.values import Kind, Values, absent_in, kind_of, known, names_in, replaced, tried, value_of
from tests.fakes.events import altered

TEXT = st.text(st.sampled_from("ab*?[]!-.\\A\n"), max_size=8) | st.text(max_size=8)
PLAIN = st.text(st.characters(exclude_characters="*?["), min_size=1, max_size=12)
GLOBS = TEXT | st.lists(TEXT, max_size=3)
NUMBER = st.floats(allow_nan=False, allow_infinity=False)
MET: st.SearchStrategy[Met] = st.none() | TEXT | NUMBER | st.lists(TEXT, max_size=3).map(tuple)
PRESENT = TEXT | NUMBER | st.lists(TEXT, min_size=1, max_size=3).map(tuple)
LIMIT = st.none() | NUMBER


@given(GLOBS, PRESENT)
def test_not_is_the_complement_of_is(globs: str | list[str], met: Met) -> None:
    """Where there is a value, exactly one of the two holds."""
    assert holds(Test(is_=globs), met) != holds(Test(not_=globs), met)


@given(GLOBS)
@pytest.mark.parametrize("absent", [None, ()])
def test_what_is_absent_is_nothing_and_not_anything(absent: Met, globs: str | list[str]) -> None:
    """No pattern matches it, and `not` holds."""
    assert not holds(globs, absent)
    assert not holds(Test(is_=globs), absent)
    assert holds(Test(not_=globs), absent)
    assert holds(Test(present=False), absent)
    assert not holds(Test(present=True), absent)
    assert not holds(Bounds(at_least=0), absent)


@given(st.lists(TEXT, max_size=4), MET)
def test_a_list_is_the_union(patterns: list[str], met: Met) -> None:
    """One of them is enough, and none matches nothing."""
    assert holds(patterns, met) == any(holds(pattern, met) for pattern in patterns)


@given(TEXT, st.lists(TEXT, max_size=4))
def test_of_several_values_one_is_enough(pattern: str, values: list[str]) -> None:
    """As with the metrics of a breach; and `not` says that there is none."""
    assert holds(pattern, tuple(values)) == any(holds(pattern, value) for value in values)
    assert holds(Test(not_=pattern), tuple(values)) == all(not holds(pattern, value) for value in values)


@given(PLAIN, TEXT | PLAIN)
def test_a_pattern_without_wildcards_matches_itself_only(pattern: str, value: str) -> None:
    """With regard to case, and the whole value."""
    assert holds(pattern, pattern)
    assert holds(pattern, value) == (pattern == value)


@given(TEXT, st.text(max_size=4))
def test_a_star_is_any_text(start: str, end: str) -> None:
    """Also none, also a line end."""
    assume("[" not in start)
    literal = "".join(f"[{char}]" if char in "*?" else char for char in start)
    assert holds(f"{literal}*", start + end)
    assert holds(f"*{literal}", end + start)


@given(wanted=GLOBS, unwanted=st.none() | GLOBS, present=st.none() | st.booleans(), met=MET)
def test_all_that_is_said_must_hold(
    wanted: str | list[str], unwanted: str | list[str] | None, *, present: bool | None, met: Met
) -> None:
    """A mapping is the conjunction of what it says."""
    parts = [Test(is_=wanted)]
    parts += [] if unwanted is None else [Test(not_=unwanted)]
    parts += [] if present is None else [Test(present=present)]
    assert holds(Test(is_=wanted, not_=unwanted, present=present), met) == all(holds(one, met) for one in parts)


@given(LIMIT, LIMIT, LIMIT, LIMIT, NUMBER)
def test_bounds(
    above: float | None, at_least: float | None, below: float | None, at_most: float | None, met: float
) -> None:
    """All of them must hold; those that no number is within are refused at load, and no others."""
    bounds = Bounds(above=above, at_least=at_least, below=below, at_most=at_most)
    expected = all(
        (
            above is None or met > above,
            at_least is None or met >= at_least,
            below is None or met < below,
            at_most is None or met <= at_most,
        )
    )
    assert holds(bounds, met) == expected
    if expected and bounds != Bounds():
        assert refusal(bounds) == ""
    assert not holds(bounds, str(met))


@pytest.mark.parametrize(
    ("bounds", "usable"),
    [
        (Bounds(above=1, below=1), False),
        (Bounds(at_least=1, below=1), False),
        (Bounds(above=1, at_most=1), False),
        (Bounds(at_least=1, at_most=1), True),
        (Bounds(above=1, below=2), True),
        (Bounds(above=2, below=1), False),
        (Bounds(above=float("inf")), False),
        (Bounds(below=float("nan")), False),
        (Bounds(), False),
    ],
)
def test_bounds_that_nobody_can_mean(bounds: Bounds, *, usable: bool) -> None:
    """No number is within them."""
    assert (refusal(bounds) == "") == usable


@pytest.mark.parametrize(
    ("pattern", "usable"),
    [
        ("churn-*", True),
        ("1.*", True),
        ("v1.2.*", True),
        ("[ab]?", True),
        ("[]]", True),
        ("[!]]", True),
        ("[!a]*", True),
        ("[^]", True),
        ("a.b", True),
        ("azureml.pipeline (nightly)", True),
        ("", False),
        (" ", False),
        ("!a", False),
        ("[a", False),
        ("a[]", False),
        ("[!", False),
        (".*", False),
        ("churn.*", False),
        ("a.+", False),
        ("^a", False),
        ("a$", False),
        (r"\d", False),
        ("(a|b)", False),
    ],
)
def test_patterns_that_nobody_can_mean(pattern: str, *, usable: bool) -> None:
    """Empty, unbalanced, or a regular expression; alone, in a list, and in a mapping."""
    for condition in (pattern, ["x", pattern], Test(is_=pattern), Test(not_=["x", pattern])):
        assert (refusal(condition) == "") == usable


RUN_TAGS = st.dictionaries(st.sampled_from("abc"), TEXT, max_size=3)
CONDITION = st.one_of(
    TEXT,
    st.lists(TEXT, max_size=2),
    st.builds(Test, is_=st.none() | GLOBS, not_=st.none() | GLOBS, present=st.none() | st.booleans()),
)
WHEN = st.builds(
    pipeline_failure.When,
    workspace=st.none() | CONDITION,
    experiment=st.none() | CONDITION,
    kind=st.sampled_from(["pipeline", "command", ["sweep", "pipeline"]]),
    pipeline=st.none() | CONDITION,
    tags=st.none() | st.dictionaries(st.sampled_from("abc"), CONDITION, max_size=3),
)


def failed_run(tags: Mapping[str, str]) -> Event:
    """Return a failed pipeline with these tags."""
    event = pipeline_failure.recognise(parse(altered("pipeline-failed", runTags=dict(tags))))
    assert isinstance(event, Event)
    return event


def one_by_one(when: pipeline_failure.When) -> list[pipeline_failure.When]:
    """Return the conditions each alone, in the order in which they are asked."""
    nothing = pipeline_failure.When(kind=["pipeline", "command", "sweep", "automl"])
    alone = []
    for name in ("workspace", "experiment", "kind", "pipeline", "tags"):
        condition = getattr(when, name)
        parts = [{key: one} for key, one in condition.items()] if isinstance(condition, dict) else [condition]
        alone += [_with(nothing, name, part) for part in parts if part is not None]
    return alone


def _with(when: pipeline_failure.When, name: str, condition: object) -> pipeline_failure.When:
    values = {field: getattr(when, field) for field in when.__struct_fields__}
    return pipeline_failure.When(**{**values, name: condition})


@given(WHEN, RUN_TAGS)
def test_the_first_that_fails_is_told(when: pipeline_failure.When, tags: Mapping[str, str]) -> None:
    """It fails alone as well, with the same words, and all before it hold."""
    event = failed_run(tags)
    alone = [reason for one in one_by_one(when) if (reason := first_failing(one, event))]
    assert first_failing(when, event) == (alone[0] if alone else "")


@given(st.text(max_size=400), st.lists(st.text(max_size=200), max_size=20), st.text(max_size=400))
def test_a_reason_is_short_and_names_both(key: str, patterns: list[str], met: str) -> None:
    """Whatever is wanted and met; where they are short, both stand there in full."""
    event = failed_run({key: met})
    reason = first_failing(pipeline_failure.When(tags={key: patterns}), event)
    assert len(reason) <= REASON
    if reason and len(key + words(patterns)) < 200 and len(met) <= 80:
        assert reason == f"tags.{key}: wanted {words(patterns)}, is {met!r}"
    if reason and len(met) > 80:
        assert "…" in reason


def test_a_reason_about_very_much_is_short() -> None:
    """Each of its parts is cut: a name, what is wanted, and what is met."""
    for key, patterns, met in (("k" * 900, ["x"], "y"), ("k", ["x" * 900], "y"), ("k", ["x"] * 900, "\0" * 900)):
        reason = first_failing(pipeline_failure.When(tags={key: patterns}), failed_run({key: met}))
        assert len(reason) <= REASON
        assert ", is '" in reason


KINDS: Mapping[str, Kind] = {
    "event.model": "model",
    "event.model.name": "text",
    "event.model.tags": "map",
    "event.model.tags.deep": "map",
    "event.rate": "number",
}
KEY = st.text(string.ascii_letters + ".-_ ", min_size=1, max_size=8).filter(lambda key: key == key.strip())


@given(KEY, st.text(min_size=1, max_size=8))
def test_a_key_of_a_map_is_a_name(key: str, value: str) -> None:
    """Whatever the key is called, dots and spaces too; the longest map that fits owns it."""
    name = f"event.model.tags.{key}"
    owner, rest = (
        ("event.model.tags.deep", key[5:]) if key.startswith("deep.") and key[5:] else ("event.model.tags", key)
    )
    values: Values = {"event.model.tags": {}, "event.model.tags.deep": {}, owner: {rest: value}}
    assert kind_of(name, KINDS) in {"text", None}
    if key != "deep":
        assert kind_of(name, KINDS) == "text"
        assert value_of(name, values) == value
        assert replaced(f"<${{{{ {name} }}}}>", values) == f"<{value}>"
        assert absent_in(f"${{{{{name}}}}}", {"event.model.tags": {}, "event.model.tags.deep": {}}) == name


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("event.model", "model"),
        ("event.model.name", "text"),
        ("event.rate", "number"),
        ("event.model.tags", None),
        ("event.model.tags.", None),
        ("event.model.tags.stage", "text"),
        ("event.rate.x", None),
        ("event", None),
        ("", None),
        ("EVENT.MODEL", None),
    ],
)
def test_only_documented_names(name: str, kind: Kind | None) -> None:
    """A map alone is no value, and case counts."""
    assert kind_of(name, KINDS) == kind


def test_the_longest_map_that_fits_owns_a_name() -> None:
    """Also when the shorter one has such a key."""
    values: Values = {"event.model.tags": {"deep.x": "short"}, "event.model.tags.deep": {"x": "long"}}
    assert value_of("event.model.tags.deep.x", values) == "long"


def test_names_are_told_as_people_write_them() -> None:
    """A map with a place for its key."""
    assert known(KINDS)[2] == "event.model.tags.<key>"


@given(st.text(max_size=30), st.text(max_size=30))
def test_a_value_is_put_in_as_it_is(before: str, value: str) -> None:
    """Whatever the event says is no name, no template and no escape."""
    assume("$" not in before)
    values: Values = {"event.model.name": value, "event.rate": "0.5"}
    assert replaced(f"{before}${{{{event.model.name}}}}", values) == before + value


def test_samples_stand_for_each_kind() -> None:
    """What an input is tried with before there is an event."""
    text = "${{ event.model }} ${{ event.rate }} ${{ event.model.name }} ${{ event.model.tags.x }} ${{ unknown }}"
    assert tried(text, KINDS) == "azureml:sample:1 0.5 sample sample sample"
    assert list(names_in(text))[-1] == "unknown"
