"""Figures for the fault tests, and storage of their own."""

import os
from collections.abc import Iterator

import pytest

from tests.faults.accounts import Accounts
from tests.faults.figures import FOLDER, Figures


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
