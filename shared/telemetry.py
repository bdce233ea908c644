"""Log lines: a verb and allow-listed facts, one physical line of JSON each. What is logged is what is counted."""

import json
import logging
from typing import TypedDict

LOGGER = logging.getLogger("reactor")
#: Longest line; log pipelines cut longer ones, and then they are no JSON any more.
LINE_CHARACTERS = 8 * 1024
#: Longest value of one fact: the first that keeps the line short enough, escapes included.
VALUE_CHARACTERS = (400, 100, 25)


class Facts(TypedDict, total=False):
    """Every fact that a log line may carry. Payload text goes into none but event, subject and reason."""

    event: str
    family: str
    subject: str
    workspace: str
    reaction: str
    action: str
    decision: str
    outcome: str
    reason: str
    receipt: str
    file: str
    seconds: int
    count: int
    problem: str


def line(did: str, facts: Facts) -> str:
    """Return the log line; text is escaped to ASCII, so that nothing in it can end the line or forge another."""
    told = ""
    for limit in VALUE_CHARACTERS:
        short = {key: value[:limit] if isinstance(value, str) else value for key, value in facts.items()}
        told = json.dumps({"did": did, **short})
        if len(told) <= LINE_CHARACTERS:
            break
    return told


def emit(did: str, facts: Facts, *, level: int = logging.INFO) -> None:
    """Log that *did* happened."""
    if LOGGER.isEnabledFor(level):
        LOGGER.log(level, "%s", line(did, facts))


def quieten_sdks() -> None:
    """Quieten the SDKs' loggers: at INFO they log every request, and urllib3 quotes headers in its warnings."""
    for name in ("azure", "msal"):
        logging.getLogger(name).setLevel(logging.WARNING)
    logging.getLogger("urllib3").setLevel(logging.ERROR)
