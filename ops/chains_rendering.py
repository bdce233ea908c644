"""How a job ended and what it was started for, as lines and as JSON."""

from collections.abc import Iterator
from datetime import UTC

from ops.chains import Chains
from ops.finding import happened
from ops.standing import Action, Standing
from shared.limits import in_words

STYLES = {"completed": "green", "failed": "red", "canceled": "yellow"}


def end_in_words(end: Standing) -> str:
    """Tell how a job ended, how long after the event that it was started for, and the verdict."""
    outcome = end.ended.outcome if end.ended else "over"
    elapsed = end.ended.elapsed if end.ended else None
    after = "" if elapsed is None else f" {in_words(elapsed)} after the event"
    return f"{outcome}{after}{f', verdict {end.verdict}' if end.verdict else ''}"


def lines_of_end(action: Action, chains: Chains) -> Iterator[tuple[str, str, str]]:
    """Yield the line about the end of an action's job: label, text, style."""
    if (end := chains.ends.get(action.name)) and end.ended:
        at = f"{happened(end).astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"
        yield "ended", f"{end_in_words(end)}, at {at}", STYLES[end.ended.outcome]


def facts_of_end(standing: Standing, chains: Chains) -> Iterator[tuple[str, str]]:
    """Yield what the end of a job tells: how it ended, by which reaction it was started, and for what."""
    if standing.ended is None:
        return
    yield "ended", end_in_words(standing)
    cause = chains.causes.get(standing.identity)
    unknown = "" if cause else ", which is not on record here"
    yield "after", f"{standing.ended.reaction}, for {standing.ended.cause.replace('|', ' ')}{unknown}"


def brief_end(standing: Standing) -> str:
    """Tell in a few words which reaction's job ended, and how; "" of any other event."""
    return f"  {standing.ended.reaction} {end_in_words(standing)}" if standing.ended else ""


def end_json(standing: Standing, chains: Chains) -> dict[str, object]:
    """Return what the end of a job tells, for scripts; the keys are told in docs/ops.md and stay."""
    ended, cause = standing.ended, chains.causes.get(standing.identity)
    return {
        "outcome": ended.outcome if ended else None,
        "reaction": ended.reaction if ended else None,
        "verdict": standing.verdict or None,
        "cause": ended.cause if ended else None,
        "cause_row": cause.row if cause else None,
    }


def ended_json(end: Standing | None) -> dict[str, object] | None:
    """Return how an action's job ended, None where that is not on record."""
    if end is None or end.ended is None:
        return None
    elapsed = end.ended.elapsed
    seconds = None if elapsed is None else int(elapsed.total_seconds())
    at, verdict = end.event_time or None, end.verdict or None
    return {"outcome": end.ended.outcome, "verdict": verdict, "at": at, "seconds": seconds, "row": end.row}
