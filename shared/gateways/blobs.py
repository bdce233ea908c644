"""Named bytes in a blob container: dead letters, and events too large for a message."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Self
from urllib.parse import quote

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
    """The Blobs in one container of Azure Blob storage."""

    def __init__(self, client: "ContainerClient") -> None:
        self._client = client

    @classmethod
    def connect(
        cls,
        storage: StateStorage,
        container: str,
        *,
        transport: Transport,
        credential: "TokenCredential | None" = None,
    ) -> Self:
        """Build the client of *container*; nothing is sent. Raises ConfigurationError for unusable settings."""
        from azure.storage.blob import ContainerClient  # noqa: PLC0415 - not at index

        return cls(connect(ContainerClient, storage, "blob", container, transport=transport, credential=credential))

    def put(self, name: str, content: bytes, *, metadata: Mapping[str, str] | None = None) -> None:
        """Write, or leave the blob alone that has the *name* already: it has the same content.

        Values of *metadata* are percent-encoded where they are not printable ASCII. Raises StorageError.
        """
        from azure.core.exceptions import ResourceExistsError  # noqa: PLC0415 - not at index

        plain = {key: quote(value, safe=PLAIN).strip() for key, value in (metadata or {}).items()}
        with failing_as_storage("blob", "put"):
            try:
                self._client.upload_blob(name, content, overwrite=False, metadata=plain)
            except ResourceExistsError as error:
                if getattr(error, "error_code", None) != "BlobAlreadyExists":
                    raise

    def get(self, name: str) -> bytes | None:
        """Read, or None when there is none of that name. Raises StorageError, also without the container."""
        from azure.core.exceptions import ResourceNotFoundError  # noqa: PLC0415 - not at index

        with failing_as_storage("blob", "get"):
            try:
                return self._client.download_blob(name).readall()
            except ResourceNotFoundError as error:
                if getattr(error, "error_code", None) != "BlobNotFound":
                    raise
                return None
