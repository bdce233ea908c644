"""The stand-in for Azure in tests: this process' own SDKs reach it by Azure's host names."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from azure.core.pipeline import policies
from azure.core.rest import HttpRequest, HttpResponse
from azure.identity import ManagedIdentityCredential
from azure.mgmt.core import ARMPipelineClient
from azure.mgmt.core.policies import ARMChallengeAuthenticationPolicy

from local.azure import StandIn, Workspace, World

ARM = "https://management.azure.com"
PREFIX = "Microsoft.MachineLearningServices."
#: Scaled seconds per second in tests: a job of three minutes takes a third of a second.
SCALE = 600.0


@contextmanager
def stand_in(
    monkeypatch: pytest.MonkeyPatch,
    *,
    world: World | None = None,
    patience: float = 5.0,
    scale: float = SCALE,
) -> Iterator[StandIn]:
    """A stand-in that is in the environment; at the end it must not have failed itself."""
    with StandIn(scale=scale, world=world or World(), patience=patience) as running:
        for name, value in running.environment.items():
            monkeypatch.setenv(name, value)
        yield running
        assert running.failures == ()


class Arm:
    """Azure Resource Manager as production code calls it: azure-core's pipeline and a managed identity."""

    def __init__(self, azure: StandIn, *, read_timeout: float = 5.0) -> None:
        self.credential = ManagedIdentityCredential(client_id=azure.environment["AZURE_CLIENT_ID"], retry_total=0)
        self.client: ARMPipelineClient[HttpRequest, HttpResponse] = ARMPipelineClient(
            ARM,
            connection_timeout=3,
            read_timeout=read_timeout,
            policies=[
                policies.RequestIdPolicy(),
                policies.HeadersPolicy(),
                policies.RetryPolicy(retry_total=0),
                ARMChallengeAuthenticationPolicy(self.credential, f"{ARM}/.default"),
            ],
        )

    def send(self, method: str, path: str, body: object = None, *, second_token: bool = True) -> HttpResponse:
        """One request; *path* follows the host and may have a query."""
        headers = {"x-azureml-token": self.credential.get_token("https://ml.azure.com/.default").token}
        sep = "&" if "?" in path else "?"
        return self.client.send_request(
            HttpRequest(
                method,
                f"{ARM}{path}{sep}api-version=2024-01-01-preview",
                json=body,
                headers=headers if second_token else {},
            ),
        )


def pipeline(workspace: Workspace, **properties: object) -> dict[str, Any]:
    """The body of a pipeline job with one registered step."""
    step = {"type": "command", "componentId": f"{workspace.id}/components/offline_test/versions/1"}
    return {"properties": {"jobType": "Pipeline", "experimentName": "tests", "jobs": {"test": step}, **properties}}


def told(azure: StandIn, kind: str) -> list[dict[str, Any]]:
    """The data of the events of a kind so far."""
    return [event["data"] for event in azure.event_grid.published if event["eventType"] == PREFIX + kind]


def statuses(azure: StandIn, run_id: str) -> list[str]:
    """The statuses told of a run, in order."""
    return [data["runStatus"] for data in told(azure, "RunStatusChanged") if data["runId"] == run_id]
