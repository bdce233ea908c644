"""What a process imports before its first event, while the host gets ready."""

from threading import Thread


class Preparation:
    """Imports what clients are built from, in a thread named "preparation"; nothing is built or sent."""

    def __init__(self) -> None:
        self._thread = Thread(target=_import_clients, name="preparation", daemon=True)

    def begin(self) -> None:
        """Begin, if that was not done before."""
        if self._thread.ident is None:
            self._thread.start()

    def wait(self) -> None:
        """Wait for its end: modules that import each other must not be imported by two threads at once."""
        if self._thread.is_alive():
            self._thread.join()


def _import_clients() -> None:
    # ruff: noqa: F401, PLC0415 - imported to be there, and not at index
    import azure.identity
    import azure.mgmt.core.policies
    import azure.storage.queue

    import shared.store.transactions
    import shared.transport.deadline_transport
