"""What follows from the event told last, as a test says it; a failure says what was decided instead."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import msgspec

from ops.trial import Effect, Verdict
from shared.actions import SendMail, SubmitJob
from shared.mail import render
from shared.reactions import Reaction
from shared.reactions.guard_rules import Duration, duration
from shared.yaml_document import did_you_mean
from testkit.history import History
from testkit.report import report

if TYPE_CHECKING:
    from testkit.reactor import Reactor, Told

#: What a test may write for the input of a job; None says that it is not given.
type Value = str | bool | float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Scenario:
    """Events told so far, and the verdicts on the last one. Every method returns a scenario, so they chain.

    A statement that does not hold raises AssertionError with every reaction's verdict; one about a reaction that
    the file does not have raises LookupError.
    """

    reactor: "Reactor" = field(repr=False)
    event: Mapping[str, Any] = field(repr=False)
    label: str
    number: int
    history: History = field(repr=False)
    verdicts: tuple[Verdict, ...]

    def then(self, event: "Told", *, after: str = "1s") -> "Scenario":
        """Tell a further event, *after* a time such as 30m or 2h: cooldowns and budgets count."""
        return self.reactor.tell(event, self.history.later(_time(after)), number=self.number + 1)

    def twice(self, *, after: str = "1s") -> "Scenario":
        """Tell the same event once more, as Event Grid may."""
        return self.then(self.event, after=after)

    def starts(self, reaction: str, *, inputs: Mapping[str, Value] | None = None, job: str | None = None) -> "Scenario":
        """Say that *reaction* starts a job: of the file *job*, with at least these *inputs* (None: not given)."""
        __tracebackhide__ = True
        effect = self._effect(reaction, SubmitJob)
        if effect is None or not isinstance(effect.action, SubmitJob):
            raise self._wrong(f"{reaction!r} starts no job")
        action = effect.action
        if job is not None and action.job != job:
            raise self._wrong(f"{reaction!r} starts {action.job}, not {job}")
        for name, value in (inputs or {}).items():
            given, wanted = action.inputs.get(name), None if value is None else str(value)
            if given != wanted:
                raise self._wrong(f"input {name!r} of {reaction!r} is {_shown(given)}; wanted {_shown(wanted)}")
        return self

    def mails(
        self, reaction: str, *, to: str | Collection[str] | None = None, subject: str = "", runbook: str | None = None
    ) -> "Scenario":
        """Say that *reaction* mails: *to* a name under `recipients` or addresses, with *subject* in the subject."""
        __tracebackhide__ = True
        effect = self._effect(reaction, SendMail)
        if effect is None or not isinstance(effect.action, SendMail):
            raise self._wrong(f"{reaction!r} sends no mail")
        action, rule = effect.action, self._rule(reaction)
        addresses = {to} if isinstance(to, str) else set(to or ())
        if (
            to is not None
            and addresses != set(action.to)
            and (rule.mail is None or to != rule.mail.name or action.to != rule.to)
        ):
            raise self._wrong(f"{reaction!r} mails {', '.join(action.to)}, not {', '.join(sorted(addresses))}")
        if subject not in (told := render(action.notice).subject):
            raise self._wrong(f"the subject of {reaction!r} is {told!r}; {subject!r} is not in it")
        if runbook is not None and action.notice.runbook != runbook:
            raise self._wrong(f"the runbook of {reaction!r} is {_shown(action.notice.runbook)}, not {runbook!r}")
        return self

    def skips(self, reaction: str, *, because: str = "") -> "Scenario":
        """Say that *reaction* does nothing, with *because* in its reason: a condition, a guard, another event."""
        __tracebackhide__ = True
        verdict = self._verdict(reaction)
        if verdict.acts:
            raise self._wrong(f"{reaction!r} acts")
        if because not in verdict.reason:
            raise self._wrong(f"{reaction!r} does nothing, but {because!r} is not in its reason")
        return self

    def does_nothing(self) -> "Scenario":
        """Say that no reaction acts."""
        __tracebackhide__ = True
        return self.nothing_but()

    def nothing_but(self, *reactions: str) -> "Scenario":
        """Say that no reaction acts but these, if they do."""
        __tracebackhide__ = True
        allowed = {self._rule(reaction).name for reaction in reactions}
        if acting := [
            verdict.reaction for verdict in self.verdicts if verdict.acts and verdict.reaction not in allowed
        ]:
            raise self._wrong(f"something follows that should not: {', '.join(acting)}")
        return self

    def _effect(self, reaction: str, action: type[SubmitJob | SendMail]) -> Effect | None:
        effects = self._verdict(reaction).effects
        return next((effect for effect in effects if isinstance(effect.action, action)), None)

    def _rule(self, reaction: str) -> Reaction:
        rules = {rule.name: rule for rule in self.history.reactions.rules}
        if reaction not in rules:
            hint = did_you_mean(reaction, rules) or f"; there are: {', '.join(rules)}"
            raise LookupError(f"there is no reaction {reaction!r}{hint}")
        return rules[reaction]

    def _verdict(self, reaction: str) -> Verdict:
        name = self._rule(reaction).name
        return next(verdict for verdict in self.verdicts if verdict.reaction == name)

    def _wrong(self, problem: str) -> AssertionError:
        which = f"event {self.number}, {self.label}" if self.number > 1 else self.label
        return AssertionError(f"{which}: {problem}\n{report(self.verdicts)}")


def _shown(text: str | None) -> str:
    return repr(text) if text else "not given"


def _time(after: str) -> timedelta:
    try:
        return duration(msgspec.convert(after, Duration))
    except msgspec.ValidationError:
        raise ValueError(f"after={after!r}: write a number and one of s, m, h, d, such as 30m or 2h") from None
