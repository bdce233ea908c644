"""The text of a breach: read as far as it goes, whatever it holds and wherever it was cut off."""

import json
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from handlers.breach import OBJECTS, Breach, is_better, read_breach
from shared.notices import Measurement

HEAD = (
    "The signal '{}' has failed due to one or more features violating metric thresholds.\n"
    "The feature names and their corresponding computed metric values violating the threshold are \n"
)
ODD = st.sampled_from(
    [*"'\"\\{}[],: \n\t\0", "\\'", '\\"', "é", "\u2028", "\U0001f40d", "\\u00e9", "', '", "metric_name"]
)
NAMES = st.lists(st.one_of(ODD, st.characters(exclude_categories=["Cs"])), min_size=1, max_size=12).map("".join)
NUMBERS = st.one_of(st.none(), st.floats(allow_nan=False, allow_infinity=False), st.integers(-(10**6), 10**6))


@st.composite
def items(draw: st.DrawFn) -> dict[str, Any]:
    """Draw one object of the list; the order of its keys differs between versions of the component."""
    item = {"metric_value": draw(NUMBERS), "metric_name": draw(NAMES), "threshold_value": draw(NUMBERS)}
    if draw(st.booleans()):
        item["group"] = draw(NAMES)
    item = {key: value for key, value in item.items() if value is not None}
    return {key: item[key] for key in draw(st.permutations(list(item)))}


def told(listed: list[dict[str, Any]], signal: str = "churn_data_drift") -> str:
    """Write a breach as the component does: a Python list of JSON texts."""
    texts = [json.dumps(item, ensure_ascii=len(listed) % 2 == 0, separators=(",", ":")) for item in listed]
    return f"{HEAD.format(signal)}{texts}\n"


def measured(item: dict[str, Any]) -> Measurement:
    """Return what should be read of one object."""
    name, value, threshold = item["metric_name"], item.get("metric_value"), item.get("threshold_value")
    return Measurement(
        metric=name,
        feature=item.get("group", ""),
        value=None if value is None else float(value),
        threshold=None if threshold is None else float(threshold),
        better=is_better(name, value, threshold),
    )


@given(st.lists(items(), max_size=4))
def test_all_of_it_is_read(listed: list[dict[str, Any]]) -> None:
    """Quotes, backslashes, braces and line ends in names; numbers of any size; objects without a feature."""
    expected = tuple(measured(item) for item in listed)
    assert read_breach(told(listed)) == Breach(signal="churn_data_drift", measurements=expected, whole=True)


@given(st.lists(items(), min_size=1, max_size=3), st.data())
def test_a_text_that_was_cut_off_yields_what_comes_before(listed: list[dict[str, Any]], data: st.DataObject) -> None:
    """All measurements up to the cut, of which the last may lack something, never have anything else."""
    text = told(listed)
    cut = text[: data.draw(st.integers(0, len(text)))]
    breach = read_breach(cut)
    expected = tuple(measured(item) for item in listed)
    count = len(breach.measurements)
    assert breach.measurements[:-1] == expected[: max(count - 1, 0)]
    if count:
        last, full = breach.measurements[-1], expected[count - 1]
        assert last.metric == full.metric
        assert (last.feature in {"", full.feature}, last.value in {None, full.value}) == (True, True)
        assert last.threshold in {None, full.threshold}
    assert breach.whole is (len(cut) >= len(text) - 1)
    assert breach.signal in {"", "churn_data_drift"}


@given(
    st.one_of(
        st.text(st.characters(exclude_categories=())), st.lists(ODD).map(lambda parts: HEAD + "['{" + "".join(parts))
    )
)
@example("[{" * 1000)
@example("The signal 'x' has failed [" + '{"a":' * 1000)
@example(HEAD + "['" + "\\Uffffffff\\ud800" + "']")
def test_nothing_makes_it_raise(text: str) -> None:
    """And whatever it reads can be written as JSON."""
    for one in read_breach(text).measurements:
        assert (one.metric + one.feature).encode()


@pytest.mark.parametrize(
    ("listed", "expected"),
    [
        ("""['{"metric_name":"A","metric_value":"3.0","threshold_value":"x"}']""", [("A", "", 3.0, None)]),
        ("""['{"metric_name":"A","metric_value":NaN,"threshold_value":1e999}']""", [("A", "", None, None)]),
        ("""['{"metric_value":1,"group":"no name"}', '{"metric_name":"B"}']""", [("B", "", None, None)]),
        ("""[{"metric_name": "A", "group": "bare"}]""", [("A", "bare", None, None)]),
        ("""["{\\"metric_name\\":\\"A\\",\\"group\\":\\"it's\\"}"]""", [("A", "it's", None, None)]),
        ("""['{"metric_name":"A","metric_value":0.41,"threshold_value":0.2', '{"metric_name":"B"}']""",
         [("A", "", 0.41, None), ("B", "", None, None)]),
        ("""['{"metric_name":"A","metric_value":0.4""", [("A", "", None, None)]),
        ("""['{"metric_name":"A","metric_value":0.4,""", [("A", "", 0.4, None)]),
        ("""['{"metric_name":"A\\\\q"}']""", [("A\\q", "", None, None)]),
        ("""['{"metric_name":"A\\ud800"}']""", [("A?", "", None, None)]),
        ("[]", []),
        ("", []),
    ],
)  # fmt: skip
def test_what_is_read_of_odd_lists(listed: str, expected: list[tuple[str, str, float | None, float | None]]) -> None:
    """Numbers as text, no numbers, no name, other quotes, an object without its end."""
    found = read_breach(HEAD.format("x") + listed).measurements
    assert [(one.metric, one.feature, one.value, one.threshold) for one in found] == expected


def test_a_name_is_not_taken_for_the_list() -> None:
    """A signal's name may have brackets and braces."""
    breach = read_breach(told([{"metric_name": "A"}], signal='a[{"metric_name":"no"}]_data_drift'))
    assert (breach.signal, [one.metric for one in breach.measurements]) == ('a[{"metric_name":"no"}]_data_drift', ["A"])


@pytest.mark.parametrize(
    ("listed", "whole"),
    [
        ("""['{"metric_name":"A"}']\n""", True),
        ("""["{\\"metric_name\\":\\"A\\"}"]""", True),
        ("[]", True),
        ("""['{"metric_name":"A"}', """, False),
        ("""['{"metric_name":"A"}'""", False),
        ("""['{"metric_name":"A", '{"metric_name":"B"}']""", False),
        ("""['{"metric_name":"A"}', '{"metric_na']""", False),
        ("", False),
    ],
)
def test_whether_the_list_is_whole(listed: str, whole: bool) -> None:  # noqa: FBT001 - a table
    """Only to its very end, with every object closed."""
    assert read_breach(HEAD.format("x") + listed).whole is whole


def test_a_long_list_takes_no_time() -> None:
    """As large as an event can be: features beyond any number that fits, or a megabyte of what opens and never ends."""
    many = read_breach(told([{"metric_name": "A", "group": f"feature-{number}"} for number in range(20_000)]))
    assert (len(many.measurements), many.whole) == (OBJECTS, False)
    for piece in ('"', "{", '{"a":"', "\\", "[{", '{"a":1,', "\\'"):
        read_breach(HEAD.format("x") + "['" + piece * (1_000_000 // len(piece)))


@pytest.mark.parametrize(
    ("metric", "value", "threshold", "better"),
    [
        ("Accuracy", 0.93, 0.9, True),
        ("Accuracy", 0.9, 0.9, True),
        ("Accuracy", 0.87, 0.9, False),
        ("accuracy", 0.93, 0.9, True),
        ("f1_score", 0.93, 0.9, True),
        ("RootMeanSquaredError", 12.0, 10.0, False),
        ("RootMeanSquaredError", 8.0, 10.0, True),
        ("MAE", 10.0, 10.0, True),
        ("PopulationStabilityIndex", 0.41, 0.2, False),
        ("TwoSampleKolmogorovSmirnovTest", 0.01, 0.05, False),
        ("TwoSampleKolmogorovSmirnovTest", 0.5, 0.05, True),
        ("AggregatedFluencyPassRate", 0.5, 0.7, False),
        ("AMetricOfTomorrow", 0.93, 0.9, False),
        ("AMetricOfTomorrow", 0.87, 0.9, False),
        ("Accuracy", None, 0.9, False),
        ("Accuracy", 0.93, None, False),
    ],
)
def test_the_good_side(metric: str, value: float | None, threshold: float | None, better: bool) -> None:  # noqa: FBT001 - a table
    """Value and threshold are compared again; of what is not known nothing good is said."""
    assert is_better(metric, value, threshold) is better
