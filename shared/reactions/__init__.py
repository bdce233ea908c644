"""Reactions as typed rules: what they may say, whether they match, and the actions that follow. All pure.

shared/reactions/file.py reads them from reactions.yaml.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import timedelta

import msgspec

from shared.actions import Action, SendMail, SubmitJob, alert_beside, mail_beside
from shared.events import Event
from shared.limits import Guards
from shared.notices import Incident, Notice
from shared.reactions.addressees import MailRule, Owners
from shared.reactions.conditions import Condition, Place, first_failing
from shared.reactions.held_back import held_back
from shared.reactions.monitors import Monitors
from shared.reactions.rules import RunRule
from shared.reactions.values import Kind, Values, absent_in, replaced
from shared.reports import Failure, Report


@dataclass(frozen=True, slots=True, kw_only=True)
class Vocabulary:
    """What reactions may say about a family of events.

    *when* is the Struct of its conditions (fields are attributes of the event), *values* the names behind
    ``${{ event.… }}`` with their kinds. *cooldown* is the default one of its runs, *runs_only* are conditions that a
    rule with a run has unless it names them itself; *folds*: what failed is mailed once for each incident.
    """

    when: type[Place]
    values: Mapping[str, Kind]
    cooldown: timedelta | None = None
    runs_only: Mapping[str, Condition] = field(default_factory=dict)
    folds: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Reaction:
    """One rule, checked.

    *to* get the mails that none of *owners* gets, *ops* hear when a guard holds it back, *needed* are the inputs the
    job cannot do without, *digest* changes with the rule's text.
    """

    name: str
    on: str
    when: Place
    run: RunRule | None
    mail: MailRule | None
    to: tuple[str, ...]
    owners: Owners = field(default_factory=Owners)
    ops: tuple[str, ...] = ()
    needed: frozenset[str] = frozenset()
    guards: Guards
    digest: str

    @property
    def folds(self) -> bool:
        """Tell whether it mails once for each incident, where the event tells of one."""
        return self.mail is not None and self.run is None and not self.mail.each

    def only(self, key: str) -> "Reaction":
        """Return the rule as one that has the action *key* and no other, which nothing guards."""
        return replace(self, name=key, run=None, mail=None, guards=Guards())

    def plan(self, event: Event, *, values: Values, notice: Notice) -> "Matched | Unmatched":
        """Derive the actions for *event*, or say which condition fails first. Pure."""
        objection = event.objection if self.run else ""
        if failing := first_failing(self.when, event) or objection or self._missing(values):
            return Unmatched(reaction=self, reason=failing)
        actions: dict[str, Action] = {}
        report: Report | None = None
        if self.run is not None:
            given = {key: text for key, text in self.run.texts.items() if not absent_in(text, values)}
            inputs = {key: replaced(text, values) for key, text in given.items()}
            actions[self.name] = SubmitJob(workspace=event.workspace, job=self.run.job, inputs=inputs)
        if self.mail is not None:
            key = mail_beside(self.name) if actions else self.name
            actions[key] = self.mailed(notice, self.mail, owner := self.owners.named(values), event.failed_run)
            if isinstance(event.report, Failure) and self.folds:
                report = msgspec.structs.replace(event.report, owner=owner)
        return Matched(reaction=self, actions=actions, notice=notice, stamp=event.stamp, report=report)

    def mailed(self, notice: Notice, mail: MailRule, owner: str = "", failed_run: str = "") -> SendMail:
        """Return the mail that tells *notice*, to an *owner* where one is named, and of *failed_run* what is known."""
        told = msgspec.structs.replace(notice, reaction=self.name, runbook=mail.runbook)
        to, known = self.owners.lists.get(owner, self.to), "" if mail.details == "none" else failed_run
        return SendMail(to=to, notice=told, priority=mail.priority, failed_run=known)

    def _missing(self, values: Values) -> str:
        """Say which input cannot be given, because the event has no value for it: the job could only be refused."""
        texts = self.run.texts if self.run else {}
        absent = {key: absent_in(texts[key], values) for key in texts if key in self.needed}
        return next((f"{name}: needed for the input {key!r}, is absent" for key, name in absent.items() if name), "")


@dataclass(frozen=True, slots=True, kw_only=True)
class Matched:
    """The reaction wants to act: its actions by the key under which the ledger keeps each (see mail_beside).

    *notice* is what a mail tells of the event, *stamp* what a job carries of it; *report* is what it says of an
    incident, where the mail is one for each; *holds* is why it matched.
    """

    reaction: Reaction
    actions: Mapping[str, Action]
    notice: Notice
    stamp: Mapping[str, str]
    report: Report | None = None
    holds: str = "every condition holds"

    @property
    def keys(self) -> tuple[str, ...]:
        """The keys under which the ledger may have something to carry out."""
        return (*self.actions, alert_beside(self.reaction.name))

    def action(self, key: str, reason: str, incident: Incident | None = None) -> Action | None:
        """Return the action of *key*, None where there is none (any more); *reason* is that of its decision.

        All mails about an *incident* go to those who got its first one.
        """
        if key == alert_beside(self.reaction.name):
            return held_back(self.notice, self.reaction.name, self.reaction.ops, reason)
        action, rule = self.actions.get(key), self.reaction
        if incident is None or not isinstance(action, SendMail):
            return action
        to = rule.owners.lists.get(incident.owner, rule.to)
        return msgspec.structs.replace(action, to=to, notice=action.notice.about(incident))


@dataclass(frozen=True, slots=True, kw_only=True)
class Unmatched:
    """A condition does not hold: which, what it wants and what it met."""

    reaction: Reaction
    reason: str


type Plan = tuple[Matched | Unmatched, ...]


@dataclass(frozen=True, slots=True)
class Reactions:
    """All rules of a deployment, in the order of the file, and the names it gives to monitors and to recipients."""

    rules: tuple[Reaction, ...]
    monitors: Monitors = field(default_factory=Monitors)
    recipients: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    @property
    def lists(self) -> Iterable[tuple[str, ...]]:
        """Every list of addresses that a mail may go to."""
        return {one for rule in self.rules for one in (rule.to, rule.ops, *rule.owners.lists.values()) if one}

    def named(self, name: str) -> Reaction | None:
        """Return the rule of that name."""
        return next((rule for rule in self.rules if rule.name == name), None)

    def on(self, family: str) -> Iterable[Reaction]:
        """Return the rules for one family of events."""
        return (rule for rule in self.rules if rule.on == family)
