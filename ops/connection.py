"""Where the state is and who asks: the app's own settings, or an account's name and the operator's own login."""

import os
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from ops.generations import Generations
from ops.history import History
from ops.letter_box import LetterBox
from ops.login import who
from ops.problems import usage
from ops.state_rows import StateRows
from ops.terminal import silenced
from shared.errors import ConfigurationError
from shared.gateways import Blobs, Queue
from shared.gateways.blobs import LARGE_EVENTS, BlobContainer
from shared.gateways.queue import StorageQueue
from shared.settings import StateStorage, load_storage
from shared.store import Store, TableStore
from shared.transport import Transport, build_transport

if TYPE_CHECKING:
    from azure.core.credentials import TokenCredential

#: Rules for names of storage accounts (Azure resource naming).
ACCOUNT = re.compile(r"[a-z0-9]{3,24}")
REMEDY = (
    "name the account (--account NAME) or a connection string (--connection-string), "
    "or set the app's own StateStorage settings (docs/settings.md) as environment variables"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class State:
    """What the commands work on; *who* tells the name of the operator."""

    box: LetterBox
    queue: Queue
    large_events: Blobs
    generations: Generations
    rows: StateRows
    history: History
    store: Store
    who: Callable[[], str]


def storage_of(
    account: str | None,
    connection_string: str | None,
    environ: Mapping[str, str] = os.environ,  # noqa: TID251 - the edge
) -> StateStorage:
    """Read where the state is: options first, then the settings in *environ*. Raises OpsError."""
    if account and connection_string:
        raise usage("--account and --connection-string exclude each other", "give one of them")
    if connection_string:
        return StateStorage(connection_string=connection_string)
    if account:
        if not ACCOUNT.fullmatch(account):
            raise usage("--account is the name of a storage account: 3 to 24 of a-z and 0-9", REMEDY)
        blob, queue, table = (f"https://{account}.{service}.core.windows.net" for service in ("blob", "queue", "table"))
        return StateStorage(blob_uri=blob, queue_uri=queue, table_uri=table)
    try:
        return load_storage(environ)
    except ConfigurationError as error:
        raise usage("; ".join(error.problems), REMEDY) from None


@contextmanager
def connected(storage: StateStorage) -> Iterator[State]:
    """Give the clients; nothing is sent yet. Raises OpsError for settings of a form that cannot be used."""
    with silenced("azure", "msal", "urllib3"), build_transport() as transport:
        try:
            state = _state(storage, transport)
        except ConfigurationError as error:
            raise usage("; ".join(error.problems), REMEDY) from None
        yield state


def _state(storage: StateStorage, transport: Transport) -> State:
    credential = None if storage.connection_string else _login(transport)
    return State(
        box=LetterBox.connect(storage, transport=transport, credential=credential),
        queue=StorageQueue.connect(storage, transport=transport, credential=credential),
        large_events=BlobContainer.connect(storage, LARGE_EVENTS, transport=transport, credential=credential),
        generations=Generations.connect(storage, transport=transport, credential=credential),
        rows=StateRows.connect(storage, transport=transport, credential=credential),
        history=History.connect(storage, transport=transport, credential=credential),
        store=TableStore.connect(storage, transport=transport, credential=credential),
        who=partial(who, credential),
    )


def _login(transport: Transport) -> "TokenCredential":
    """Return the operator's own login, wherever it is: environment, Azure CLI, azd, PowerShell, an editor."""
    from azure.identity import DefaultAzureCredential  # noqa: PLC0415 - half a second, not for a connection string

    return DefaultAzureCredential(transport=transport)
