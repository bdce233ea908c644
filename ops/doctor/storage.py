"""Checks of state storage, as Azure Resource Manager tells of it: no right on the data is needed."""

from collections.abc import Iterator, Sequence

from ops.doctor.arm import Json
from ops.doctor.finding import Finding, failed, ok, warning
from ops.doctor.look import STORAGE, Look
from ops.doctor.remedies import az, create, update
from ops.doctor.state import POISON
from shared.gateways.blobs import DEAD_LETTERS, LARGE_EVENTS
from shared.gateways.queue import QUEUE
from shared.settings import SERVICES
from shared.store import TABLE

QUEUES, TABLES, CONTAINERS = (QUEUE, POISON), (TABLE,), (DEAD_LETTERS, LARGE_EVENTS)


def queue_ids(account: str) -> tuple[str, ...]:
    """ARM ids of the queues."""
    return tuple(f"{account}/queueServices/default/queues/{name}" for name in QUEUES)


def table_ids(account: str) -> tuple[str, ...]:
    """ARM ids of the tables."""
    return tuple(f"{account}/tableServices/default/tables/{name}" for name in TABLES)


def container_ids(account: str) -> tuple[str, ...]:
    """ARM ids of the containers."""
    return tuple(f"{account}/blobServices/default/containers/{name}" for name in CONTAINERS)


def account(look: Look) -> Iterator[Finding]:
    """Look for the account, and whether it can be used with a key or without encryption."""
    found = (look.arm.get(look.account, STORAGE) or {}).get("properties") or {}
    keys, old = found.get("allowSharedKeyAccess") is not False, found.get("minimumTlsVersion") != "TLS1_2"
    if keys:
        told = "its keys open it (allowSharedKeyAccess): nothing here needs them"
        yield warning(told, update(look.account, "properties.allowSharedKeyAccess=false"))
    if old and found.get("minimumTlsVersion") != "TLS1_3":
        yield warning("it takes TLS older than 1.2", update(look.account, "properties.minimumTlsVersion=TLS1_2"))
    if found.get("allowBlobPublicAccess") is True:
        told = "its containers may be made public (allowBlobPublicAccess)"
        yield warning(told, update(look.account, "properties.allowBlobPublicAccess=false"))
    if not keys and not found.get("allowBlobPublicAccess"):
        yield ok(f"{look.account_name}, without keys")


def distinct(look: Look) -> Iterator[Finding]:
    """Look whether the host has an account of its own: its identity has wide rights there."""
    if look.account.casefold() == look.host_account.casefold():
        remedy = "give the host an account of its own: settings AzureWebJobsStorage__…"
        yield warning("state and host share an account: the host's wide rights reach the state", remedy)
    else:
        yield ok("the host has an account of its own")


def queues(look: Look) -> Iterator[Finding]:
    """Look for the queue and its poison queue."""
    yield from _there(look, queue_ids(look.account), "events cannot be kept")


def table(look: Look) -> Iterator[Finding]:
    """Look for the table of the ledger."""
    yield from _there(look, table_ids(look.account), "nothing can be decided")


def containers(look: Look) -> Iterator[Finding]:
    """Look for the containers of dead letters and large events."""
    yield from _there(look, container_ids(look.account), "what they are for cannot be kept")


def _there(look: Look, ids: Sequence[str], so: str) -> Iterator[Finding]:
    absent = [one for one in ids if look.arm.get(one, STORAGE) is None]
    for one in absent:
        yield failed(f"there is no {one.rpartition('/')[2]}: {so}", create(one))
    if not absent:
        yield ok(", ".join(one.rpartition("/")[2] for one in ids))


def reachable(look: Look) -> Iterator[Finding]:
    """Look whether the account lets the app in: from everywhere, or by private endpoints."""
    found = (look.arm.get(look.account, STORAGE) or {}).get("properties") or {}
    rules = found.get("networkAcls") or {}
    closed = found.get("publicNetworkAccess") == "Disabled" or rules.get("defaultAction") == "Deny"
    if not closed:
        yield ok("it can be reached from everywhere, with a role")
        return
    approved = [one for one in found.get("privateEndpointConnections") or () if _approved(one)]
    if not look.site["properties"].get("virtualNetworkSubnetId"):
        told = "it is closed to the public, and the app is in no virtual network: it cannot reach its state"
        where = ("--vnet", "<VNET>", "--subnet", "<SUBNET>")
        yield failed(told, az("functionapp", "vnet-integration", "add", "--ids", look.app, *where))
    elif len(approved) < len(SERVICES):
        told = f"it is closed to the public, and has {len(approved)} approved private endpoints of {len(SERVICES)}"
        yield failed(told, az("network", "private-endpoint-connection", "list", "--id", look.account))
    elif "AzureServices" not in str(rules.get("bypass", "")):
        told = "it is closed, also to Event Grid: dead letters and queued events cannot be delivered"
        yield failed(told, update(look.account, "properties.networkAcls.bypass=AzureServices"))
    else:
        yield ok("it is closed to the public; the app and Event Grid have their ways in")


def _approved(connection: Json) -> bool:
    state = connection["properties"].get("privateLinkServiceConnectionState") or {}
    return bool(state.get("status") == "Approved")
