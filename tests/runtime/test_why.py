"""Every decision of the demo's story can be asked for with `ops why`; and the README shows what it says."""

import re
from collections.abc import Iterator

import pytest

from local.story import ACTS, PACE
from local.twin import Twin
from ops.connection import connected
from ops.standing import Standing, standing_of
from shared.settings import StateStorage
from tests.fakes.project import Said, ops
from tests.markdown import ROOT, blocks

pytestmark = pytest.mark.xdist_group("demo")


@pytest.fixture(scope="module")
def twin() -> Iterator[Twin]:
    """Return the twin after the story."""
    with Twin() as twin:
        twin.workspace.life.pace = PACE
        for act in ACTS:
            act.play(twin)
            twin.quiet()
        yield twin


def ask(twin: Twin, *words: str) -> Said:
    """Run a command on the twin's state."""
    return ops(*words, StateStorage=twin.host._environ["StateStorage"], WORKSPACES=twin.workspace.id)


@pytest.fixture(scope="module")
def standings(twin: Twin) -> list[Standing]:
    """Return all events on record."""
    with connected(StateStorage(connection_string=twin.host._environ["StateStorage"])) as state:
        return [standing_of(stored) for page in state.rows.events() for stored in page]


def test_every_decision_can_be_asked_for(twin: Twin, standings: list[Standing]) -> None:
    """By event id, label, job and mail; decision, reason and effect are those on record, with the job's page."""
    assert len(standings) == 4 + 3, "what happened in the workspace, and the ends of three jobs"
    for standing in standings:
        names = [action.name for action in standing.actions if action.name]
        for word in (standing.event_id, standing.label, *names):
            said = ask(twin, "why", word, "--json")
            told = {
                (one["name"], one["decision"], one["reason"], one["effect"], one["state"])
                for event in said.document["events"]
                if event["row"] == standing.row
                for one in event["reactions"]
            }
            assert (said.code, told) == (
                0,
                {(one.key, one.decision, one.reason, one.name or None, one.state) for one in standing.actions},
            )
        for action in standing.actions:
            assert action.state == "done"
            assert (action.kind == "job") == action.link.startswith(f"https://ml.azure.com/runs/{action.name}?wsid=")


def test_what_only_the_log_knows_is_said_to_be_unknown(twin: Twin) -> None:
    """The event of a workspace that is not ours: nothing on record, and the first thing to check is the workspace."""
    said = ask(twin, "why", "churn:7", "--workspace", "mlw-somebody-else")
    assert said.code == 1
    assert said.out.splitlines()[0] == "Nothing is on record about 'churn:7'."
    assert "1. mlw-somebody-else is none of WORKSPACES (mlw-churn): its events are skipped" in said.out


def test_history_tells_all(twin: Twin, standings: list[Standing]) -> None:
    """Newest first, each once."""
    said = ask(twin, "history", "--json")
    assert {one["row"] for one in said.document["events"]} == {one.row for one in standings}
    times = [one["event_time"] for one in said.document["events"]]
    assert times == sorted(times, reverse=True)


def timeless(text: str) -> str:
    """Return a transcript without times, durations, ids and how much white space there is at line ends."""
    text = re.sub(r"[0-9]{4}-[0-9]{2}-[0-9]{2} [0-9]{2}:[0-9]{2}(:[0-9]{2})?", "TIME", text)
    text = re.sub(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", "ID", text)
    text = re.sub(r"[0-9]+ s after", "n s after", text)
    text = re.sub(r"wsid=[^ \n]*", "wsid=…", text)
    return "\n".join(line.rstrip() for line in text.strip().splitlines())


def test_the_readme_shows_it(twin: Twin) -> None:
    """Each transcript of `ops why` is what the command says."""
    shown = [block.text for block in blocks((ROOT / "README.md").read_text(encoding="utf-8"))]
    commands = [text.split("ops why ")[1].split()[0] for text in shown if "ops why " in text and text.startswith("$")]
    assert commands
    for word in commands:
        told = shown[next(n for n, text in enumerate(shown) if f"ops why {word}" in text and text.startswith("$")) + 1]
        assert timeless(told) == timeless(ask(twin, "why", word).out)
