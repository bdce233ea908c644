"""The queue of workspace events: what is sent, and when it becomes visible."""

import base64
import math
from datetime import timedelta
from typing import TYPE_CHECKING, Self

from shared.settings import StateStorage
from shared.state_storage import connect, failing_as_storage
from shared.transport import Transport

if TYPE_CHECKING:
    from azure.core.credentials import TokenCredential
    from azure.storage.queue import QueueClient

QUEUE = "workspace-events"

#: A delay; a message takes at most 7 days (Azure Queue storage, "Put Message"), less a margin.
LONGEST_DELAY = timedelta(days=6)


class StorageQueue:
    """The Queue on Azure Queue storage.

    A message is base64: the host would take the keys of plain JSON for trigger metadata. It never expires.
    """

    def __init__(self, client: "QueueClient") -> None:
        self._client = client

    @classmethod
    def connect(
        cls, storage: StateStorage, *, transport: Transport, credential: "TokenCredential | None" = None
    ) -> Self:
        """Build the client; nothing is sent. Raises ConfigurationError for settings that cannot be used."""
        from azure.storage.queue import QueueClient  # noqa: PLC0415 - not at index

        return cls(connect(QueueClient, storage, "queue", QUEUE, transport=transport, credential=credential))

    def send(self, message: bytes, *, after: timedelta = timedelta()) -> None:
        """Put *message* in, visible after *after*, rounded up to seconds.

        A longer delay than LONGEST_DELAY is cut to it: whoever receives the message too early puts it back once more.
        Raises StorageError.
        """
        delay = math.ceil(min(max(after, timedelta()), LONGEST_DELAY).total_seconds())
        text = base64.b64encode(message).decode()
        with failing_as_storage("queue", "send"):
            self._client.send_message(text, visibility_timeout=delay, time_to_live=-1)
