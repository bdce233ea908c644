"""Whose name stands in what an operator changes: that of the login, or of the user of this machine."""

import base64
import binascii
import getpass
from typing import TYPE_CHECKING

import msgspec

from shared.state_storage import failing_as_storage

if TYPE_CHECKING:
    from azure.core.credentials import TokenCredential

SCOPE = "https://storage.azure.com/.default"
#: Claims of a token of Entra ID, the one that people know first: of a person, then of a service.
CLAIMS = ("upn", "unique_name", "preferred_username", "appid", "oid")
NOBODY = "somebody"


def who(credential: "TokenCredential | None") -> str:
    """Return the name in the login's own token; without a login, which a connection string needs not, the machine's.

    Raises StorageError where there is no login to be had.
    """
    if credential is None:
        return _user()
    with failing_as_storage("table", "login"):
        token = credential.get_token(SCOPE).token
    return name_in(token) or NOBODY


def name_in(token: str) -> str:
    """Return who a token is for, as it says itself, "" where it does not: storage is who checks it."""
    try:
        part = token.split(".")[1]
        claims = msgspec.json.decode(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)), type=dict[str, object])
    except (IndexError, binascii.Error, ValueError, msgspec.DecodeError):
        return ""
    return next((name for claim in CLAIMS if isinstance(name := claims.get(claim), str) and name), "")


def _user() -> str:
    try:
        return getpass.getuser()
    except (OSError, KeyError, ImportError):  # a container has users without names
        return NOBODY
