"""One HTTP transport for all Azure clients, with the run's deadline.

    with deadline(20.0):
        ...every call of every client built on build_transport() ends by then

An answer that drips a byte a second never trips a read time-out; shared/transport/watchdog.py closes its socket.
"""

from typing import TYPE_CHECKING, Any, TypedDict

from shared.transport.watchdog import deadline, remaining

if TYPE_CHECKING:
    from azure.core.pipeline.transport import HttpTransport

__all__ = ["ClientOptions", "Transport", "build_transport", "client_options", "deadline", "remaining"]

type Transport = HttpTransport[Any, Any]

#: Bounds of a single call (measured against azure-core 1.41: its own defaults are 300 s each).
CONNECT_SECONDS = 3.0
READ_SECONDS = 12.0


class ClientOptions(TypedDict):
    """What every Azure client is built with."""

    transport: Transport
    retry_total: int
    permit_redirects: bool


def build_transport(*, connect: float = CONNECT_SECONDS, read: float = READ_SECONDS) -> Transport:
    """Build the transport that all clients of a process share; *connect* and *read* cap a call, in seconds."""
    # azure-core and requests take 0.1 s to import: not at index.
    from shared.transport.deadline_transport import DeadlineTransport  # noqa: PLC0415 - see the line above

    return DeadlineTransport(connect=connect, read=read)


def client_options(transport: Transport) -> ClientOptions:
    """Build every client with these: the shared transport, no retries (the queue retries), no redirects."""
    return ClientOptions(transport=transport, retry_total=0, permit_redirects=False)
