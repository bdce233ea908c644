"""What tests of the operator's commands share."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from ops.connection import State
from tests.fakes.service import FakeService
from tests.unit.test_ops_replay import state


@pytest.fixture
def service(monkeypatch: pytest.MonkeyPatch) -> FakeService:
    """Give the service whose table the commands work on."""
    service = FakeService()

    @contextmanager
    def connected(_storage: object) -> Iterator[State]:
        yield state(service)

    monkeypatch.setattr("ops.dead_letters.connected", connected)
    return service
