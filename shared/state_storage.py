"""How a client of state storage is made, and what its failures are called."""

import contextlib
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Literal

from shared.errors import ConfigurationError, StorageError
from shared.settings import StateStorage
from shared.transport import Transport, client_options

if TYPE_CHECKING:
    from azure.core.credentials import TokenCredential
    from azure.core.exceptions import AzureError

type Service = Literal["table", "queue", "blob"]


def connect[Client](
    kind: type[Client],
    storage: StateStorage,
    service: Service,
    name: str,
    *,
    transport: Transport,
    credential: "TokenCredential | None",
) -> Client:
    """Build a *kind* for *name* (a table, queue or container) in *service*; nothing is sent.

    The client classes of the storage SDKs agree in this: a service's address, a name in it, and a credential.

    Raises ConfigurationError when the settings are of a form that the SDK refuses.
    """
    options = client_options(transport)
    build: Any = kind  # they agree, but have no base class that says so
    try:
        if storage.connection_string:
            client: Client = build.from_connection_string(storage.connection_string, name, **options)
        else:
            uri = {"table": storage.table_uri, "queue": storage.queue_uri, "blob": storage.blob_uri}[service]
            client = build(uri, name, credential=credential, **options)
    except ValueError:
        # The SDK's text may repeat the setting, which may hold a key.
        raise ConfigurationError(
            f"app setting StateStorage or StateStorage__{service}ServiceUri cannot be used: "
            f"a connection string, or https://<account>.{service}.core.windows.net"
        ) from None
    return client


def storage_error(error: "AzureError", service: Service, operation: str) -> StorageError:
    """Name *error* by its class and status alone: its text is the provider's."""
    facts: dict[str, str | int] = {"service": service, "operation": operation, "problem": type(error).__name__}
    status = getattr(error, "status_code", None)
    return StorageError(**facts) if status is None else StorageError(**facts, status=status)


@contextlib.contextmanager
def failing_as_storage(service: Service, operation: str) -> Iterator[None]:
    """Raise StorageError for whatever Azure error happens inside."""
    from azure.core.exceptions import AzureError  # noqa: PLC0415 - not at index

    try:
        yield
    except AzureError as error:
        raise storage_error(error, service, operation) from None
