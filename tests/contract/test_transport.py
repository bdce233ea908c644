"""The transport against servers that hang, drip and hang up, on loopback."""

import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import trustme
from azure.core import PipelineClient
from azure.core.exceptions import AzureError, ServiceRequestError, ServiceResponseError
from azure.core.pipeline.policies import RedirectPolicy, RetryPolicy
from azure.core.rest import HttpRequest, HttpResponse

from shared.errors import DeadlineError
from shared.transport import Transport, build_transport, client_options, deadline, remaining
from tests.fakes.raw_server import ANSWER, Peer, RawServer

SECONDS = 0.5
SLACK = 0.5

HEADERS = b"HTTP/1.1 200 OK\r\nX-Long: " + b"x" * 4096
BODY = b"HTTP/1.1 200 OK\r\nContent-Length: 4096\r\n\r\n"


def answer(peer: Peer) -> None:
    """Answer every request on a connection that is kept."""
    while peer.read_request():
        peer.send(ANSWER)


def hang(peer: Peer) -> None:
    """Take the request and say nothing."""
    peer.read_request()
    peer.hang()


def drip_headers(peer: Peer) -> None:
    """Begin an answer whose headers never end."""
    peer.read_request()
    peer.drip(HEADERS)


def drip_body(peer: Peer) -> None:
    """Begin an answer whose body never ends, its length announced."""
    peer.read_request()
    peer.send(BODY)
    peer.drip(b"x" * 4096)


def drip_unannounced(peer: Peer) -> None:
    """The same where the end of the connection is the end of the body: half of it would look whole."""
    peer.read_request()
    peer.send(b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n")
    peer.drip(b"x" * 4096)


def drip_chunks(peer: Peer) -> None:
    """The same in chunks."""
    peer.read_request()
    peer.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
    peer.drip(b"1\r\nx\r\n" * 1024)


def second_time(script: Callable[[Peer], None]) -> Callable[[Peer], None]:
    """Answer the first request of a connection, then follow *script*."""

    def run(peer: Peer) -> None:
        peer.read_request()
        peer.send(ANSWER)
        script(peer)

    return run


def get(transport: Transport, url: str, **options: object) -> bytes:
    """Send a GET as the SDKs do; returns the body."""
    response = transport.send(HttpRequest("GET", url), **options)
    return bytes(response.read())


@pytest.fixture
def transport() -> Iterator[Transport]:
    """Give a transport with the caps of production."""
    with build_transport() as opened:
        yield opened


TROUBLE = [hang, drip_headers, drip_body, drip_unannounced, drip_chunks]


@pytest.mark.parametrize("script", TROUBLE)
def test_deadline_ends_a_call_under_way(transport: Transport, script: Callable[[Peer], None]) -> None:
    """A hanging or dripping answer ends with the run, as a call of unknown outcome."""
    with RawServer(script) as server:
        started = time.monotonic()
        with deadline(SECONDS), pytest.raises(AzureError) as caught:
            get(transport, server.url)
        assert SECONDS * 0.8 <= time.monotonic() - started <= SECONDS + SLACK
    assert isinstance(caught.value, ServiceResponseError)


@pytest.mark.parametrize("script", TROUBLE)
def test_deadline_covers_a_reused_connection(transport: Transport, script: Callable[[Peer], None]) -> None:
    """A connection from an earlier run is watched by the run that uses it now."""
    with RawServer(second_time(script)) as server:
        with deadline(30):
            assert get(transport, server.url) == b"ok"
        started = time.monotonic()
        with deadline(SECONDS), pytest.raises(ServiceResponseError):
            get(transport, server.url)
        assert time.monotonic() - started <= SECONDS + SLACK
        assert server.connections == 1


def test_deadline_covers_a_streamed_body(transport: Transport) -> None:
    """A body that is read after send() has returned (blobs, table transactions) ends with the run too."""
    with RawServer(drip_body) as server:
        started = time.monotonic()
        with deadline(SECONDS), pytest.raises(AzureError):
            get(transport, server.url, stream=True)
        assert time.monotonic() - started <= SECONDS + SLACK


def test_deadline_covers_a_streamed_body_of_a_closing_connection(transport: Transport) -> None:
    """`Connection: close` lets http.client drop the connection before the body is read: still watched."""
    with RawServer(drip_unannounced) as server:
        started = time.monotonic()
        with deadline(SECONDS):
            get(transport, server.url, stream=True)
            assert time.monotonic() - started <= SECONDS + SLACK
            with pytest.raises(DeadlineError):
                get(transport, server.url)


def test_nothing_is_sent_after_the_deadline(transport: Transport) -> None:
    """A call after the deadline is refused before it reaches the network."""
    with RawServer(answer) as server:
        with deadline(0.0), pytest.raises(DeadlineError):
            get(transport, server.url)
        with deadline(5):
            assert get(transport, server.url) == b"ok"
        assert server.connections == 1


def test_pipelines_let_the_refusal_through(transport: Transport) -> None:
    """A client with azure-core's default retries neither retries nor wraps DeadlineError."""
    with RawServer(hang) as server:
        client: PipelineClient[HttpRequest, HttpResponse] = PipelineClient(
            server.url, policies=[RetryPolicy()], transport=transport
        )
        started = time.monotonic()
        with deadline(SECONDS), pytest.raises(DeadlineError):
            client.send_request(HttpRequest("GET", server.url))
        assert time.monotonic() - started <= SECONDS + SLACK
        assert server.connections == 1


def test_calls_share_a_connection(transport: Transport) -> None:
    """Calls of one run and of the next, and calls without a deadline, go over one connection."""
    with RawServer(answer) as server:
        for _ in range(3):
            with deadline(5):
                assert [get(transport, server.url) for _ in range(3)] == [b"ok"] * 3
        assert get(transport, server.url) == b"ok"
        assert server.connections == 1


def test_ended_run_leaves_the_transport_usable(transport: Transport) -> None:
    """After a run was cut off the next one gets a new connection."""
    scripts = iter([drip_body, answer])

    def one_after_the_other(peer: Peer) -> None:
        next(scripts)(peer)

    with RawServer(one_after_the_other) as server:
        with deadline(SECONDS), pytest.raises(AzureError):
            get(transport, server.url)
        with deadline(5):
            assert get(transport, server.url) == b"ok"


def test_threads_have_their_own_deadlines(transport: Transport) -> None:
    """A run that is cut off does not touch the connection of another run."""
    both = threading.Barrier(2)

    def slow(peer: Peer) -> None:
        peer.read_request()
        both.wait(5)
        peer.drip(ANSWER[:20])
        peer.send(ANSWER[20:])

    def call(seconds: float, url: str) -> bytes | float:
        started = time.monotonic()
        with deadline(seconds):
            try:
                return get(transport, url)
            except AzureError:
                return time.monotonic() - started

    with RawServer(slow) as server, ThreadPoolExecutor(2) as threads:
        short, long = threads.submit(call, SECONDS, server.url), threads.submit(call, 10, server.url)
        ended = short.result(10)
        assert isinstance(ended, float)
        assert ended <= SECONDS + SLACK
        assert long.result(10) == b"ok"


def test_earlier_end_counts_for_a_connection_taken_over(transport: Transport) -> None:
    """The watchdog of a run leaves a connection alone that another run uses by now."""

    def slow(peer: Peer) -> None:
        peer.read_request()
        peer.send(ANSWER)
        peer.read_request()
        peer.drip(ANSWER[:20])
        peer.send(ANSWER[20:])

    def other(url: str) -> bytes:
        with deadline(10):
            return get(transport, url)

    with RawServer(slow) as server, ThreadPoolExecutor(1) as threads, deadline(SECONDS):
        assert get(transport, server.url) == b"ok"
        assert threads.submit(other, server.url).result(10) == b"ok"
        left = remaining()
        assert left is not None
        assert left < 0
        assert server.connections == 1


def test_inner_deadline_is_the_earlier_one() -> None:
    """A deadline inside another shortens it, never lengthens it."""
    assert remaining() is None
    with deadline(10):
        with deadline(100):
            assert (remaining() or 0) <= 10
        with deadline(1):
            assert (remaining() or 0) <= 1
        assert (remaining() or 0) > 1


def test_caps_hold_without_a_deadline() -> None:
    """Without a run the caps of a single call apply, whatever a client asks for."""
    with RawServer(hang) as server, build_transport(read=0.2) as transport:
        started = time.monotonic()
        with pytest.raises(ServiceResponseError):
            get(transport, server.url, read_timeout=60)
        assert time.monotonic() - started <= 0.2 + SLACK


def test_caps_are_those_of_the_design(transport: Transport) -> None:
    """3 s to connect and 12 s to read; no retries, no redirects."""
    config = transport.connection_config  # type: ignore[attr-defined]  # it is azure-core's, untyped
    assert (config.timeout, config.read_timeout) == (3.0, 12.0)
    options = client_options(transport)
    assert (options["retry_total"], options["permit_redirects"]) == (0, False)


def test_redirects_are_not_followed(transport: Transport) -> None:
    """A redirect is an answer like any other: a token never leaves its host."""

    def elsewhere(peer: Peer) -> None:
        peer.read_request()
        peer.send(b"HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:9/\r\nContent-Length: 0\r\n\r\n")

    with RawServer(elsewhere) as server, deadline(5):
        client: PipelineClient[HttpRequest, HttpResponse] = PipelineClient(
            server.url, policies=[RedirectPolicy(**client_options(transport))], transport=transport
        )
        assert client.send_request(HttpRequest("GET", server.url)).status_code == 302


def test_nothing_listening_is_never_sent(transport: Transport) -> None:
    """A refused connection is a request that was never sent."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    with deadline(5), pytest.raises(ServiceRequestError):
        get(transport, f"http://127.0.0.1:{port}/")


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    """Give an authority of our own."""
    return trustme.CA()


@pytest.fixture
def tls(authority: trustme.CA) -> ssl.SSLContext:
    """Give the server's side of TLS for an Azure host name."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("management.azure.com").configure_cert(context)
    return context


@pytest.fixture
def bundle(authority: trustme.CA, tmp_path: Path) -> str:
    """Give the client's side: a file of authorities."""
    path = tmp_path / "authorities.pem"
    authority.cert_pem.write_to_path(str(path))
    return str(path)


def through_proxy(context: ssl.SSLContext, script: Callable[[Peer], None]) -> Callable[[Peer], None]:
    """Accept a CONNECT, then follow *script* inside TLS."""

    def run(peer: Peer) -> None:
        assert peer.read_request().startswith(b"CONNECT management.azure.com:443")
        peer.send(b"HTTP/1.1 200 Connection established\r\n\r\n")
        peer.start_tls(context)
        script(peer)

    return run


@pytest.mark.parametrize("script", [*TROUBLE, second_time(drip_body)])
def test_deadline_covers_https_through_a_proxy(
    transport: Transport, tls: ssl.SSLContext, bundle: str, script: Callable[[Peer], None]
) -> None:
    """The tunnel of a proxy and TLS inside it hide nothing from the watchdog."""
    with RawServer(through_proxy(tls, script)) as server:
        options = {"proxies": {"https": server.url}, "connection_verify": bundle}
        started = time.monotonic()
        with deadline(SECONDS), pytest.raises(ServiceResponseError):  # noqa: PT012 - the second call is the one
            get(transport, "https://management.azure.com/", **options)
            get(transport, "https://management.azure.com/", **options)
        assert time.monotonic() - started <= SECONDS + SLACK
        assert server.connections == 1


@pytest.mark.parametrize("greeting", [b"", b"HTTP/1.1 200 Connection established\r\n\r\n"])
def test_deadline_covers_the_way_to_tls(transport: Transport, bundle: str, greeting: bytes) -> None:
    """A proxy that drips its answer, and a TLS handshake that drips, are requests that were never sent."""

    def drip(peer: Peer) -> None:
        peer.read_request()
        peer.send(greeting)
        # A TLS record of the greatest length, or headers without end: either way it is waited for.
        peer.drip(b"\x16\x03\x03\x40\x00" + b"\x02\x00\x3f\xfc" + b"\x03" * 4096 if greeting else HEADERS)

    with RawServer(drip) as server:
        started = time.monotonic()
        with deadline(SECONDS), pytest.raises(ServiceRequestError):
            get(
                transport,
                "https://management.azure.com/",
                proxies={"https": server.url},
                connection_verify=bundle,
            )
        assert SECONDS * 0.8 <= time.monotonic() - started <= SECONDS + SLACK
