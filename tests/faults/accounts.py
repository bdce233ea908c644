"""An Azurite of its own for the fault tests, with many accounts: each rig has storage that nothing else touches."""

import base64
import itertools
import re
from types import TracebackType
from typing import Self

import pytest

from local.azurite import ACCOUNT, KEY, Azurite, create_state

#: Made up; it opens nothing but an Azurite on loopback.
OUR_KEY = base64.b64encode(b"fault-tests").decode()
ACCOUNTS = 200


class Accounts:
    """A context manager; `take` gives the connection string of an account that nobody has used yet."""

    def __init__(self) -> None:
        self.azurite = Azurite()
        self._numbers = itertools.count()

    def __enter__(self) -> Self:
        names = [ACCOUNT + f":{KEY}", *(f"{_name(number)}:{OUR_KEY}" for number in range(ACCOUNTS))]
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("AZURITE_ACCOUNTS", ";".join(names))
            self.azurite.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.azurite.close()

    def take(self) -> str:
        """Return the connection string of a fresh account in which the state is created."""
        name = _name(next(self._numbers))
        account = self.azurite.connection_string.replace(ACCOUNT, name)
        connection_string = re.sub(r"AccountKey=[^;]*", f"AccountKey={OUR_KEY}", account)
        create_state(connection_string)
        return connection_string


def _name(number: int) -> str:
    return f"faults{number:03}"
