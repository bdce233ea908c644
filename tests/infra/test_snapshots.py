"""What each environment deploys is committed, and is what is deployed."""

from typing import Any

import pytest

from tests.infra.conftest import Evaluate
from tests.infra.evaluated import Evaluated
from tests.infra.snapshots import ENVIRONMENTS, FOLDER, text

REMEDY = "run `python -m tests.infra.snapshots`, look at the difference, and commit it"


def committed(name: str) -> str:
    """Return the snapshot of an environment as it is committed."""
    return (FOLDER / f"{name}.snapshot.json").read_text(encoding="utf-8")


@pytest.mark.parametrize("name", ENVIRONMENTS)
def test_snapshots_are_fresh(name: str, environment: Evaluate) -> None:
    """A reviewer sees what a change of the Bicep does to every environment."""
    assert text(environment(name).snapshot) == committed(name), REMEDY


def test_the_second_deployment_is_fresh(pushed: Evaluated) -> None:
    """And so is what push adds after the code."""
    assert text(pushed.snapshot) == committed("dev.subscriptions"), REMEDY


def test_every_environment_has_one() -> None:
    """No parameters file without a snapshot, no snapshot without a parameters file."""
    files = {path.stem for path in FOLDER.glob("*.bicepparam")} - {"base"}
    assert files == set(ENVIRONMENTS)
    snapshots = {path.name.partition(".snapshot")[0] for path in FOLDER.glob("*.snapshot.json")}
    assert snapshots == files | {"dev.subscriptions"}


def test_the_order_of_the_compiler_does_not_matter() -> None:
    """It changes from run to run."""
    one: Any = {"id": "/a", "type": "t"}
    two: Any = {"id": "/b", "type": "t", "properties": {"serializedData": '{"items": []}'}}
    first = {"predictedResources": [one, two], "outputs": {"x": 1, "y": 2}, "diagnostics": []}
    second = {"predictedResources": [two, one], "outputs": {"y": 2, "x": 1}, "diagnostics": []}
    assert text(first) == text(second)
    assert '"items": []' in text(first)
