"""The mail that tells Ops that a guard held a reaction back."""

import msgspec

from shared.actions import SendMail
from shared.notices import Notice


def held_back(notice: Notice, reaction: str, ops: tuple[str, ...], reason: str) -> SendMail:
    """Return the mail to *ops* with the guard's *reason*; *notice* is what a mail would tell of the event."""
    told = msgspec.structs.replace(
        notice,
        kind="held-back",
        headline=f"Held back: {reaction}. {notice.headline}",
        status="Held back by a guard",
        reaction=reaction,
        cause=f"{reason}\n\nNothing was started. More of the same is held back without a mail for a day.\n"
        f"Stop it: python -m ops pause {reaction}. Ask why: python -m ops why. Limits: `guards` in reactions.yaml.",
    )
    return SendMail(to=ops, notice=told)
