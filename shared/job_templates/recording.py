"""The other end of a rehearsal: a transport that records instead of sending, and a token that is never sent."""

import base64
import json
from typing import TYPE_CHECKING, Any, Self
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from azure.core.credentials import AccessToken

#: 2100-01-01T00:00:00Z: the token is never sent, so it need not expire.
FAR = 4102444800


class RecordedError(Exception):
    """Ends the call that is rehearsed: its request is recorded, and there is no answer to it."""

    def __init__(self) -> None:
        # azure-ai-ml logs this line as a failure of its own.
        super().__init__("recorded instead of sent, as intended: this is a rehearsal")


class Recorder:
    """An azure-core transport: keeps requests; the workspace itself is not found, everything else ends the call."""

    def __init__(self, workspace: str) -> None:
        self._workspace = workspace
        self.requests: list[Any] = []

    def send(self, request: Any, **_: object) -> None:  # noqa: ANN401 - two request classes of azure-core
        """Record *request*; always raises."""
        from azure.core.exceptions import ResourceNotFoundError  # noqa: PLC0415 - Azure SDKs are imported where they are used

        if request.method == "GET" and urlsplit(request.url).path == self._workspace:
            raise ResourceNotFoundError  # asked for a cache key only; azure-ai-ml goes on without it
        self.requests.append(request)
        raise RecordedError

    def open(self) -> None:
        """Nothing to open."""

    def close(self) -> None:
        """Nothing to close."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        pass


class NobodysCredential:
    """Gives a token that azure-ai-ml can decode (it reads audience and tenant) and that is good for nothing."""

    def get_token(self, *_: str, **__: object) -> "AccessToken":
        """The same token for every scope."""
        from azure.core.credentials import AccessToken  # noqa: PLC0415 - Azure SDKs are imported where they are used

        claims: tuple[dict[str, str], ...] = ({"alg": "none"}, {"aud": "https://ml.azure.com", "tid": "0"}, {})
        parts = (base64.urlsafe_b64encode(json.dumps(part).encode()).decode().rstrip("=") for part in claims)
        return AccessToken(".".join(parts), FAR)
