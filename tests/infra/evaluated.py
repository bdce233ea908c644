"""What a deployment would create, as the compiler's snapshot tells it, and how tests ask about it."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from shared.settings import WORKSPACE_ID

ASSIGNMENT = "Microsoft.Authorization/roleAssignments"
DEFINITION = "Microsoft.Authorization/roleDefinitions"
#: `[reference('<id>', …).principalId]`: whose object id will stand there.
REFERENCE = re.compile(r"\[reference\('(?P<id>[^']+)'")


@dataclass(frozen=True, slots=True)
class Evaluated:
    """A snapshot."""

    snapshot: Mapping[str, Any]

    @property
    def resources(self) -> list[Any]:
        """Every resource, in the compiler's order."""
        return list(self.snapshot["predictedResources"])

    @property
    def outputs(self) -> Mapping[str, Any]:
        """The outputs of the deployment."""
        outputs: Mapping[str, Any] = self.snapshot["outputs"]
        return outputs

    def of(self, kind: str) -> list[Any]:
        """Return the resources of one type."""
        return [resource for resource in self.resources if resource["type"] == kind]

    def one(self, kind: str) -> Any:
        """Return the only resource of a type."""
        (found,) = self.of(kind)
        return found

    def settings(self) -> Mapping[str, str]:
        """Return the app settings."""
        settings: Mapping[str, str] = self.one("Microsoft.Web/sites/config")["properties"]
        return settings

    def accesses(self) -> Iterator[tuple[str, str, str]]:
        """Yield who has which role on what: short names, the same in every environment."""
        roles = {role["name"]: role["properties"]["roleName"] for role in self.of(DEFINITION)}
        for assignment in self.of(ASSIGNMENT):
            properties = assignment["properties"]
            role = properties["roleDefinitionId"].rpartition("/")[2]
            scope, _, _ = assignment["id"].rpartition(f"/providers/{ASSIGNMENT}/")
            yield _principal(properties["principalId"]), roles.get(role, role), scope


def _principal(told: str) -> str:
    found = REFERENCE.match(told)
    return found["id"] if found else told


def short(resource_id: str) -> str:
    """Return an id by its last type and name, or as the group or workspace it is."""
    if WORKSPACE_ID.fullmatch(resource_id):
        return f"workspace {resource_id.rpartition('/')[2]}"
    parts = resource_id.strip("/").split("/")
    return " ".join(parts[-2:])
