"""Headers by which mail programs put the mails of one incident into one thread."""

import hashlib
from collections.abc import Mapping

from shared.notices import Notice


def thread_headers(notice: Notice, *, sender: str) -> Mapping[str, str]:
    """Return ``References`` and ``In-Reply-To`` for a mail about an incident; none for any other.

    All of them name one and the same message, which was never sent: so no mail depends on an earlier one having
    arrived, and a mail that comes late finds its thread. Nothing of an event stands in them as it is.
    """
    if notice.incident is None or not notice.incident.thread:
        return {}
    digest = hashlib.sha256(notice.incident.thread.encode("utf-8", "replace")).hexdigest()[:32]
    root = f"<{digest}@{sender.rpartition('@')[2]}>"
    return {"References": root, "In-Reply-To": root}
