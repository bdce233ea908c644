"""A reaction in words, and the command that does the same by hand. Pure."""

import dataclasses
import re
import shlex
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import msgspec

from ops.rules import told_address
from shared.job_templates.inputs import JobInput
from shared.limits import Guards, span
from shared.reactions import Reaction
from shared.reactions.addressees import MailRule
from shared.reactions.conditions import Test, words
from shared.reactions.rules import RunRule
from shared.reactions.values import EXPRESSION
from shared.settings import WORKSPACE_ID
from shared.verdicts import bounds_in_words


@dataclass(frozen=True, slots=True, kw_only=True)
class Phrase:
    """How a family's event is told: what happens to what, which conditions stand beside it, what guards count for.

    *clauses* are its own words for conditions.
    """

    what: str
    happens: str
    each: str
    beside: tuple[str, ...] = ()
    clauses: Mapping[str, str] = dataclasses.field(default_factory=dict)


PHRASES: Mapping[str, Phrase] = {
    "model-registered": Phrase(what="a model", happens="is registered", each="model", beside=("model", "version")),
    "data-drift": Phrase(what="drift", happens="is found", each="monitor"),
    "pipeline-failed": Phrase(what="", happens="fails", each="experiment", beside=("kind",)),
    "reaction-finished": Phrase(
        what="a job of a reaction",
        happens="ends",
        each="subject",
        beside=("reaction", "model"),
        clauses={"model": "about the model {}"},
    ),
}
CLAUSES: Mapping[str, str] = {
    "workspace": "in the workspace {}",
    "model": "named {}",
    "version": "of version {}",
    "tags": "with the tag {}",
    "properties": "with the property {}",
    "monitor": "by the monitor {}",
    "signal": "in the signal {}",
    "metric": "with the metric {}",
    "feature": "of the feature {}",
    "drift_coefficient": "with a drift coefficient of {}",
    "experiment": "in the experiment {}",
    "pipeline": "of the published pipeline {}",
    "kind": "{}",
    "status": "{}",
    "reaction": "called {}",
    "outcome": "as {}",
    "verdict": "with the verdict {}",
}
#: What every event has: any value will do there.
ALWAYS = frozenset({"model", "version", "monitor", "signal", "workspace", "reaction"})
ENDS = {"failed": ("fails",), "canceled": ("is canceled",), "*": ("fails", "is canceled")}
NAMES = {"event.model": "the registered version"}
ENTRY = re.compile(r"event\.(?P<owner>\w+)\.(?P<map>tags|properties)\.(?P<key>.+)")
NOUNS = {"tags": "tag", "properties": "property"}
KINDS = {"pipeline": "a pipeline", "command": "a job", "sweep": "a sweep", "automl": "an AutoML run"}
PERIODS = {"1d": "a day", "1h": "an hour"}


def sentence(reaction: Reaction) -> str:
    """Say what a reaction does, in one sentence."""
    phrase = PHRASES[reaction.on]
    clauses = list(_clauses(reaction.when, {**CLAUSES, **phrase.clauses}))
    beside = [clause for name, clause in clauses if name in phrase.beside]
    after = [clause for name, clause in clauses if name not in phrase.beside]
    when = " ".join(part for part in (phrase.what, *beside, _happens(reaction.when, phrase), *after) if part)
    return f"When {when}, {'; it also '.join(_actions(reaction))}."


def by_hand(
    job: str, inputs: Mapping[str, str], declared: Mapping[str, JobInput], *, name: str, workspace: str = ""
) -> str:
    """Return the command that starts the same job; only the tags that tell of the reaction are missing."""
    command = ["az", "ml", "job", "create", "-f", job, "--name", name]
    if WORKSPACE_ID.fullmatch(workspace):
        _, _, subscription, _, group, *_, own_name = workspace.split("/")
        command += ["--subscription", subscription, "--resource-group", group, "--workspace-name", own_name]
    keys = {key: key if key not in declared or declared[key].type == "literal" else f"{key}.path" for key in inputs}
    command += ["--set"] * bool(inputs) + [f"inputs.{keys[key]}={value}" for key, value in inputs.items()]
    return shlex.join(command)


def by_hand_any(reaction: Reaction, declared: Mapping[str, JobInput]) -> str:
    """Return that command for any event: names in angle brackets stand for its values. "" where no job starts."""
    if reaction.run is None:
        return ""
    inputs = {key: EXPRESSION.sub(lambda found: f"<{found[1]}>", text) for key, text in reaction.run.texts.items()}
    return by_hand(reaction.run.job, inputs, declared, name=f"{reaction.name}-<subject>-<12 hex digits>")


def _clauses(when: msgspec.Struct, told: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    for field in msgspec.structs.fields(when):
        condition = getattr(when, field.name)
        if field.name == "kind":
            kinds = [condition] if isinstance(condition, str) else condition
            yield "kind", "a job of any kind" if "*" in kinds else " or ".join(KINDS[kind] for kind in kinds)
        elif field.name == "status":
            continue  # it is the verb of the sentence
        elif isinstance(condition, Mapping):
            noun = field.name
            yield from ((noun, _entry(told[noun], key, one)) for key, one in condition.items())
        elif condition is not None and not (condition == "*" and field.name in ALWAYS):
            yield field.name, _clause(field.name, told[field.name], condition)


def _happens(when: msgspec.Struct, phrase: Phrase) -> str:
    """Say what happens; a rule may ask for several ends of a job."""
    asked = getattr(when, "status", None)
    ends = [asked] if isinstance(asked, str) else asked or []
    return " or ".join(dict.fromkeys(word for end in ends for word in ENDS[end])) or phrase.happens


def _clause(name: str, clause: str, condition: object) -> str:
    match condition:
        case Test(is_=None, not_=None, present=True):
            return f"with any {name}"
        case Test(is_=None, not_=None, present=False):
            return f"without a {name}"
        case Test():
            condition = msgspec.structs.replace(condition, present=None)
    return clause.format(words(condition))


def _entry(clause: str, key: str, condition: object) -> str:
    """Tell the condition on a tag or property: what is absent is none of the values, and not what `not` names."""
    match condition:
        case Test(is_=None, not_=None, present=False):
            return clause.format(key).replace("with ", "without ", 1)
        case Test(is_=None, not_=None, present=True) | "*":
            return clause.format(key)
        case Test(is_=None, present=None):
            return clause.format(f"{key}: absent or {words(condition)}")
        case Test():
            condition = msgspec.structs.replace(condition, present=None)
    return clause.format(f"{key}: {words(condition)}")


def _actions(reaction: Reaction) -> Iterator[str]:
    if reaction.run is not None:
        yield _run(reaction.run) + _guards(reaction.guards, PHRASES[reaction.on].each)
    if reaction.mail is not None:
        yield _mail(reaction.mail, reaction.to)


def _run(run: RunRule) -> str:
    given = ", ".join(f"{key} = {_value(text)}" for key, text in run.texts.items())
    expected = f", to be over within {run.expect.within}" if run.expect else ""
    return f"starts {run.job}" + (f" with {given}" if given else "") + expected + _verdict(run)


def _verdict(run: RunRule) -> str:
    if run.verdict is None:
        return ""
    rule = run.verdict
    of = f" of its step {rule.step!r}" if rule.step else ""
    wanted = f"the tag {rule.tag}{of} says" if rule.tag else f"{rule.metric}{of} is {bounds_in_words(rule.yardstick)}"
    return f", and has passed if {wanted}" + " so" * bool(rule.tag)


def _value(text: str) -> str:
    found = EXPRESSION.fullmatch(text)
    if found is None or EXPRESSION.search(text, found.start() + 1):
        return repr(text)
    if entry := ENTRY.fullmatch(found[1]):
        return f"the {entry['owner']}'s {NOUNS[entry['map']]} {entry['key']}"
    return NAMES.get(found[1], f"the {found[1].removeprefix('event.').replace('.', ' ').replace('_', ' ')}")


def _guards(guards: Guards, each: str) -> str:
    cooldown = guards.cooldown and f"once {_per(span(guards.cooldown))}"
    budget = guards.budget and f"{guards.budget.runs} times {_per(span(guards.budget.per))}"
    limits = " and ".join(part for part in (cooldown, budget) if part)
    told = [
        guards.confirm and f"on the last of {guards.confirm.events} events within {span(guards.confirm.within)}",
        limits and f"at most {limits} for each {each}",
        guards.whole and f"at most {guards.whole.runs} times {_per(span(guards.whole.per))} in all",
        guards.hours and f"not within {guards.hours.told}",
    ]
    return "".join(f", {part}" for part in told if part) or ", without any guard"


def _per(time: str) -> str:
    return PERIODS.get(time, f"in {time}")


def _mail(mail: MailRule, to: tuple[str, ...]) -> str:
    runbook = f", with a link to {mail.runbook}" if mail.runbook else ""
    details = ", with no more than the event tells" if mail.details == "none" else ""
    owner = "" if isinstance(mail.to, str) else f"the owner in `owners` ({mail.to.owner}), else "
    how = {"critical": ", before all other mails", "normal": "", "digest": ", once a day with the others"}[
        mail.priority
    ]
    return f"mails {owner}{mail.name} ({', '.join(map(told_address, to))}){how}{runbook}{details}"
