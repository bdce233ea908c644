"""What a message needs besides its families; shared/bootstrap.py builds it. Every part raises ConfigurationError."""

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from shared.gateways import Blobs, DeadLetters, Queue
    from shared.messages import Message
    from shared.orchestration import Orchestration
    from shared.post import Post
    from shared.reactions import Reactions
    from shared.settings import Settings


class Service(Protocol):
    """The service of one process."""

    @property
    def settings(self) -> "Settings": ...  # noqa: D102 - see shared/bootstrap.py

    @property
    def reactions(self) -> "Reactions": ...  # noqa: D102

    @property
    def post(self) -> "Post": ...  # noqa: D102

    @property
    def queue(self) -> "Queue": ...  # noqa: D102

    @property
    def large_events(self) -> "Blobs": ...  # noqa: D102

    @property
    def dead_letters(self) -> "DeadLetters": ...  # noqa: D102

    def accepts(self, workspace: str) -> bool:
        """Tell whether this is one of the workspaces to react to."""
        ...

    def orchestration(self, message: "Message") -> "Orchestration":
        """Return the orchestration of one delivery."""
        ...
