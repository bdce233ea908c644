"""A job that a reaction started is over: completed, failed or canceled, told by the workspace's own events.

The job's properties say whose it is, so nothing is looked up. An end may be told before the start is on record: it
stands in a row of its own, and nothing depends on which was first.
"""

import re
from typing import Annotated, Literal

from handlers.closing import FinishedFamily
from handlers.family import COMMON
from handlers.finished import ENDS, ReactionFinished
from handlers.pipeline_failure import FAMILY as PIPELINE_FAILED
from handlers.runs import RUN_STATUS_CHANGED, Run, read_run
from shared.actions import NAMED_DIGITS
from shared.events import Envelope, NotOurs
from shared.limits import in_words
from shared.lineage import GENERATION, IDENTITY, INSTALLATION, MODEL, NAME, OPERATION, REACTION, SUBJECT, VERDICT
from shared.notices import Notice
from shared.reactions import Vocabulary
from shared.reactions.conditions import Condition, Conditions, Place, says
from shared.reactions.values import Values
from shared.verdicts import WORDS, Word

type Outcome = Literal["completed", "failed", "canceled"]

#: How a mail is laid out where there is no verdict.
KINDS = {"completed": "reaction-finished", "failed": "reaction-failed", "canceled": "job-canceled"}
#: Nobody repeats an event that often.
DIGITS = 10
DIGEST = re.compile(r"[0-9a-f]{64}")


class When(Place, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Conditions of `on: reaction-finished`."""

    reaction: Annotated[Condition | None, says("the name of the reaction that started the job")] = None
    outcome: Annotated[
        Outcome | list[Outcome] | None, says("`completed`, `failed` or `canceled`, or a list of them")
    ] = None
    verdict: Annotated[
        Word | list[Word] | None,
        says("`passed`, `failed` or `inconclusive`, or a list of them; where the rule asks for none, there is none"),
    ] = None
    model: Annotated[
        Condition | None, says("the name of the model it began with; a job about something else has none")
    ] = None
    experiment: Annotated[Condition | None, says("the job's experiment")] = None
    tags: Annotated[Conditions | None, says("the tags of the job, each by its name")] = None
    properties: Annotated[Conditions | None, says("the properties of the job, each by its name")] = None


def recognise(envelope: Envelope) -> ReactionFinished | NotOurs:
    """Tell the end of a job that a reaction started. Raises MalformedError."""
    run = read_run(envelope)
    if run is None or envelope.type != RUN_STATUS_CHANGED:
        return NotOurs("no run that ended")
    if run.status not in ENDS:
        return NotOurs("a run that is not over")
    if reason := _foreign(run):
        return NotOurs(reason)
    told = run.properties
    model, _, version = told.get(MODEL, "").partition(":")
    verdict = told.get(VERDICT, "")
    return ReactionFinished(
        envelope=envelope,
        job=run.id,
        reaction=told[REACTION],
        outcome=run.status,
        cause=told.get(IDENTITY, ""),
        generation=int(number) if (number := told.get(GENERATION, "")).isdecimal() and len(number) < DIGITS else 0,
        about=told.get(SUBJECT) or run.experiment,
        model=model or None,
        version=version,
        started_by=told[INSTALLATION],
        experiment=run.experiment,
        tags=run.tags,
        properties=told,
        verdict=verdict if verdict in WORDS else None,
    )


def _foreign(run: Run) -> str:
    """Say why it is no job of a reaction, "" where it is one: its name is derived, so a copy has another.

    Steps carry nothing of ours, and whoever copies a job in the studio copies its properties.
    """
    reaction, operation = run.properties.get(REACTION, ""), run.properties.get(OPERATION, "")
    if not NAME.fullmatch(reaction) or not DIGEST.fullmatch(operation):
        return "not started by a reaction"
    if not run.properties.get(INSTALLATION):
        return "started by a release that did not tell its installation"
    if not run.id.startswith(f"{reaction}-") or not run.id.endswith(f"-{operation[:NAMED_DIGITS]}"):
        return "a copy of a reaction's job"
    return ""


def values(event: ReactionFinished) -> Values:
    """Return what stands behind the names of this family."""
    return {
        "event.job": event.job,
        "event.reaction": event.reaction,
        "event.outcome": event.outcome,
        "event.verdict": event.verdict or "",
        "event.experiment": event.experiment,
        "event.model": f"azureml:{event.label}" if event.model else "",
        "event.model.name": event.model or "",
        "event.model.version": event.version,
        "event.run.tags": event.tags,
        "event.run.properties": event.properties,
    }


def notice(event: ReactionFinished) -> Notice:
    """Return what a mail tells."""
    after = f", {in_words(event.elapsed)} after the event" if event.elapsed is not None else ""
    verdict = f"\nVerdict: {event.verdict} ({event.judged})." if event.verdict else ""
    return Notice(
        kind=f"verdict-{event.verdict}" if event.verdict else KINDS[event.outcome],
        headline=f"{event.reaction} {event.verdict or ENDS[event.outcome]}: {event.label}",
        workspace=event.workspace,
        experiment=event.experiment,
        run=event.job,
        status=(event.verdict or event.outcome).capitalize(),
        time=event.envelope.time,
        reaction="",
        cause=f"The job that {event.reaction} started for {event.label} {ENDS[event.outcome]}{after}.{verdict}",
    )


FAMILY = FinishedFamily(
    name=ReactionFinished.family,
    function=PIPELINE_FAILED.function,  # of its own it would be called for every event that this one is called for
    event_types=(RUN_STATUS_CHANGED,),
    vocabulary=Vocabulary(
        when=When,
        values={
            "event.job": "text",
            "event.reaction": "text",
            "event.outcome": "text",
            "event.verdict": "text",
            "event.experiment": "text",
            "event.model": "model",
            "event.model.name": "text",
            "event.model.version": "text",
            "event.run.tags": "map",
            "event.run.properties": "map",
            **COMMON,
        },
    ),
    recognise=recognise,
    values=values,
    notice=notice,
)
