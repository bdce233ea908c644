"""Azure ML's jobs as the tests of the gateway meet them: one workspace, one job, one credential."""

from pathlib import Path
from typing import Any

from azure.core.credentials import AccessToken

from shared.actions import Outcome, SubmitJob
from shared.gateways import Jobs

ROOT = Path(__file__).resolve().parents[2]
WORKSPACE = (
    "/subscriptions/8d1c5a3e-7f0b-4b4e-9a55-1f6f0c2e7b10/resourceGroups/rg-churn"
    "/providers/Microsoft.MachineLearningServices/workspaces/ws-churn"
)
NAME = "offline-test-churn-7-0123456789ab"
URL = f"https://management.azure.com{WORKSPACE}/jobs/{NAME}?api-version=2024-01-01-preview"
OPERATION = "f" * 64
STAMP = {"reactor_reaction": "offline-test", "reactor_operation": OPERATION}
ACTION = SubmitJob(workspace=WORKSPACE, job="pipelines/offline-test.yml", inputs={"model": "azureml:churn:7"})

#: Text that an answer may carry and that no reason may repeat.
SECRET = "sig=TOPSECRET <script>"  # noqa: S105 - made up
EXISTS = {
    "error": {
        "code": "UserError",
        "message": f"A job with this name already exists. {SECRET}",
        "additionalInfo": [{"type": "InnerError", "info": {"value": {"innerError": {"code": "JobPropertyImmutable"}}}}],
    }
}


class Credential:
    """Gives a token per scope, or raises *error*."""

    def __init__(self, error: Exception | None = None) -> None:
        self.error = error

    def get_token(self, *scopes: str, **_: object) -> AccessToken:
        """Name the scope in the token."""
        if self.error is not None:
            raise self.error
        return AccessToken(f"token-for-{scopes[0]}", 4102444800)


def submit(jobs: Jobs, *, repeated: bool = False, name: str = NAME) -> Outcome:
    """Submit the offline test of churn:7."""
    return jobs.submit(ACTION, name=name, properties=STAMP, repeated=repeated)


def created(**system: str) -> dict[str, Any]:
    """The job as Azure ML answers."""
    return {"name": NAME, "properties": {"jobType": "Pipeline", "properties": STAMP}, "systemData": system}
