"""Bar 4: one fact told many times, in whatever form, is one event."""

from collections.abc import Callable
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.fakes.events import sample
from tests.faults.figures import Figures
from tests.faults.simulation import Simulation

COUNTS = {"tellings": 0, "facts": 0}
SPELLINGS: tuple[Callable[[str], str], ...] = (str.lower, str.upper, str.title, str.capitalize, str)
CASES = st.sampled_from(SPELLINGS)
#: Facts, each with the statuses that tell it.
FACTS = st.sampled_from(["model-registered", "monitor-breach", "pipeline-failed", "dataset-drift"])


@st.composite
def telling(draw: st.DrawFn, name: str) -> dict[str, Any]:
    """Draw a way to tell the fact of a sample."""
    event = sample(name)
    case = draw(CASES)
    data = {case(key): value for key, value in event["data"].items()}
    if name == "model-registered" and draw(st.booleans()):
        data[case("modelVersion")] = 7
    if name == "monitor-breach" and draw(st.booleans()):
        event = sample("monitor-breach.run-completed")
        data = {case(key): value for key, value in event["data"].items()}
    topic = draw(CASES)(event["topic"])
    event_id = draw(st.uuids()).hex
    time = draw(st.datetimes()).isoformat()
    if draw(st.booleans()):
        return {
            "id": event_id,
            "topic": topic,
            "subject": "",
            "eventType": event["eventType"],
            "eventTime": time,
            "data": data,
        }
    key = draw(st.sampled_from(["specversion", "specVersion"]))
    return {"id": event_id, "source": topic, "type": event["eventType"], "time": time, "data": data, key: "1.0"}


@settings(max_examples=150, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])
@given(st.data())
def test_tellings_do_not_matter(data: st.DataObject) -> None:
    """Another id, schema, key case, time, type of version, status: one effect."""
    name = data.draw(FACTS)
    tellings = data.draw(st.lists(telling(name), min_size=1, max_size=6))
    simulation = Simulation()
    for event in tellings:
        simulation.enqueue(event)
    simulation.run()
    assert len(simulation.jobs.puts) + len(simulation.mail.posts) == 1
    assert len([key for key in simulation.rows() if key.startswith("event|")]) == 1
    COUNTS["tellings"] += len(tellings)
    COUNTS["facts"] += 1


def test_figures(figures: Figures) -> None:
    """Run the property once more for the page's sake: as many effects as facts."""
    COUNTS.update(tellings=0, facts=0)
    test_tellings_do_not_matter()
    figures.record("4", **COUNTS, effects=COUNTS["facts"])
    assert COUNTS["tellings"] > COUNTS["facts"] > 0
