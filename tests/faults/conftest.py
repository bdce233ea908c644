"""Figures for the fault tests."""

import os

import pytest

from tests.faults.figures import FOLDER, Figures


@pytest.fixture(scope="session")
def figures(worker_id: str) -> Figures:
    """Return where this process records its figures; a new run begins anew."""
    file = FOLDER / f"{worker_id}-{os.getpid()}.jsonl"
    file.unlink(missing_ok=True)
    return Figures(file)
