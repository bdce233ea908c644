"""The container of dead letters as an operator needs it: listed, read, and moved when a letter was put back."""

from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any, Self

from shared.errors import StorageError
from shared.gateways.blobs import DEAD_LETTERS
from shared.settings import StateStorage
from shared.state_storage import connect, failing_as_storage
from shared.transport import Transport, deadline

if TYPE_CHECKING:
    from azure.core.credentials import TokenCredential
    from azure.storage.blob import ContainerClient

REPLAYED = "replayed/"
#: For one operation, in seconds; each request in it is bounded by the transport besides.
OPERATION_SECONDS = 120.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """A blob in the container: its name, when it was written (UTC), its size in bytes."""

    name: str
    when: datetime
    size: int

    @property
    def replayed(self) -> bool:
        """Whether it was put back already."""
        return self.name.startswith(REPLAYED)


@dataclass(frozen=True, slots=True, kw_only=True)
class Listing:
    """What there is, newest first, and the account's own clock."""

    entries: tuple[Entry, ...]
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Content:
    """A blob's bytes, and the version they are of."""

    data: bytes
    etag: str
    metadata: dict[str, str]


class _Clock:
    """Hears the ``Date`` of the answers: no clock of the operator's machine is asked."""

    def __init__(self) -> None:
        self._date: str | None = None

    def __call__(self, response: Any) -> None:  # noqa: ANN401 - azure-core's PipelineResponse, generic twice over
        self._date = response.http_response.headers.get("Date")

    @property
    def at(self) -> datetime:
        if self._date is None:
            raise StorageError(service="blob", operation="list", problem="no Date header")
        return parsedate_to_datetime(self._date).astimezone(UTC)


class LetterBox:
    """Dead letters in their container. Every method raises StorageError. Safe to share between threads."""

    def __init__(self, client: "ContainerClient") -> None:
        self._client = client

    @classmethod
    def connect(
        cls, storage: StateStorage, *, transport: Transport, credential: "TokenCredential | None" = None
    ) -> Self:
        """Build the client; nothing is sent. Raises ConfigurationError for settings that cannot be used."""
        from azure.storage.blob import ContainerClient  # noqa: PLC0415 - `--help` shall not pay for it

        return cls(connect(ContainerClient, storage, "blob", DEAD_LETTERS, transport=transport, credential=credential))

    def entries(self) -> Listing:
        """List every blob, newest first."""
        clock = _Clock()
        with deadline(OPERATION_SECONDS), failing_as_storage("blob", "list"):
            found = [
                Entry(name=str(blob.name), when=blob.last_modified.astimezone(UTC), size=int(blob.size))
                for blob in self._client.list_blobs(raw_response_hook=clock)
            ]
        newest_first = sorted(found, key=lambda entry: (entry.when, entry.name), reverse=True)
        return Listing(entries=tuple(newest_first), at=clock.at)

    def read(self, name: str) -> Content | None:
        """Read a blob, or None when it is gone."""
        from azure.core.exceptions import ResourceNotFoundError  # noqa: PLC0415 - as above

        with deadline(OPERATION_SECONDS), failing_as_storage("blob", "get"):
            try:
                stream = self._client.download_blob(name)
                metadata = dict(stream.properties.metadata or {})
                return Content(data=stream.readall(), etag=str(stream.properties.etag), metadata=metadata)
            except ResourceNotFoundError as error:
                if getattr(error, "error_code", None) != "BlobNotFound":
                    raise
                return None

    def archive(self, name: str, content: Content) -> str:
        """Move the letter that was read as *content* to ``replayed/``, unchanged, and return its new name.

        A letter that was written anew since then stays, because it tells of something new.
        """
        from azure.core import MatchConditions  # noqa: PLC0415 - as above
        from azure.core.exceptions import ResourceModifiedError, ResourceNotFoundError  # noqa: PLC0415 - as above

        new = f"{REPLAYED}{name}"
        with deadline(OPERATION_SECONDS), failing_as_storage("blob", "move"):
            self._client.upload_blob(new, content.data, overwrite=True, metadata=content.metadata)
            try:
                condition = MatchConditions.IfNotModified
                self._client.delete_blob(name, etag=content.etag, match_condition=condition)
            except ResourceModifiedError:
                pass
            except ResourceNotFoundError as error:  # somebody else was first
                if getattr(error, "error_code", None) != "BlobNotFound":
                    raise
        return new
