"""A queue as the queue trigger uses it: text as it is stored, and the extension's answer to every refusal."""

import contextlib
import logging
from collections.abc import Callable
from datetime import datetime
from http import HTTPStatus
from threading import Event

import msgspec
from azure.core.exceptions import AzureError, HttpResponseError, ResourceExistsError, ResourceNotFoundError
from azure.storage.queue import QueueClient

from local.host.errors import HostError, HostStopError
from local.host.pace import Pace

#: Seconds a received message stays hidden, and how often that is renewed while its function runs
#: (measured with Microsoft.Azure.WebJobs.Extensions.Storage.Queues 5.3.10; neither can be configured).
INVISIBLE_SECONDS = 600.0
RENEW_SECONDS = 300.0
#: A copy in the poison queue lives 7 days, however long the original might have (measured, same version).
POISON_SECONDS = 7 * 24 * 3600
POISON_SUFFIX = "-poison"
#: A call is tried six times within 22 to 26 seconds: waits of 0.8 s, doubling (defaults of Azure.Core for .NET).
TRIES = 6
FIRST_WAIT_SECONDS = 0.8
TIMEOUT_SECONDS = 20

log = logging.getLogger(__name__)


class StoredMessage(msgspec.Struct, frozen=True, kw_only=True):
    """A received message. *text* is as stored, not decoded."""

    id: str
    pop_receipt: str
    text: str
    dequeue_count: int
    inserted_on: datetime | None
    expires_on: datetime | None
    next_visible_on: datetime | None


class SourceQueue:
    """The queue *name* and its poison queue. Every method raises HostStopError where the real host stops."""

    def __init__(self, connection_string: str, name: str, *, pace: Pace, stopping: Event) -> None:
        self.name = name
        self._pace = pace
        self._stopping = stopping
        try:
            self._queue = _client(connection_string, name)
            self._poison = _client(connection_string, name + POISON_SUFFIX)
        except ValueError as error:
            raise HostError("the connection string of the queue trigger's connection setting is malformed") from error

    @property
    def is_poison(self) -> bool:
        """Whether this is a poison queue: it has none of its own."""
        return self.name.endswith(POISON_SUFFIX)

    def receive(self, count: int) -> list[StoredMessage]:
        """Take up to *count* messages in one request; none while the queue is missing or storage is out of order."""
        hidden = self._pace.invisibility(INVISIBLE_SECONDS)
        try:
            page = self._tried(
                lambda: next(
                    self._queue.receive_messages(messages_per_page=count, visibility_timeout=hidden).by_page(), ()
                )
            )
            return [
                StoredMessage(
                    id=message.id,
                    pop_receipt=message.pop_receipt or "",
                    text=message.content or "",
                    dequeue_count=message.dequeue_count or 0,
                    inserted_on=message.inserted_on,
                    expires_on=message.expires_on,
                    next_visible_on=message.next_visible_on,
                )
                for message in page
            ]
        except HttpResponseError as error:
            if _status(error) == HTTPStatus.NOT_FOUND or _status(error) >= HTTPStatus.INTERNAL_SERVER_ERROR:
                log.warning("queue.unavailable: %s, status %d", self.name, _status(error))
                return []
            raise _stop("receive", error) from error
        except AzureError as error:
            raise _stop("receive", error) from error

    def renew(self, message: StoredMessage) -> StoredMessage:
        """Hide *message* for another full term; the message with its new receipt."""
        return self._hide(message, self._pace.invisibility(INVISIBLE_SECONDS))

    def release(self, message: StoredMessage, after: float) -> None:
        """Let *message* come back after *after* seconds (of Azure's time; whole ones, the rest is cut)."""
        self._hide(message, self._pace.invisibility(int(after)))

    def _hide(self, message: StoredMessage, seconds: int) -> StoredMessage:
        answer = self._settled(
            "update",
            lambda: self._queue.update_message(message.id, message.pop_receipt, visibility_timeout=seconds),
        )
        return msgspec.structs.replace(message, pop_receipt=answer.pop_receipt) if answer is not None else message

    def delete(self, message: StoredMessage) -> None:
        """Delete *message*; a receipt that has become invalid is no error."""
        self._settled("delete", lambda: self._queue.delete_message(message.id, message.pop_receipt))

    def poison(self, message: StoredMessage) -> None:
        """Copy the text as stored into the poison queue, created if missing, then delete the original."""

        def copy() -> None:
            self._poison.send_message(message.text, time_to_live=POISON_SECONDS)

        try:
            try:
                self._tried(copy)
            except ResourceNotFoundError:
                with contextlib.suppress(ResourceExistsError):  # another message of the batch was here first
                    self._tried(self._poison.create_queue)
                self._tried(copy)
        except AzureError as error:
            raise _stop("copy to the poison queue", error) from error
        self.delete(message)

    def close(self) -> None:
        """Close the connections."""
        self._queue.close()
        self._poison.close()

    def _settled[T](self, what: str, call: Callable[[], T]) -> T | None:
        try:
            return self._tried(call)
        except HttpResponseError as error:
            if _status(error) in {HTTPStatus.BAD_REQUEST, HTTPStatus.NOT_FOUND}:  # the receipt is no longer valid
                return None
            raise _stop(what, error) from error
        except AzureError as error:
            raise _stop(what, error) from error

    def _tried[T](self, call: Callable[[], T]) -> T:
        """Call up to six times while the answer is one that passes; the last error is raised."""
        for attempt in range(TRIES - 1):
            try:
                return call()
            except AzureError as error:
                if not _passes(error) or self._stopping.wait(self._pace.seconds(FIRST_WAIT_SECONDS * 2**attempt)):
                    raise
        return call()


def _client(connection_string: str, name: str) -> QueueClient:
    """Raw text in and out, and no retries but our own."""
    return QueueClient.from_connection_string(
        connection_string,
        name,
        retry_total=0,
        connection_timeout=TIMEOUT_SECONDS,
        read_timeout=TIMEOUT_SECONDS,
    )


def _status(error: HttpResponseError) -> int:
    return error.status_code or 0


def _passes(error: AzureError) -> bool:
    """Whether trying again may help: throttled, out of order, or no answer at all."""
    if not isinstance(error, HttpResponseError):
        return True
    status = _status(error)
    return (
        status in {HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.TOO_MANY_REQUESTS}
        or status >= HTTPStatus.INTERNAL_SERVER_ERROR
    )


def _stop(what: str, error: AzureError) -> HostStopError:
    status = _status(error) if isinstance(error, HttpResponseError) else 0
    return HostStopError(f"{what}: {f'refused with status {status}' if status else 'no answer from storage'}")
