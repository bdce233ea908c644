"""`python -m ops doctor` on the stand-in for Azure: nothing is wrong in a good installation, each flaw is found."""

import json
import shutil
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from azure.identity import ManagedIdentityCredential
from typer.testing import CliRunner

from local.azure import Fault, StandIn
from local.azure.clock import now
from local.azure.identity import CLIENT_ID
from ops.__main__ import app
from ops.doctor.arm import Arm
from ops.doctor.look import Look
from ops.doctor.registry import CHECKS
from ops.doctor.storage import queue_ids
from ops.doctor.traffic import clock
from shared.switches import SWITCHES, Pause, write_pause, write_resumed
from shared.transport import build_transport
from tests.fakes.azure import stand_in
from tests.fakes.flaws import FLAWS, Flaw, with_endpoints
from tests.fakes.installation import (
    APP,
    PRINCIPAL,
    QUEUE_CONTRIBUTOR,
    STATE,
    TOPIC,
    TOPIC_PRINCIPAL,
    Installation,
    role_id,
)
from tests.markdown import ROOT

pytestmark = pytest.mark.xdist_group("ops-doctor")


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """What the doctor said: its exit code, and the findings by check."""

    code: int
    text: str
    findings: dict[str, list[dict[str, Any]]]

    def not_ok(self) -> dict[str, str]:
        """Return the checks that found something, with the worst they found."""
        order = ("unknown", "failed", "warning")
        worst = {name: {one["status"] for one in found} for name, found in self.findings.items()}
        return {name: next(one for one in order if one in found) for name, found in worst.items() if found - {"ok"}}


def doctor(*words: str) -> Told:
    """Run the command."""
    result = CliRunner().invoke(app, ["doctor", "--app", APP, "--folder", str(ROOT), "--json", *words])
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    findings: dict[str, list[dict[str, Any]]] = {}
    for finding in json.loads(result.stdout)["findings"]:
        findings.setdefault(finding["check"], []).append(finding)
    return Told(code=result.exit_code, text=result.stdout, findings=findings)


@pytest.fixture(scope="module")
def azure() -> Iterator[StandIn]:
    """A stand-in for all tests; each puts its installation there anew."""
    with pytest.MonkeyPatch.context() as patch, stand_in(patch) as running:
        yield running


@pytest.fixture(params=["push"])
def installation(azure: StandIn, request: pytest.FixtureRequest) -> Iterator[Installation]:
    """A good installation. At the end: whatever was asked was a read, of a URL that is known."""
    for store in (azure.deployed.resources, azure.deployed.settings, azure.deployed.totals):
        store.clear()
    azure.faults.clear()
    before = len(azure.journal.entries)
    yield Installation(azure, delivery=request.param)
    asked = [entry for entry in azure.journal.entries[before:] if entry.host.endswith(("azure.com", "windows.net"))]
    assert {entry.path.rpartition("/config/")[2] if entry.method == "POST" else entry.method for entry in asked} <= {
        "GET",
        "appsettings/list",
    }
    assert [entry.url for entry in asked if entry.unknown] == []


@pytest.mark.parametrize("installation", ["push", "queue"], indirect=True)
def test_a_good_installation_is_fine(installation: Installation) -> None:
    """Every check looks, and finds nothing; by push and by queue."""
    told = doctor()
    assert told.not_ok() == {}
    assert [*told.findings] == [check.name for check in CHECKS]
    assert told.code == 0
    assert {"management.azure.com", "streactor.queue.core.windows.net"} <= {
        entry.host for entry in installation.azure.journal.entries
    }
    assert installation.azure.journal.unknown() == ()


@pytest.mark.parametrize(
    ("check", "status", "flaw"), FLAWS, ids=[f"{name}-{number}" for number, (name, *_) in enumerate(FLAWS)]
)
def test_each_flaw_is_found(installation: Installation, check: str, status: str, flaw: Flaw) -> None:
    """By its own check, with a remedy, and the exit code that a pipeline acts on."""
    flaw(installation)
    told = doctor()
    assert told.not_ok().get(check) == status, told.text
    assert all(one["remedy"] for found in told.findings.values() for one in found if one["status"] != "ok")
    worst = set(told.not_ok().values())
    assert told.code == (1 if "failed" in worst else 2 if "unknown" in worst else 0)


#: Checks whose flaw is no other state of Azure; they have tests of their own below.
ELSEWHERE = {"settings-file", "job-files", "clock"}


def test_every_check_has_a_flaw() -> None:
    """None is there that nothing was seen to fail."""
    assert {name for name, *_ in FLAWS} | ELSEWHERE == {check.name for check in CHECKS}
    assert not {name for name, *_ in FLAWS} & ELSEWHERE


def test_settings_are_compared_with_a_file(installation: Installation, tmp_path: Path) -> None:
    """What differs and what is missing is named, its value is not."""
    file = tmp_path / "settings.json"
    values = {**installation.settings, "OPS_EMAIL": "other@example.com", "MORE": "secret-value"}
    file.write_text(json.dumps({"Values": values}))
    told = doctor("--settings", str(file))
    assert [one["told"].partition(" ")[0] for one in told.findings["settings-file"]] == ["OPS_EMAIL", "MORE"]
    assert told.code == 1
    assert "secret-value" not in told.text
    file.write_text(json.dumps({"Values": installation.settings}))
    assert doctor("--settings", str(file)).not_ok() == {}


def test_job_files_that_are_not_compiled(installation: Installation, tmp_path: Path) -> None:
    """Of the folder that is named."""
    assert installation.app
    shutil.copytree(ROOT / "pipelines", tmp_path / "pipelines")
    shutil.copy(ROOT / "reactions.yaml", tmp_path)
    shutil.copy(ROOT / "pipelines/retrain.yml", tmp_path / "pipelines/new.yml")
    assert doctor("--folder", str(tmp_path)).not_ok() == {"job-files": "warning"}
    (tmp_path / "reactions.yaml").write_text("reactions: []\n")
    assert doctor("--folder", str(tmp_path)).not_ok()["reactions"] == "warning"


@pytest.mark.usefixtures("installation")
@pytest.mark.parametrize(("off", "status"), [(timedelta(minutes=-6), "warning"), (timedelta(minutes=4), "ok")])
def test_a_clock_that_is_off(off: timedelta, status: str) -> None:
    """More than five minutes, either way."""
    with build_transport() as transport:
        look = Look(
            app=APP,
            folder=ROOT,
            expected={},
            arm=Arm(transport=transport, credential=ManagedIdentityCredential(client_id=CLIENT_ID)),
            transport=transport,
            credential=lambda: ManagedIdentityCredential(client_id=CLIENT_ID),
            now=lambda: now() + off,
        )
        assert [finding.status for finding in clock(look)] == [status]


#: What may not be read, the checks that cannot look then, and what the remedy has to name.
HIDDEN = [
    (Fault(url="/roleAssignments", status=403, times=None), "role-table", "the role Reader on"),
    (Fault(url="appsettings/list", status=403, times=None), "settings", "Microsoft.Web/sites/config/list/action"),
    (Fault(url="systemTopics", status=401, times=None), "topics", "az login"),
    (Fault(url="systemTopics", status=429, times=None), "topics", "try again"),
    (Fault(url="systemTopics", status=503, times=None), "topics", "try again"),
    (Fault(url="systemTopics", drop="before", times=None), "topics", "network"),
    (Fault(url="systemTopics", status=200, body={"value": [1]}, times=None), "topics", "tell the maintainers"),
    (Fault(url="systemTopics", status=200, body=b"<html>", times=None), "topics", "try again"),
    (
        Fault(url="systemTopics", status=200, body={"value": [], "nextLink": "https://elsewhere.example/"}, times=None),
        "topics",
        "tell the maintainers",
    ),
    (Fault(url="/sites/func-reactor\\?", status=404, times=None), "app-running", "az functionapp show"),
    (Fault(url="streactor.queue", status=403, times=None), "poison", "Storage Queue Data Reader"),
    (Fault(url="streactor.table", status=403, times=None), "last-event", "Storage Table Data Reader"),
    (Fault(url="streactor.blob", status=403, times=None), "dead-letters", "Storage Blob Data Reader"),
    (Fault(url="streactor.blob", status=500, times=None), "dead-letters", "try again"),
    (Fault(url="/msi/token", status=500, times=None), "app-running", "az login"),
]


@pytest.mark.parametrize(("fault", "check", "remedy"), HIDDEN)
def test_what_cannot_be_looked_at(installation: Installation, fault: Fault, check: str, remedy: str) -> None:
    """It is told with the right that is needed, nothing else is called wrong, and the exit code says so."""
    installation.azure.faults.add(fault)
    told = doctor()
    assert told.findings[check][-1]["status"] == "unknown"
    assert remedy in told.findings[check][-1]["remedy"]
    assert set(told.not_ok().values()) == {"unknown"}
    assert told.code == 2


def test_settings_of_a_file_stand_in_for_those_that_may_not_be_listed(
    installation: Installation, tmp_path: Path
) -> None:
    """Then everything else can be looked at by a reader."""
    file = tmp_path / "settings.json"
    file.write_text(json.dumps({"Values": installation.settings}))
    installation.azure.faults.add(Fault(url="appsettings/list", status=403, times=None))
    assert doctor("--settings", str(file)).not_ok() == {"settings-file": "unknown"}


def test_a_check_without_anything_to_look_at_says_so(installation: Installation) -> None:
    """It does not go missing among those that are fine."""
    installation.remove(TOPIC)
    told = doctor()
    assert told.not_ok()["topics"] == "failed"
    assert told.not_ok()["event-types"] == "unknown"
    assert [*told.findings] == [check.name for check in CHECKS]


def test_pauses_in_force_are_told_as_they_are(installation: Installation) -> None:
    """Who paused what, and how it ends; a switch that was turned back is none."""
    when = datetime(2026, 11, 24, 9, tzinfo=UTC)
    switches: dict[str, Mapping[str, str | int]] = {
        "retrain": write_pause(Pause(reaction="retrain", by="ada", at=when, note="review")),
        "*": write_pause(Pause(reaction="*", by="bo", at=when)),
        "offline-test": write_resumed(by="ada", at=when),
    }
    installation.contents.rows += [
        {"PartitionKey": SWITCHES, "RowKey": f"pause|{name}", "Timestamp": now().isoformat(), **values}
        for name, values in switches.items()
    ]
    told = doctor().findings["pauses"]
    assert [one["told"] for one in told] == [
        "retrain: paused by ada since 2026-11-24 09:00:00Z: review",
        "all reactions paused by bo since 2026-11-24 09:00:00Z",
    ]
    assert [one["remedy"] for one in told] == [
        "python -m ops resume retrain --account streactor",
        "python -m ops resume --all --account streactor",
    ]


def test_lists_go_on_page_by_page(installation: Installation) -> None:
    """The topic of the second page is seen."""
    page: dict[str, object] = {"value": [], "nextLink": f"https://management.azure.com{TOPIC}/more?api-version=1"}
    installation.azure.faults.add(Fault(url="systemTopics\\?", status=200, body=page, times=None))
    installation.azure.faults.add(
        Fault(url="/more", status=200, body={"value": [installation.topic]}, times=None),
    )
    assert doctor().not_ok() == {}


def test_a_role_through_a_wider_scope_and_with_an_exception(installation: Installation) -> None:
    """A role on the account counts for its queues; one that takes the action away again does not."""
    for scope in queue_ids(STATE):
        installation.take_away(PRINCIPAL, scope)
    installation.assign(PRINCIPAL, QUEUE_CONTRIBUTOR, STATE)
    assert doctor().not_ok() == {}
    role = installation.deployed.resources[role_id(QUEUE_CONTRIBUTOR).casefold()]
    role["properties"]["permissions"][0]["notDataActions"] = ["*/messages/write"]
    assert doctor().not_ok() == {"role-queues": "failed"}


@pytest.mark.parametrize("installation", ["queue"], indirect=True)
def test_a_topic_that_may_not_put_events_into_the_queue(installation: Installation) -> None:
    """Its other role does not help."""
    installation.take_away(TOPIC_PRINCIPAL, queue_ids(STATE)[0])
    told = doctor()
    assert told.not_ok() == {"role-topics": "failed"}
    assert "Storage Queue Data Message Sender" in told.text


@pytest.mark.parametrize("installation", ["queue"], indirect=True)
def test_a_message_that_expires(installation: Installation) -> None:
    """An outage longer than that would lose it."""
    found = installation.subscriptions["reactor-queue"]["properties"]["deliveryWithResourceIdentity"]
    found["destination"]["properties"]["queueMessageTimeToLiveInSeconds"] = 604800
    assert doctor().not_ok() == {"retries": "warning"}


def test_a_closed_account_with_private_endpoints(installation: Installation) -> None:
    """The app in the network, Event Grid as a trusted service: fine."""
    with_endpoints(installation)
    assert doctor().not_ok() == {}
    waiting = installation.account["properties"]["privateEndpointConnections"][0]["properties"]
    waiting["privateLinkServiceConnectionState"] = {"status": "Pending"}
    assert doctor().not_ok() == {"storage-network": "failed"}


def test_people_read_remedies(installation: Installation) -> None:
    """Group by group, the remedy under its finding, hostile text escaped, the counts last."""
    installation.app["properties"]["state"] = "\x1b[2JStopped"
    result = CliRunner().invoke(app, ["doctor", "--app", APP, "--folder", str(ROOT)], env={"COLUMNS": "80"})
    first, line, remedy, *_, last = result.stdout.splitlines()
    assert first == "function app"
    assert line.startswith("  failed   app-running")
    assert "\\x1b[2JStopped" in line
    assert remedy.strip() == f"-> az functionapp start --ids {APP}"
    assert last.endswith(" ok, 1 failed")
    assert result.exit_code == 1


@pytest.mark.parametrize("words", [("--app", "func-reactor"), (), ("--app", APP, "--settings", "no-such-file")])
def test_wrong_usage_is_2(words: tuple[str, ...]) -> None:
    """Before anything is asked."""
    result = CliRunner().invoke(app, ["doctor", *words], env={"AZURE_FUNCTION_APP_ID": None})
    assert result.exit_code == 2
    assert result.stderr
