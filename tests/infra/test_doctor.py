"""The doctor and the infrastructure agree: it finds nothing wrong in what an environment deploys."""

import json

import pytest
from typer.testing import CliRunner

from ops.__main__ import app
from ops.doctor.registry import CHECKS
from tests.fakes.azure import stand_in
from tests.fakes.environment import deploy
from tests.markdown import ROOT


@pytest.mark.parametrize("snapshots", [("dev", "dev.subscriptions"), ("test",), ("prod",)], ids=lambda names: names[0])
def test_an_environment_is_fine(snapshots: tuple[str, ...], monkeypatch: pytest.MonkeyPatch) -> None:
    """Its settings, roles, topics, subscriptions, accounts, mail: pushed, queued, and private with three workspaces."""
    with stand_in(monkeypatch) as azure:
        app_id, _outputs = deploy(azure, *snapshots)
        result = CliRunner().invoke(app, ["doctor", "--app", app_id, "--folder", str(ROOT), "--json"])
        findings = json.loads(result.stdout)["findings"]
        assert [one for one in findings if one["status"] != "ok"] == []
        assert {one["check"] for one in findings} == {check.name for check in CHECKS}
        assert azure.journal.unknown() == ()


def test_before_the_second_deployment_no_event_comes(monkeypatch: pytest.MonkeyPatch) -> None:
    """Push without its subscriptions is what the doctor is for."""
    with stand_in(monkeypatch) as azure:
        app_id, _outputs = deploy(azure, "dev")
        result = CliRunner().invoke(app, ["doctor", "--app", app_id, "--folder", str(ROOT), "--json"])
        failed = {one["check"] for one in json.loads(result.stdout)["findings"] if one["status"] == "failed"}
        assert failed == {"subscriptions"}
        assert result.exit_code == 1
