"""Named bytes in a blob container: dead letters, and events too large for a message."""

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Self
from urllib.parse import quote

from shared.once import once
from shared.settings import StateStorage
from shared.state_storage import connect, failing_as_storage
from shared.transport import Transport

if TYPE_CHECKING:
    from azure.core.credentials import TokenCredential
    from azure.storage.blob import ContainerClient

DEAD_LETTERS = "dead-letters"
LARGE_EVENTS = "large-events"

#: What stands for itself in metadata, besides letters and digits: metadata are HTTP headers.
PLAIN = " !#$&'()*+,-./:;<=>?@[]^_`{|}~"


class BlobContainer:
    """The Blobs in one container of Azure Blob storage.

    Its client is built by *build* at first use: most processes never write a dead letter, and its import is slow.
    """

    def __init__(self, build: "Callable[[], ContainerClient]") -> None:
        self._build = build

    @once
    def _client(self) -> "ContainerClient":
        return self._build()

    @classmethod
    def connect(
        cls,
        storage: StateStorage,
        container: str,
        *,
        transport: Transport,
        credential: "TokenCredential | None" = None,
    ) -> Self:
        """Connect to *container* at first use, which raises ConfigurationError for unusable settings."""

        def build() -> "ContainerClient":
            from azure.storage.blob import ContainerClient  # noqa: PLC0415 - see the class

            return connect(ContainerClient, storage, "blob", container, transport=transport, credential=credential)

        return cls(build)

    def put(self, name: str, content: bytes, *, metadata: Mapping[str, str] | None = None) -> None:
        """Write, or leave the blob alone that has the *name* already: it has the same content.

        Values of *metadata* are percent-encoded where they are not printable ASCII. Raises StorageError, and
        ConfigurationError as `connect` says.
        """
        from azure.core.exceptions import ResourceExistsError  # noqa: PLC0415 - not at index

        plain = {key: quote(value, safe=PLAIN).strip() for key, value in (metadata or {}).items()}
        client: ContainerClient = self._client
        with failing_as_storage("blob", "put"):
            try:
                client.upload_blob(name, content, overwrite=False, metadata=plain)
            except ResourceExistsError as error:
                if getattr(error, "error_code", None) != "BlobAlreadyExists":
                    raise

    def get(self, name: str) -> bytes | None:
        """Read, or None when there is none of that name. Raises StorageError, also without the container."""
        from azure.core.exceptions import ResourceNotFoundError  # noqa: PLC0415 - not at index

        client: ContainerClient = self._client
        with failing_as_storage("blob", "get"):
            try:
                return client.download_blob(name).readall()
            except ResourceNotFoundError as error:
                if getattr(error, "error_code", None) != "BlobNotFound":
                    raise
                return None
