"""Dead letters of which others are told: with each a message of our own goes into the queue.

To tell may fail and wait, and the letter may not: so a delivery of its own publishes the event (handlers/letters.py).
"""

from shared.actions import FINISHED_TOLD, LETTER_TOLD, VERDICT_TOLD, Failed, reaction_of
from shared.events import TEXT_LIMIT, Event
from shared.gateways import Queue
from shared.ledger import Admission
from shared.messages import wrap

LETTER_KEPT = "WorkspaceReactor.LetterKept"
#: That others could not be told is not told to them.
SILENT = (FINISHED_TOLD, VERDICT_TOLD, LETTER_TOLD)


def tell_letter(
    queue: Queue, event: Event, outcome: Failed, admission: Admission, *, failure: str, letter: str
) -> None:
    """Have others told that *event* is kept as *letter*, once: the letter's name derives from the failure.

    Raises StorageError.
    """
    action = failure.partition("#")[0]
    if action.removeprefix(reaction_of(action)) in SILENT:
        return
    kept = {
        "id": letter,
        "topic": event.workspace,
        "subject": f"deadLetters/{letter}",
        "eventType": LETTER_KEPT,
        "eventTime": admission.now.isoformat(),
        "data": {
            "failure": failure,
            "reason": outcome.reason[:TEXT_LIMIT],
            "letter": letter,
            "event": event.envelope.id,
        },
        "dataVersion": "1",
    }
    queue.send(wrap(kept).encode())
