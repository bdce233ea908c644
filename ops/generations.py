"""How often an event was repeated on purpose already, as the table tells."""

import re
from typing import TYPE_CHECKING, Self

from shared.events import Event
from shared.records import event_key, partition_key
from shared.settings import StateStorage
from shared.state_storage import connect, failing_as_storage
from shared.store import TABLE
from shared.transport import Transport, deadline

if TYPE_CHECKING:
    from azure.core.credentials import TokenCredential
    from azure.data.tables import TableClient

OPERATION_SECONDS = 60.0
#: Rows of a dry run have keys of their own; a number that was used there is not used again either.
PREFIXES = ("", "dry|")
#: An event's rows are those whose keys begin with its own: from it up to the next possible one.
RANGES = " or ".join(f"( RowKey ge @from{number} and RowKey lt @to{number} )" for number in range(len(PREFIXES)))


class Generations:
    """The rows of an event, one for each generation."""

    def __init__(self, client: "TableClient") -> None:
        self._client = client

    @classmethod
    def connect(
        cls, storage: StateStorage, *, transport: Transport, credential: "TokenCredential | None" = None
    ) -> Self:
        """Build the client; nothing is sent. Raises ConfigurationError for settings that cannot be used."""
        from azure.data.tables import TableClient  # noqa: PLC0415 - `--help` shall not pay for it

        return cls(connect(TableClient, storage, "table", TABLE, transport=transport, credential=credential))

    def highest(self, event: Event) -> int:
        """Return the highest generation that has a row, -1 when there is none. Raises StorageError."""
        first = event_key(event.family, event.identity, 0)
        parameters = {"partition": partition_key(event.workspace, event.subject)}
        for number, prefix in enumerate(PREFIXES):
            parameters[f"from{number}"] = f"{prefix}{first}"
            parameters[f"to{number}"] = f"{prefix}{first[:-1]}{chr(ord(first[-1]) + 1)}"
        with deadline(OPERATION_SECONDS), failing_as_storage("table", "query"):
            found = self._client.query_entities(
                f"PartitionKey eq @partition and ( {RANGES} )", parameters=parameters, select=["RowKey"]
            )
            keys = [str(row["RowKey"]) for row in found]
        shape = re.compile(rf"(?:dry\|)?{re.escape(first)}(?:\|(\d+))?")
        return max((int(match[1] or 0) for match in map(shape.fullmatch, keys) if match), default=-1)
