"""The workspace of the samples and the story, and what is registered in it."""

import os
import re
from pathlib import Path
from typing import TypedDict

from local.azure import StandIn, Workspace
from local.samples import all_samples

PIPELINES = Path(__file__).parents[1] / "pipelines"
#: Those of the demo alone, which are not deployed.
OURS = Path(__file__).with_name("pipelines")
#: Where a compiled job file refers to what must be registered.
ASSET = re.compile(r"/(components|data|environments)/([^/\"]+)/versions/([^/\"]+)")


class WorkspaceName(TypedDict):
    """The parts of a workspace's ARM id."""

    name: str
    group: str
    subscription: str


#: The workspace of the samples and of the story.
WORKSPACE = WorkspaceName(name="mlw-churn", group="rg-churn", subscription="11111111-2222-3333-4444-555555555555")


def workspace_id(name: WorkspaceName = WORKSPACE) -> str:
    """Return the ARM id."""
    return (
        f"/subscriptions/{name['subscription']}/resourceGroups/{name['group']}"
        f"/providers/Microsoft.MachineLearningServices/workspaces/{name['name']}"
    )


def furnish(workspace: Workspace, pipelines: Path = PIPELINES) -> None:
    """Register what the compiled job files refer to, and the models of the samples; a team's own files as well."""
    for template in sorted(path for folder in (pipelines, OURS) for path in (folder / "compiled").glob("*.json")):
        for kind, name, version in ASSET.findall(template.read_text()):
            workspace.register(kind, f"{name}:{version}")
    for event in all_samples():
        data = {key.casefold(): value for key, value in event["data"].items()}
        if event.get("topic", event.get("source")) == workspace.id and "modelname" in data:
            workspace.register("models", f"{data['modelname']}:{data['modelversion']}")


def app_settings(azure: StandIn, workspace: Workspace, storage: str) -> dict[str, str]:
    """Return an app's whole environment: the app settings as infrastructure sets them, but for where Azure is.

    *storage* is the connection string of its state.
    """
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG", "PYTHONPATH") if name in os.environ}  # noqa: TID251 - for a child process
    return {
        **kept,
        **azure.environment,
        "WORKSPACES": workspace.id,
        "OPS_EMAIL": "ops@example.com",
        "MAIL_ENDPOINT": "https://acs-reactor.europe.communication.azure.com",
        "MAIL_SENDER": "reactor@example.com",
        "INSTALLATION": "twin",
        "StateStorage": storage,
    }
