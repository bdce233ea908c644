"""An event as `try` tells it: the verdict of every reaction of the file, and why the app would not look at it. Pure."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from ops.told import Told
from ops.trial import Trial, Verdict, declined, try_event
from shared.errors import MalformedError
from shared.events import EVENT_TYPE_PREFIX, parse
from shared.messages import told as decoded
from shared.reactions import Reactions


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """The verdicts in the order of the file; *families* recognise the event.

    *problem* says why it is no event of Azure ML; *skipped* why the app passes over this one.
    """

    told: Told
    families: tuple[str, ...] = ()
    workspace: str = ""
    verdicts: tuple[Verdict, ...] = ()
    problem: str = ""
    skipped: str = ""


def judge(told: Told, reactions: Reactions, *, installation: str, workspaces: frozenset[str]) -> Judged:
    """Decide about one event; *workspaces* are those the app reacts to, empty where nobody said so."""
    try:
        event = decoded(told.content)
        envelope = parse(event)
        trials = try_event(event, reactions, installation=installation)
        reasons = declined(event)
    except MalformedError as error:
        return Judged(told=told, problem=f"the app would keep it as a dead letter: {error.reason}")
    if not envelope.type.startswith(EVENT_TYPE_PREFIX):
        return Judged(told=told, problem=f"no event of Azure Machine Learning: its type is {envelope.type!r}")
    skipped = ""
    if workspaces and envelope.workspace.casefold() not in workspaces:
        skipped = "the app skips it: a workspace that is not in WORKSPACES"
    return Judged(
        told=told,
        families=tuple(trial.family for trial in trials),
        workspace=envelope.workspace,
        verdicts=tuple(_every(trials, reasons, reactions, skipped)),
        skipped=skipped,
    )


def _every(
    trials: tuple[Trial, ...], reasons: Mapping[str, str], reactions: Reactions, skipped: str
) -> Iterator[Verdict]:
    found = {verdict.reaction: verdict for trial in trials for verdict in trial.verdicts}
    for rule in reactions.rules:
        if skipped:
            yield Verdict(reaction=rule.name, acts=False, reason=skipped)
        elif rule.name in found:
            yield found[rule.name]
        else:
            yield Verdict(reaction=rule.name, acts=False, reason=f"not {rule.on}: {reasons[rule.on]}")
