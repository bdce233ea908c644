"""The watchdog on a pair of sockets: what it cuts, what it leaves alone, what it gives back."""

import socket
import time
from collections.abc import Iterator

import pytest

from shared.transport.watchdog import Line, Run, current_run, deadline, remaining


@pytest.fixture
def ends() -> Iterator[tuple[socket.socket, socket.socket]]:
    """Give both ends of a connection; a read that nobody ends fails after 5 s."""
    ours, theirs = socket.socketpair()
    with ours, theirs:
        ours.settimeout(5)
        theirs.settimeout(5)
        yield ours, theirs


def test_line_is_cut_at_the_deadline(ends: tuple[socket.socket, socket.socket]) -> None:
    """A read under way ends, not before the deadline."""
    line = Line(ends[0])
    started = time.monotonic()
    with deadline(0.1):
        line.take(current_run())
        assert ends[0].recv(1) == b""
    assert time.monotonic() - started >= 0.1
    line.close()


def test_line_that_comes_late_is_cut_at_once(ends: tuple[socket.socket, socket.socket]) -> None:
    """A connection that was made while the deadline passed is of no use any more."""
    run = Run(time.monotonic())
    first, late = Line(ends[0]), Line(ends[1])
    first.take(run)
    assert ends[0].recv(1) == b""  # so the watchdog has been
    ours, theirs = socket.socketpair()
    with ours, theirs:
        theirs.settimeout(5)
        other = Line(ours)
        other.take(run)
        assert theirs.recv(1) == b""
        other.close()
    for line in (first, late):
        line.close()
    run.finish()


def test_finished_run_cuts_nothing(ends: tuple[socket.socket, socket.socket]) -> None:
    """After the end of a run its connections belong to others."""
    ours, theirs = ends
    line = Line(ours)
    with deadline(0.05):
        line.take(current_run())
    witness = Run(time.monotonic() + 0.1)
    pair = socket.socketpair()
    with pair[0], pair[1]:
        watched = Line(pair[0])
        watched.take(witness)
        pair[0].settimeout(5)
        assert pair[0].recv(1) == b""  # 0.1 s later: the first deadline has passed too
        watched.close()
    theirs.sendall(b"x")
    assert ours.recv(1) == b"x"
    line.close()
    witness.finish()


def test_handle_is_given_back_when_the_answer_is_read(ends: tuple[socket.socket, socket.socket]) -> None:
    """A connection closed before its answer was read stays watched; its handle goes with the run."""
    ours, theirs = ends
    line = Line(ours)
    with deadline(10):
        line.take(current_run())
        line.close(unread=True)
        ours.close()
        theirs.settimeout(0)
        with pytest.raises(BlockingIOError):
            theirs.recv(1)
    assert theirs.recv(1) == b""


def test_no_deadline_means_none() -> None:
    """Outside of a run there is nothing to count."""
    assert current_run() is None
    assert remaining() is None
