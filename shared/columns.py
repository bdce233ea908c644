"""Columns of an event's row: one for each action of a reaction."""

from collections.abc import Callable, Mapping

from shared.actions import (
    alert_beside,
    finished_told,
    letter_told,
    mail_beside,
    reaction_of,
    tags_of,
    verdict_on,
    verdict_told,
)

#: Reaction names hold no underscore, property names no hyphen: the mapping is one to one.
REACTION_COLUMN = "r_"
#: The mail of a reaction that starts a job as well.
MAIL_COLUMN = "m_"
#: The mail that tells Ops that a guard held the reaction back, or that its job is overdue.
ALERT_COLUMN = "a_"
#: The verdict on a job of the reaction, in the row of its end.
VERDICT_COLUMN = "v_"
#: The tags that tell that verdict.
TAGS_COLUMN = "t_"
#: The events that tell others of the end, of the verdict, and of a dead letter.
FINISHED_COLUMN, VERDICT_EVENT_COLUMN, LETTER_COLUMN = "e_", "g_", "l_"

#: The key of an action of a reaction, by the column that holds its record.
KEYS: Mapping[str, Callable[[str], str]] = {
    REACTION_COLUMN: str,
    MAIL_COLUMN: mail_beside,
    ALERT_COLUMN: alert_beside,
    VERDICT_COLUMN: verdict_on,
    TAGS_COLUMN: tags_of,
    FINISHED_COLUMN: finished_told,
    VERDICT_EVENT_COLUMN: verdict_told,
    LETTER_COLUMN: letter_told,
}


def column_of(key: str) -> str:
    """Return the column that holds the record of an action."""
    reaction = reaction_of(key)
    prefix = next(prefix for prefix, key_of in KEYS.items() if key_of(reaction) == key)
    return prefix + reaction.replace("-", "_")


def key_of(column: str) -> str:
    """Return the key of the action whose record stands in *column*, "" for a column of another kind."""
    prefix, reaction = column[: len(REACTION_COLUMN)], column[len(REACTION_COLUMN) :].replace("_", "-")
    return KEYS[prefix](reaction) if prefix in KEYS else ""
