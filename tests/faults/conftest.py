"""Figures for the fault tests, and storage of their own."""

import os
from collections.abc import Iterator

import pytest

from tests.faults.accounts import Accounts
from tests.faults.figures import FOLDER, Figures

#: Real processes that are killed, stopped or cut off under time limits, which a busy machine does not keep:
#: `make figures` and `make test-long` run them; the rest of each bar runs with every `make test`.
TIMED = (
    "test_crash_matrix.py::test_killed_twice",
    "test_crash_matrix.py::test_told_to_end",
    "test_storage_outage.py",
    "test_zombie.py",
)
RUN_TIMED = os.environ.get("REACTOR_TIMED_FAULTS") == "1"  # noqa: TID251 - a switch of the tests


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Leave out, and say so, what needs a machine of its own."""
    for item in items:
        if not RUN_TIMED and any(f"faults/{name}" in item.nodeid for name in TIMED):
            item.add_marker(
                pytest.mark.skip(reason="needs a quiet machine: `make figures` or `make test-long` runs it")
            )


@pytest.fixture(scope="session")
def figures(worker_id: str) -> Figures:
    """Return where this process records its figures; a new run begins anew."""
    file = FOLDER / f"{worker_id}-{os.getpid()}.jsonl"
    file.unlink(missing_ok=True)
    return Figures(file)


@pytest.fixture(scope="session")
def accounts() -> Iterator[Accounts]:
    """Give storage accounts that nothing else uses, on one Azurite per worker."""
    with Accounts() as accounts:
        yield accounts
