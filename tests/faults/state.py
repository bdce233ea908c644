"""What stands in a rig's storage: messages, rows, dead letters, and whether an effect has its decision there."""

import contextlib
import json
from typing import Any

from azure.data.tables import TableClient
from azure.storage.blob import ContainerClient
from azure.storage.queue import QueueClient

from local.azure.messages import Request
from shared.gateways.blobs import DEAD_LETTERS
from shared.gateways.queue import QUEUE
from shared.store import TABLE


class State:
    """The test's own way to a storage account, which no fault is in; *stack* closes it."""

    def __init__(self, storage: str, stack: contextlib.ExitStack) -> None:
        self._queue = stack.enter_context(QueueClient.from_connection_string(storage, QUEUE))
        self._poison = stack.enter_context(QueueClient.from_connection_string(storage, f"{QUEUE}-poison"))
        self._letters = stack.enter_context(ContainerClient.from_connection_string(storage, DEAD_LETTERS))
        self._table = stack.enter_context(TableClient.from_connection_string(storage, TABLE))

    def put(self, event: object) -> None:
        """Put a message into the queue: text as it is, anything else as JSON."""
        self._queue.send_message(event if isinstance(event, str) else json.dumps(event), time_to_live=-1)

    def waiting(self) -> int:
        """Return how many messages are in the queue: hidden ones as well."""
        return int(self._queue.get_queue_properties().approximate_message_count or 0)

    def poisoned(self) -> int:
        """Return how many messages are in the poison queue."""
        return int(self._poison.get_queue_properties().approximate_message_count or 0)

    def dead_letters(self) -> list[dict[str, Any]]:
        """Return the dead letters."""
        names = [str(blob.name) for blob in self._letters.list_blobs()]
        return [json.loads(self._letters.download_blob(name).readall())[0] for name in names]

    def rows(self, subject: str = "") -> list[dict[str, Any]]:
        """Return the events' rows about *subject* (all: "")."""
        found = self._table.query_entities("family ne ''")
        return [dict(row) for row in found if not subject or row["subject"] == subject]

    def admits(self, request: Request) -> bool:
        """Tell whether the ledger has the decision to ask for the job or mail of *request*; a mail's `sent_at` too."""
        body = json.loads(request.body)
        sign = request.headers.get("operation-id") or body["properties"]["properties"]["reactor_operation"]
        records = [json.loads(text) for row in self.rows() for name, text in row.items() if name.startswith("r_")]
        standing = [record for record in records if sign in {record.get("operation"), record.get("effect")}]
        mail = "operation-id" in request.headers
        return [record["decision"] for record in standing] == ["admitted"] and ("sent_at" in standing[0] or not mail)
