"""Shapes of Azure Resource Manager's answers: resources and errors."""

from datetime import datetime
from typing import Any

from local.azure.clock import now
from local.azure.events import seven_digits, stable_id
from local.azure.messages import Answer

#: Inner error of a job PUT that would change a job (Azure/azure-sdk-for-python#47389).
IMMUTABLE = ("Immutable", "JobPropertyImmutable")


def resource(
    arm_id: str,
    name: str,
    kind: str,
    properties: dict[str, Any],
    *,
    created: datetime | None = None,
) -> dict[str, Any]:
    """An ARM resource. For a version *name* is the version."""
    at = seven_digits(created or now())
    return {
        "id": arm_id,
        "name": name,
        "type": kind,
        "properties": properties,
        "systemData": {
            "createdAt": at,
            "createdBy": "offline",
            "createdByType": "Application",
            "lastModifiedAt": at,
        },
    }


def arm_error(status: int, code: str, message: str, *inner: str) -> Answer:
    """An error of the provider; *inner* are the codes of the inner errors, outermost first."""
    moment = seven_digits(now())
    information = {
        "ComponentName": "managementfrontend",
        "Correlation": {"operation": stable_id(moment, message), "request": stable_id(message, moment)},
        "Environment": "offline",
        "Location": "offline",
        "Time": moment,
    }
    if inner:
        nested: dict[str, Any] | None = None
        for each in reversed(inner):
            nested = {"code": each, "innerError": nested}
        information["InnerError"] = nested or {}
    body = {
        "code": code,
        "message": message,
        "target": None,
        "details": [],
        "additionalInfo": [{"type": name, "info": {"value": value}} for name, value in information.items()],
    }
    return Answer(status=status, body={"error": body})


def user_error(status: int, message: str, *inner: str) -> Answer:
    """An error that the caller can mend, as the provider calls most of them."""
    return arm_error(status, "UserError", message, *inner)
