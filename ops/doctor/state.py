"""What lies in state storage, as the doctor reads it: counts, names and times, with the operator's own login."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from functools import cache
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from ops.doctor.arm import LOGIN
from ops.doctor.finding import CannotLookError
from ops.letter_box import LetterBox, Listing
from ops.problems import NEVER_SENT, NO_TOKEN
from shared.errors import ConfigurationError, DeadlineError, StorageError
from shared.gateways.blobs import DEAD_LETTERS
from shared.gateways.queue import QUEUE
from shared.settings import StateStorage
from shared.state_storage import connect, failing_as_storage
from shared.store import TABLE, Row
from shared.store.entities import values_of
from shared.switches import SWITCHES, Pause, read_pause
from shared.transport import Transport, deadline

if TYPE_CHECKING:
    from azure.core.credentials import TokenCredential

OPERATION_SECONDS = 60.0
POISON = f"{QUEUE}-poison"
#: The newest rows are looked for in the last hour first, then further back: a table has no order by time.
SPANS = (timedelta(hours=1), timedelta(days=1), timedelta(days=7), timedelta(days=30))
EVENTS = "( RowKey ge 'event|' and RowKey lt 'event}' ) or ( RowKey ge 'dry|event|' and RowKey lt 'dry|event}' )"
#: What a reader of the state needs, by service.
READERS = {
    "queue": ("Storage Queue Data Reader", f"the queues {QUEUE} and {POISON}"),
    "table": ("Storage Table Data Reader", f"the table {TABLE}"),
    "blob": ("Storage Blob Data Reader", f"the container {DEAD_LETTERS}"),
}


class State:
    """Queues, table and dead letters. Every method raises CannotLookError. Nothing is received, written or deleted."""

    def __init__(
        self, storage: StateStorage, *, transport: Transport, credential: "Callable[[], TokenCredential]"
    ) -> None:
        self._storage, self._transport = storage, transport
        self._credential = None if storage.connection_string else credential()
        self.letters = cache(self._letters)

    def messages(self, queue: str) -> int:
        """Count the messages of a queue, those that are hidden or delayed too; Azure calls the number approximate."""
        from azure.storage.queue import QueueClient  # noqa: PLC0415 - `--help` shall not pay for it

        with _looking(), failing_as_storage("queue", "count"):
            client = connect(
                QueueClient, self._storage, "queue", queue, transport=self._transport, credential=self._credential
            )
            return int(client.get_queue_properties().approximate_message_count or 0)

    def last_event(self, now: datetime) -> datetime | None:
        """Tell when the row of an event was last written, of late; None when none was in the longest of SPANS."""
        for span in SPANS:
            filters = f"Timestamp ge @since and ( {EVENTS} )"
            times: list[datetime] = [
                row.metadata["timestamp"] for row in self._rows(filters, {"since": now - span}, ["RowKey"])
            ]
            if times:
                return max(times)
        return None

    def pauses(self) -> list[Pause]:
        """Read the pauses in force; a switch that cannot be read is one, as for the app."""
        rows = self._rows("PartitionKey eq @partition", {"partition": SWITCHES}, None)
        switches = (Row(partition=SWITCHES, key=str(row["RowKey"]), values=values_of(row)) for row in rows)
        return [pause for pause in map(read_pause, switches) if pause is not None]

    def _rows(self, query: str, parameters: dict[str, Any], select: list[str] | None) -> Iterator[Any]:
        """Yield the rows of the first page: what there is besides does not change the answer."""
        from azure.data.tables import TableClient  # noqa: PLC0415 - as above

        with _looking(), failing_as_storage("table", "query"):
            client = connect(
                TableClient, self._storage, "table", TABLE, transport=self._transport, credential=self._credential
            )
            page = next(client.query_entities(query, parameters=parameters, select=select).by_page(), ())
            found = list(page)
        yield from found

    def _letters(self) -> Listing:
        with _looking():
            return LetterBox.connect(self._storage, transport=self._transport, credential=self._credential).entries()


@contextmanager
def _looking() -> Iterator[None]:
    try:
        with deadline(OPERATION_SECONDS):
            yield
    except ConfigurationError as error:
        raise CannotLookError("; ".join(error.problems), "mend the setting") from None
    except DeadlineError:
        raise CannotLookError("state storage did not answer in time", "try again") from None
    except StorageError as error:
        raise _cannot_look(error) from None


def _cannot_look(error: StorageError) -> CannotLookError:
    service, status, name = str(error.facts["service"]), error.facts.get("status"), str(error.facts["problem"])
    role, scope = READERS[service]
    if status in {HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN}:
        remedy = f"your login needs the role {role} on {scope}; with a role, look at the account's firewall"
        return CannotLookError(f"{service} storage refuses your login ({status})", remedy)
    if status == HTTPStatus.NOT_FOUND:
        return CannotLookError(f"the account has not {scope}", "see what is said of storage above")
    if status is None and name in NEVER_SENT:
        remedy = "a private account is reached from inside its network: run the doctor there"
        return CannotLookError(f"{service} storage cannot be reached", remedy)
    if status is None and name in NO_TOKEN:
        return CannotLookError("there is no Azure login to be had", LOGIN)
    return CannotLookError(f"{service} storage did not answer as it should ({status or name})", "try again")
