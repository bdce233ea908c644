"""The transport itself: azure-core's, on connections that the run's watchdog can end.

Imported by `shared.transport.build_transport` when the first client is built, never at index.
"""

# ruff: noqa: ANN401 - what is passed on unread has the types that urllib3, requests and azure-core give it

import http.cookiejar
import socket
from typing import Any

import requests
from azure.core.exceptions import AzureError, ServiceRequestTimeoutError, ServiceResponseTimeoutError
from azure.core.pipeline.transport import RequestsTransport
from requests.adapters import HTTPAdapter
from urllib3 import HTTPConnectionPool, HTTPResponse, HTTPSConnectionPool, Retry
from urllib3.connection import HTTPConnection, HTTPSConnection

from shared.errors import DeadlineError
from shared.transport.watchdog import Line, current_run

#: Connections kept per host; the Functions worker runs fewer calls than that at the same time.
POOL_SIZE = 32

LATE = "The run's deadline passed before the answer was complete."


class WatchedConnection(HTTPConnection):
    """An HTTP connection whose socket the run of its present call can cut."""

    _line: Line | None = None
    _answering = False

    def _new_conn(self) -> socket.socket:
        # Here, not after connect(): a proxy's answer or a TLS handshake may drip as well.
        sock = super()._new_conn()
        self._line = Line(sock)
        self._line.take(current_run())
        return sock

    def request(self, *args: Any, **kwargs: Any) -> None:
        """Send a request; the connection serves the present run from here on."""
        run = current_run()
        if run is not None:
            run.sent = True
        if self._line is not None:
            self._line.take(run)
        super().request(*args, **kwargs)

    def getresponse(self) -> HTTPResponse:  # type: ignore[override]  # urllib3 overrides http.client's just so
        """Read status and headers."""
        self._answering = True
        try:
            return super().getresponse()
        except BaseException:
            if self._line is not None:
                self._line.close()
            raise
        finally:
            self._answering = False

    def close(self) -> None:
        """Close the connection. After `Connection: close` http.client does so before the body is read."""
        super().close()
        if self._line is not None:
            self._line.close(unread=self._answering)
            if not self._answering:
                self._line = None


class WatchedHTTPSConnection(WatchedConnection, HTTPSConnection):
    """The same with TLS, direct or through a proxy's tunnel."""


class WatchedPool(HTTPConnectionPool):
    """A pool of watched connections."""

    ConnectionCls = WatchedConnection


class WatchedHTTPSPool(HTTPSConnectionPool):
    """A pool of watched connections with TLS."""

    ConnectionCls = WatchedHTTPSConnection


POOLS = {"http": WatchedPool, "https": WatchedHTTPSPool}


class WatchedAdapter(HTTPAdapter):
    """The adapter of requests on watched pools, direct and behind an HTTP proxy."""

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        """Make the pools of direct connections."""
        super().init_poolmanager(*args, **kwargs)
        self.poolmanager.pool_classes_by_scheme = POOLS

    def proxy_manager_for(self, proxy: str, **proxy_kwargs: Any) -> Any:
        """Make the pools of connections through *proxy*."""
        manager = super().proxy_manager_for(proxy, **proxy_kwargs)
        if not proxy.lower().startswith("socks"):  # those need connection classes of their own
            manager.pool_classes_by_scheme = POOLS
        return manager


class DeadlineTransport(RequestsTransport):  # type: ignore[misc]  # azure-core exports it lazily, untyped
    """azure-core's transport under the run's deadline.

    Each call is capped: *connect* and *read* seconds, and what is left of the run. After the deadline a call is
    refused with DeadlineError, which is no AzureError, so that no pipeline retries or wraps it. A call that the
    deadline ends fails as one whose answer did not come in time (ServiceResponseTimeoutError: outcome unknown), or
    as ServiceRequestTimeoutError when its request was never sent.
    """

    def __init__(self, *, connect: float, read: float) -> None:
        session = requests.Session()
        session.cookies.set_policy(http.cookiejar.DefaultCookiePolicy(allowed_domains=[]))  # shared by all clients
        # Retries as azure-core's own session has them: none, the pipelines decide.
        retries = Retry(total=False, redirect=False, raise_on_status=False)
        adapter = WatchedAdapter(pool_maxsize=POOL_SIZE, max_retries=retries)
        session.mount("http://", adapter)
        session.mount("https://", adapter)
        super().__init__(session=session, connection_timeout=connect, read_timeout=read)

    def send(self, request: Any, *, proxies: Any = None, **kwargs: Any) -> Any:
        """Send *request* in the time that is left. Raises DeadlineError when there is none, AzureError as usual."""
        run = current_run()
        caps = [self.connection_config.timeout, self.connection_config.read_timeout]
        if run is not None:
            left = run.remaining
            if left <= 0:
                raise DeadlineError
            caps = [min(cap, left) for cap in caps]
            run.sent = False
        kwargs["connection_timeout"] = min(kwargs.get("connection_timeout", caps[0]), caps[0])
        kwargs["read_timeout"] = min(kwargs.get("read_timeout", caps[1]), caps[1])
        try:
            response = super().send(request, proxies=proxies, **kwargs)
        except AzureError as error:
            if run is None or not run.over:
                raise
            raise (ServiceResponseTimeoutError if run.sent else ServiceRequestTimeoutError)(
                LATE, error=error
            ) from error
        if run is not None and run.over:
            # http.client takes the end of a connection for the end of the headers: this answer may be half of one.
            raise ServiceResponseTimeoutError(LATE)
        return response
