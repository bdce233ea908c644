"""Certificates for Azure's host names, from an authority of the twin's own that only its own app trusts."""

import ssl
import threading
from pathlib import Path

import trustme


class Certificates:
    """An authority and a certificate for every host name asked for. Thread-safe.

    The authority's certificate is in the file `authority`; its key never leaves this process.
    """

    def __init__(self, folder: Path) -> None:
        self.authority = folder / "authority.pem"
        self._issuer = trustme.CA(organization_name="Workspace Reactor offline twin")
        self._issuer.cert_pem.write_to_path(self.authority)
        self._lock = threading.Lock()
        self._contexts: dict[str, ssl.SSLContext] = {}

    def server_context(self) -> ssl.SSLContext:
        """TLS for a server that shows each client the certificate of the host it asks for (SNI)."""
        context = self._context("127.0.0.1")
        context.sni_callback = self._choose
        return context

    def _choose(self, connection: ssl.SSLObject, host: str | None, _: ssl.SSLContext) -> int | None:
        if host:
            connection.context = self._context(host)
        return None

    def _context(self, host: str) -> ssl.SSLContext:
        with self._lock:
            if host not in self._contexts:
                context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
                self._issuer.issue_cert(host).configure_cert(context)
                self._contexts[host] = context
            return self._contexts[host]
