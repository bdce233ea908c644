"""Reactions as typed rules: what they may say, whether they match, and the action that follows. All pure.

shared/reactions/file.py reads them from reactions.yaml.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from fnmatch import fnmatchcase
from typing import Annotated, Literal

import msgspec

from shared.actions import Action, Notice, SendMail, SubmitJob
from shared.events import Event
from shared.guards import Budget, Guards

type Globs = str | list[str]
"""One pattern or several (any of them), with `*`, `?` and `[…]`, and with regard to case."""

DURATION = r"^[1-9][0-9]{0,3}(s|m|h|d)$"
NAME = r"^[a-z][a-z0-9-]{0,39}$"
HTTPS = r"^https://"
Duration = Annotated[str, msgspec.Meta(pattern=DURATION)]
Name = Annotated[str, msgspec.Meta(pattern=NAME)]
#: Bounds keep a reaction's memory within one table property (about 110 bytes an entry).
Runs = Annotated[int, msgspec.Meta(ge=1, le=200)]

UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}
EXPRESSION = re.compile(r"\$\{\{\s*(.*?)\s*\}\}")
#: Every run has this budget for each subject unless the rule says otherwise.
DAILY = Budget(runs=10, per=timedelta(days=1))


class RunRule(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`run:` the job file, and its inputs from literals and `${{ event.… }}`."""

    job: str
    inputs: dict[str, str] = {}


class MailRule(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`mail:` a name under `recipients`, and a link to what to do."""

    to: str
    runbook: Annotated[str, msgspec.Meta(pattern=HTTPS)] = ""


class BudgetRule(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`budget:` at most so many runs per time, for each subject."""

    runs: Runs
    per: Duration


class GuardsRule(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`guards:` what is not named keeps its default."""

    cooldown: Duration | None = None
    budget: BudgetRule | None = None


class RuleBase(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The keys every reaction may have; `when` comes from the family."""

    name: Name
    on: str
    run: RunRule | None = None
    mail: MailRule | None = None
    guards: GuardsRule | Literal["none"] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Vocabulary:
    """What reactions may say about a family of events.

    *when* is the Struct of its conditions (fields are attributes of the event), *values* the names behind
    ``${{ event.… }}``, *cooldown* the default one of its runs.
    """

    when: type[msgspec.Struct]
    values: tuple[str, ...]
    cooldown: timedelta | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Reaction:
    """One rule, checked. *digest* changes with the rule's text."""

    name: str
    on: str
    when: msgspec.Struct
    run: RunRule | None
    mail: MailRule | None
    to: tuple[str, ...]
    guards: Guards
    digest: str

    def plan(self, event: Event, *, values: Mapping[str, str], notice: Notice) -> "Matched | Unmatched":
        """Derive the action for *event*, or say which condition fails first. Pure."""
        if failing := first_failing(self.when, event):
            return Unmatched(reaction=self, reason=failing)
        return Matched(reaction=self, action=self._action(event, values, notice))

    def _action(self, event: Event, values: Mapping[str, str], notice: Notice) -> Action:
        if self.run is not None:
            inputs = {
                key: EXPRESSION.sub(lambda found: values[found[1]], text) for key, text in self.run.inputs.items()
            }
            return SubmitJob(workspace=event.workspace, job=self.run.job, inputs=inputs)
        runbook = self.mail.runbook if self.mail else ""
        return SendMail(to=self.to, notice=msgspec.structs.replace(notice, reaction=self.name, runbook=runbook))


@dataclass(frozen=True, slots=True, kw_only=True)
class Matched:
    """The reaction wants to act."""

    reaction: Reaction
    action: Action


@dataclass(frozen=True, slots=True, kw_only=True)
class Unmatched:
    """A condition does not hold: which, what it wants and what it met."""

    reaction: Reaction
    reason: str


type Plan = tuple[Matched | Unmatched, ...]


@dataclass(frozen=True, slots=True)
class Reactions:
    """All rules of a deployment, in the order of the file."""

    rules: tuple[Reaction, ...]

    def on(self, family: str) -> Iterable[Reaction]:
        """Return the rules for one family of events."""
        return (rule for rule in self.rules if rule.on == family)


def first_failing(when: msgspec.Struct, event: Event) -> str:
    """Return "" when every condition holds, else the first that does not, with its values."""
    for field in msgspec.structs.fields(when):
        wanted, met = getattr(when, field.name), getattr(event, field.name)
        if wanted is None:
            continue
        pairs = {field.name: (wanted, met)}
        if isinstance(wanted, dict):
            pairs = {f"{field.name}.{key}": (globs, met.get(key)) for key, globs in wanted.items()}
        for name, (globs, value) in pairs.items():
            if not matches(globs, value):
                told = "absent" if value is None else repr(str(value)[:80])
                return f"{name}: wanted {_words(globs)}, is {told}"
    return ""


def matches(globs: Globs, value: str | None) -> bool:
    """Does the value match one of the patterns? An absent one matches none."""
    patterns = [globs] if isinstance(globs, str) else globs
    return value is not None and any(fnmatchcase(value, pattern) for pattern in patterns)


def _words(globs: Globs) -> str:
    return repr(globs) if isinstance(globs, str) else " or ".join(map(repr, globs))


def duration(text: str) -> timedelta:
    """Return the time that ``24h`` and the like stand for: a number and one of s, m, h, d."""
    return timedelta(**{UNITS[text[-1]]: int(text[:-1])})
