"""What the checks look at: the app, what its settings name, and who it is. Each is read once, when it is asked for."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from ops.doctor.arm import Arm, Json
from ops.doctor.finding import CannotLookError
from ops.doctor.rights import Permission
from ops.doctor.state import State
from shared.errors import ConfigurationError
from shared.settings import WORKSPACE_ID, load_storage
from shared.transport import Transport

if TYPE_CHECKING:
    from azure.core.credentials import TokenCredential

SITES, STORAGE, EVENT_GRID, MAIL = "2024-11-01", "2023-05-01", "2025-02-15", "2023-04-01"
WORKSPACES, ROLES, METRICS = "2024-04-01", "2022-04-01", "2023-10-01"

#: The host of a service of a storage account, in any cloud.
SERVICE_URI = re.compile(r"https://(?P<account>[a-z0-9]{3,24})\.(?:z[0-9]+\.)?(?:blob|queue|table)\.[a-z0-9.-]+/?")
ACCOUNT_NAME = re.compile(r"(?:^|;)AccountName=(?P<account>[a-z0-9]{3,24})(?:;|$)", re.IGNORECASE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Workspace:
    """A workspace of the setting WORKSPACES, and its resource; None when it is not there."""

    id: str
    resource: Json | None

    @property
    def name(self) -> str:
        """Its own name."""
        return self.id.rpartition("/")[2]


@dataclass(frozen=True, slots=True, kw_only=True)
class Topic:
    """The Event Grid system topic of a workspace, and its event subscriptions."""

    workspace: str
    resource: Json
    subscriptions: tuple[Json, ...]

    @property
    def id(self) -> str:
        """Its ARM id."""
        return str(self.resource["id"])


@dataclass(kw_only=True)
class Look:
    """An installation, by the ARM id of its function app. Every property raises CannotLookError.

    *folder* is the project that is deployed; *expected* are the settings that the app should have, where they are at
    hand; *now* is the clock of this machine.
    """

    app: str
    folder: Path
    expected: Mapping[str, str]
    arm: Arm
    transport: Transport
    credential: "Callable[[], TokenCredential]"
    now: Callable[[], datetime]
    _held: dict[tuple[str, str], tuple[Permission, ...]] = field(default_factory=dict)

    @property
    def subscription(self) -> str:
        """ARM id of the subscription of the app."""
        return "/".join(self.app.split("/")[:3])

    @cached_property
    def site(self) -> Json:
        """The function app."""
        found = self.arm.get(self.app, SITES)
        if found is None:
            remedy = f"name it by its id: {app_id('GROUP', 'APP')}"
            raise CannotLookError(f"there is no function app {self.app}", remedy)
        return found

    @cached_property
    def live_settings(self) -> Mapping[str, str]:
        """The app settings as they are in Azure."""
        assert self.site  # noqa: S101 - without an app no settings, and that is said first
        return self.arm.app_settings(self.app, SITES) or {}

    @cached_property
    def settings(self) -> Mapping[str, str]:
        """The app settings; those expected where Azure's may not be read."""
        try:
            return self.live_settings
        except CannotLookError as error:
            if self.expected:
                return self.expected
            raise CannotLookError(error.problem, f"{error.remedy}; or say --settings FILE") from None

    def setting(self, name: str) -> str:
        """Return an app setting that others depend on."""
        if value := self.settings.get(name, "").strip():
            return value
        raise CannotLookError(f"the app setting {name} is missing", f"set {name} first (docs/settings.md)")

    @cached_property
    def principal(self) -> str:
        """Principal id of the identity that the app acts as."""
        identity = self.site.get("identity") or {}
        client = self.settings.get("AZURE_CLIENT_ID", "").strip()
        if not client:
            found = identity.get("principalId")
        else:
            assigned = (identity.get("userAssignedIdentities") or {}).values()
            found = next((one["principalId"] for one in assigned if one.get("clientId") == client), None)
        if not found:
            raise CannotLookError("the app has not the identity that it is to act as", "see check app-identity")
        return str(found)

    @cached_property
    def account(self) -> str:
        """ARM id of the storage account of the state, as the settings name it."""
        return self._account("the state", "StateStorage", self.account_name)

    @cached_property
    def account_name(self) -> str:
        """Its name."""
        if text := self.settings.get("StateStorage", "").strip():
            found = ACCOUNT_NAME.search(text)
        else:
            found = SERVICE_URI.fullmatch(self.setting("StateStorage__blobServiceUri"))
        if found is None:
            raise CannotLookError("the settings StateStorage… name no storage account", "see check settings")
        return found["account"]

    @cached_property
    def host_account(self) -> str:
        """ARM id of the storage account of the host."""
        name = self.settings.get("AzureWebJobsStorage__accountName", "").strip()
        if not name:
            found = SERVICE_URI.fullmatch(self.setting("AzureWebJobsStorage__blobServiceUri"))
            if found is None:
                raise CannotLookError("AzureWebJobsStorage__blobServiceUri names no storage account", "mend it")
            name = found["account"]
        return self._account("the host", "AzureWebJobsStorage", name)

    def _account(self, whose: str, setting: str, name: str) -> str:
        for one in self.arm.listed(f"{self.subscription}/providers/Microsoft.Storage/storageAccounts", STORAGE):
            if one["name"].casefold() == name.casefold():
                return str(one["id"])
        problem = (
            f"the storage account of {whose}, {name}, is not among those your login sees in the app's subscription"
        )
        raise CannotLookError(problem, f"is {setting}… the right account? Else your login needs the role Reader on it")

    @cached_property
    def workspaces(self) -> tuple[Workspace, ...]:
        """The workspaces of the settings."""
        parts = [part.strip() for part in self.setting("WORKSPACES").split(",")]
        ids = [part for part in parts if WORKSPACE_ID.fullmatch(part)]
        if not ids:
            raise CannotLookError("the setting WORKSPACES names no workspace", "see check settings")
        return tuple(Workspace(id=one, resource=self.arm.get(one, WORKSPACES)) for one in ids)

    @cached_property
    def topics(self) -> Mapping[str, Topic]:
        """The system topics, by the casefolded id of the workspace."""
        wanted = {workspace.id.casefold(): workspace for workspace in self.workspaces}
        found = {}
        for subscription in sorted({"/".join(workspace.id.split("/")[:3]) for workspace in self.workspaces}):
            for one in self.arm.listed(f"{subscription}/providers/Microsoft.EventGrid/systemTopics", EVENT_GRID):
                source = str(one["properties"].get("source") or "").casefold()
                if source in wanted:
                    subscriptions = self.arm.listed(f"{one['id']}/eventSubscriptions", EVENT_GRID)
                    found[source] = Topic(workspace=wanted[source].name, resource=one, subscriptions=subscriptions)
        return found

    @cached_property
    def state(self) -> State:
        """What lies in state storage."""
        try:
            storage = load_storage(self.settings)
        except ConfigurationError as error:
            raise CannotLookError("; ".join(error.problems), "see check settings") from None
        return State(storage, transport=self.transport, credential=self.credential)

    def permissions(self, principal: str, scope: str) -> tuple[Permission, ...]:
        """Return what the roles of *principal*, and of its groups, at *scope* and above allow there."""
        known = (principal, scope)
        if known not in self._held:
            self._held[known] = self._permissions(principal, scope)
        return self._held[known]

    def _permissions(self, principal: str, scope: str) -> tuple[Permission, ...]:
        assignments = self.arm.listed(
            f"{scope}/providers/Microsoft.Authorization/roleAssignments",
            ROLES,
            filter=f"atScope() and assignedTo('{principal}')",
        )
        roles = {str(one["properties"]["roleDefinitionId"]).rpartition("/")[2] for one in assignments}
        # Asked for where it is assigned: who may read that scope need not read the subscription.
        where = f"{scope}/providers/Microsoft.Authorization/roleDefinitions"
        definitions = (self.arm.get(f"{where}/{role}", ROLES) for role in sorted(roles))
        return tuple(one for role in definitions if role is not None for one in role["properties"]["permissions"])


def app_id(group: str, name: str) -> str:
    """Return the command that tells the id of a function app."""
    return f"az functionapp show --resource-group {group} --name {name} --query id --output tsv"
