"""What the host has in hand and what it has done, counted across threads."""

from threading import Condition


class Tally:
    """Counts of work: in hand now, invocations so far, failed ones among them."""

    def __init__(self) -> None:
        self._changed = Condition()
        self._running = 0
        self._invoked = 0
        self._failed = 0

    def began(self) -> None:
        """Take one delivery (a push request, a queue message) in hand."""
        with self._changed:
            self._running += 1

    def ended(self) -> None:
        """Put one delivery out of hand: it is answered or settled."""
        with self._changed:
            self._running -= 1
            self._changed.notify_all()

    def invoked(self, *, succeeded: bool) -> None:
        """Count one finished invocation."""
        with self._changed:
            self._invoked += 1
            self._failed += not succeeded

    def counts(self) -> dict[str, int]:
        """Give all counts of one moment: running, invoked, failed."""
        with self._changed:
            return {"running": self._running, "invoked": self._invoked, "failed": self._failed}

    def wait_idle(self, timeout: float) -> bool:
        """Wait until nothing is in hand, at most *timeout* seconds; False when something still is."""
        with self._changed:
            return self._changed.wait_for(lambda: self._running == 0, timeout)
