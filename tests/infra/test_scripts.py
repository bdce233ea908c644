"""The scripts around the Bicep, with a stand-in for `az`; azd's file and the workflow name what is there."""

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
import yaml

import handlers
from tests.infra.compiler import INFRA, ROOT
from tests.infra.snapshots import ENVIRONMENTS

#: Answers with the first rule whose words are all in the command line, and writes every command line down.
AZ = """#!{python}
import json, os, sys
line = " ".join(sys.argv[1:])
with open(os.environ["AZ_LOG"], "a", encoding="utf-8") as log:
    log.write(json.dumps(sys.argv[1:]) + "\\n")
for words, answer, code in json.loads(os.environ["AZ_ANSWERS"]):
    if all(word in line for word in words):
        sys.stdout.write(answer)
        raise SystemExit(code)
"""
WORKSPACE = "/subscriptions/s1/resourceGroups/rg-ml/providers/Microsoft.MachineLearningServices/workspaces/mlw"
DEPLOYED = [
    [["deployment group show", "| @"], '{"installation": "dev"}\n', 0],
    [["deployment group show", "| installation"], "dev\n", 0],
    [["group show", "--query location"], "westeurope\n", 0],
]
PUSH = [[["deployment group show", "| eventDelivery"], "push\n", 0]]
QUEUE = [[["deployment group show", "| eventDelivery"], "queue\n", 0]]

type Run = Callable[..., tuple[subprocess.CompletedProcess[str], list[list[str]]]]


@pytest.fixture
def run(tmp_path: Path) -> Run:
    """Give a way to run a script with answers of `az`; returns how it ended, and the command lines it gave."""
    stub = tmp_path / "az"
    stub.write_text(AZ.format(python=sys.executable), encoding="utf-8")
    stub.chmod(0o755)

    def started(
        script: str, *arguments: str, answers: Sequence[Any], **environ: str
    ) -> tuple[subprocess.CompletedProcess[str], list[list[str]]]:
        log = tmp_path / "az.log"
        log.write_text("", encoding="utf-8")
        env = {"PATH": f"{tmp_path}{os.pathsep}/usr/bin{os.pathsep}/bin", "AZ_LOG": str(log), "REACTOR_WAIT": "0"}
        ended = subprocess.run(
            ["/bin/sh", str(INFRA / script), *arguments],
            env={**env, "AZ_ANSWERS": json.dumps(answers), **environ},
            capture_output=True,
            text=True,
            stdin=subprocess.DEVNULL,
            timeout=60,
            check=False,
        )
        return ended, [json.loads(line) for line in log.read_text(encoding="utf-8").splitlines()]

    return started


def test_subscribing_deploys_what_the_first_deployment_told(run: Run) -> None:
    """With its one output as the one parameter."""
    ended, calls = run("subscribe.sh", "rg-reactor", answers=[*DEPLOYED, *PUSH])
    assert (ended.returncode, ended.stdout) == (0, "subscribed\n")
    (deployed,) = [call for call in calls if call[:3] == ["deployment", "sub", "create"]]
    assert 'push={"installation": "dev"}' in deployed
    assert Path(deployed[deployed.index("--template-file") + 1]).resolve() == INFRA / "subscriptions.bicep"
    assert deployed[deployed.index("--location") + 1] == "westeurope"


def test_as_a_hook_of_azd_it_asks_nothing(run: Run) -> None:
    """Everything is in variables."""
    values = {"PUSH": "{}", "EVENT_DELIVERY": "push", "INSTALLATION": "dev", "AZURE_LOCATION": "northeurope"}
    ended, calls = run("subscribe.sh", answers=[], **values)
    assert ended.returncode == 0
    assert [call[:3] for call in calls] == [["deployment", "sub", "create"]]


def test_a_queue_is_subscribed_already(run: Run) -> None:
    """Nothing is deployed a second time."""
    ended, calls = run("subscribe.sh", "rg-reactor", answers=[*DEPLOYED, *QUEUE])
    assert ended.returncode == 0
    assert not [call for call in calls if "create" in call]


def test_functions_that_are_not_there_yet(run: Run) -> None:
    """It tries five times, and then says what to look at."""
    ended, calls = run("subscribe.sh", "rg-reactor", answers=[*DEPLOYED, *PUSH, [["sub create"], "", 1]])
    assert len([call for call in calls if "create" in call]) == 5
    assert ended.returncode == 1
    assert "az functionapp function list" in ended.stderr


@pytest.mark.parametrize("script", ["subscribe.sh", "teardown.sh"])
def test_without_a_deployment(script: str, run: Run) -> None:
    """No group, or a group without a deployment of ours: said, with what to do."""
    assert "RESOURCE_GROUP" in run(script, answers=[])[0].stderr
    ended, _calls = run(script, "rg-other", answers=[])
    assert ended.returncode == 1
    assert "deploy infra/main.bicep first" in ended.stderr


def installed(*, owner: str = "dev", left: str = "0") -> list[Any]:
    """Return the answers about an installation with one workspace."""
    ours = [[["event-subscription show", f"reactor-dev-{family.name}"], "", 0] for family in handlers.PUSHED]
    return [
        *DEPLOYED,
        *PUSH,
        [["functionapp list"], "func-reactor\n", 0],
        [["appsettings list"], f"{WORKSPACE}\n", 0],
        [["identity list"], "principal-1\n", 0],
        [["system-topic list"], f"/subscriptions/s1/other\tforeign\trg-x\n{WORKSPACE.upper()}\tevgt-mlw\trg-ml\n", 0],
        *ours,
        [["event-subscription show"], "", 3],
        [["metrics alert list"], "reactor-dev-evgt-mlw-event-grid-dropped\n", 0],
        [["system-topic show"], f"{owner}\n", 0],
        [["event-subscription list"], f"{left}\n", 0],
        [["role assignment list"], f"{WORKSPACE}/providers/Microsoft.Authorization/roleAssignments/a1\n", 0],
        [["role definition list"], "r1\n", 0],
    ]


def deleted(calls: list[list[str]]) -> list[str]:
    """Return what was deleted, in order."""
    return [
        call[call.index("--ids" if "--ids" in call else "--name") + 1].rpartition("/")[2]
        for call in calls
        if "delete" in call
    ]


def test_teardown_removes_what_is_ours(run: Run) -> None:
    """Subscriptions, alerts, the topic, the role in the workspace and its definition; no topic of another source."""
    ended, calls = run("teardown.sh", "rg-reactor", "--yes", answers=installed())
    assert ended.returncode == 0, ended.stderr
    families = [f"reactor-dev-{family.name}" for family in handlers.PUSHED]
    assert deleted(calls) == [*families, "reactor-dev-evgt-mlw-event-grid-dropped", "evgt-mlw", "a1", "r1"]
    assert "az group delete --name rg-reactor" in ended.stdout


@pytest.mark.parametrize(("owner", "left"), [("prod", "0"), ("", "0"), ("dev", "2")])
def test_teardown_leaves_what_others_use(owner: str, left: str, run: Run) -> None:
    """A topic of another installation, of nobody, or with other listeners stays."""
    ended, calls = run("teardown.sh", "rg-reactor", "--yes", answers=installed(owner=owner, left=left))
    assert ended.returncode == 0
    assert "evgt-mlw" not in deleted(calls)
    assert "left the system topic evgt-mlw" in ended.stdout


def test_teardown_asks_first(run: Run) -> None:
    """Without the name of the installation, or an answer, nothing is removed."""
    ended, calls = run("teardown.sh", "rg-reactor", answers=installed())
    assert ended.returncode != 0
    assert deleted(calls) == []


def test_azd_finds_what_it_runs() -> None:
    """The template, the hooks, and the app by its tag."""
    project = yaml.safe_load((ROOT / "azure.yaml").read_text(encoding="utf-8"))
    assert (ROOT / project["infra"]["path"] / f"{project['infra']['module']}.bicepparam").is_file()
    (service,) = project["services"]
    assert f"'azd-service-name': '{service}'" in (INFRA / "main.bicep").read_text(encoding="utf-8")
    for hook in project["hooks"].values():
        for shell in hook.values():
            assert os.access(ROOT / shell["run"].removeprefix("sh "), os.X_OK)


def test_the_workflow_trusts_little() -> None:
    """Actions by commit, no permission but what a job needs, no secret; environments and files that are there."""
    text = (ROOT / ".github" / "workflows" / "deploy.yml").read_text(encoding="utf-8")
    workflow = yaml.safe_load(text)
    assert workflow["permissions"] == {}
    used = [step["uses"] for job in workflow["jobs"].values() for step in job["steps"] if "uses" in step]
    assert [one for one in used if not re.fullmatch(r"[\w-]+/[\w-]+@[0-9a-f]{40}", one)] == []
    for name, job in workflow["jobs"].items():
        assert job["timeout-minutes"] <= 60
        wanted = {"contents": "read"} if name == "lint" else {"contents": "read", "id-token": "write"}
        assert job["permissions"] == wanted
        for step in job["steps"]:  # what a pull request says is never part of a command
            assert "${{" not in step.get("run", "")
    assert "secrets." not in text
    assert workflow[True]["workflow_dispatch"]["inputs"]["environment"]["options"] == list(ENVIRONMENTS)
    for path in re.findall(r"infra/[\w/.-]+\.(?:sh|bicep)\b", text):
        assert (ROOT / path).is_file(), path


def test_scripts_are_read_by_any_shell() -> None:
    """POSIX, and executable."""
    for path in INFRA.glob("*.sh"):
        subprocess.run(["/bin/sh", "-n", str(path)], check=True, timeout=10)
