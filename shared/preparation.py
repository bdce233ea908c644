"""What a process imports before its first event, while the host gets ready."""

from collections.abc import Callable
from threading import Thread


class Preparation:
    """Has *imports* called in a thread."""

    def __init__(self, imports: Callable[[], None]) -> None:
        self._thread = Thread(target=imports, name="preparation", daemon=True)

    def begin(self) -> None:
        """Begin, if that was not done before."""
        if self._thread.ident is None:
            self._thread.start()

    def wait(self) -> None:
        """Wait for its end: modules that import each other must not be imported by two threads at once."""
        if self._thread.is_alive():
            self._thread.join()
