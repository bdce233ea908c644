"""A sample event told differently: what the builders of the test kit have in common."""

from typing import Any

from local.samples import sample


def told(name: str, workspace: str, subject: str, **data: object) -> dict[str, Any]:
    """Return a sample told differently; None leaves a field as it is."""
    event = sample(name)
    owner = event["topic"].rpartition("/")[0]
    changed = {key: value for key, value in data.items() if value is not None}
    return {
        **event,
        "topic": workspace if workspace.startswith("/") else f"{owner}/{workspace}",
        "subject": subject,
        "data": {**event["data"], **changed},
    }
