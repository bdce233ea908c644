"""A pytest plugin for teams that test their own reactions: ``pytest_plugins = ["testkit"]`` gives `reactor`.

docs/testing-reactions.md tells it with an example. Never deployed; nothing that is deployed imports it.
"""

from pathlib import Path

import pytest

from ops.rules import REACTIONS_FILE, read_rules
from shared.errors import ConfigurationError
from testkit.reactor import Reactor

__all__ = ["Reactor", "pytest_addoption", "reactor"]


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the settings of the kit to pytest's ini file."""
    parser.addini("reactor_folder", "folder of the reactions, from that of the ini file", default=".")
    parser.addini("reactor_file", "name of the reactions' file in it", default=REACTIONS_FILE)


@pytest.fixture(scope="session")
def reactor(pytestconfig: pytest.Config) -> Reactor:
    """The reactions of this repository, to be tried: `reactor.when(event).starts("retrain")`."""
    folder = (pytestconfig.rootpath / pytestconfig.getini("reactor_folder")).resolve()
    return _read(folder, str(pytestconfig.getini("reactor_file")))


def _read(folder: Path, file: str) -> Reactor:
    try:
        return Reactor(folder=folder, reactions=read_rules(folder, file=file))
    except ConfigurationError as error:
        where = f"in {folder} (ini options reactor_folder and reactor_file)"
        problems = "\n".join(f"  {problem}" for problem in error.problems)
    pytest.fail(f"the reactions cannot be used, {where}:\n{problems}", pytrace=False)
