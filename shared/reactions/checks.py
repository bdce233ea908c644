"""Checks one rule of reactions.yaml, and says everything that is wrong with it."""

import hashlib
import re
from collections.abc import Callable, Mapping
from functools import cache
from typing import Any, cast

import msgspec

from shared.errors import ConfigurationError
from shared.guards import Budget, Guards
from shared.reactions import (
    DAILY,
    DURATION,
    EXPRESSION,
    HTTPS,
    NAME,
    BudgetRule,
    GuardsRule,
    MailRule,
    Reaction,
    RuleBase,
    RunRule,
    Vocabulary,
    duration,
)
from shared.yaml_document import Document, Path, did_you_mean

type JobInputs = Callable[[str], Mapping[str, bool]]
"""From a job file's path to its inputs, and whether a reaction has to give each."""

#: What a pattern of the types asks for, in words.
SHAPES = {
    DURATION: "a duration: a number and one of s, m, h, d, such as 30m or 24h",
    NAME: "a name of a-z, 0-9 and -, starting with a letter, at most 40 characters long",
    HTTPS: "a link that starts with https://",
}
#: The Struct behind each section of a rule, to tell which keys it knows.
SECTIONS: Mapping[str, type[msgspec.Struct]] = {
    "run": RunRule,
    "mail": MailRule,
    "guards": GuardsRule,
    "budget": BudgetRule,
}


class RuleChecker:
    """Checks one rule, and says everything that is wrong with it."""

    def __init__(
        self,
        document: Document,
        path: Path,
        vocabularies: Mapping[str, Vocabulary],
        recipients: Mapping[str, tuple[str, ...]],
        job_inputs: JobInputs,
    ) -> None:
        self._document, self._path = document, path
        self._vocabularies, self._recipients, self._job_inputs = vocabularies, recipients, job_inputs

    def _report(self, problem: str, *path: str | int) -> None:
        self._document.report((*self._path, *path), problem)

    def check(self, raw: object) -> Reaction | None:
        """Return the rule, or None after its problems are reported."""
        on = raw.get("on") if isinstance(raw, dict) else None
        vocabulary = self._vocabularies.get(on) if isinstance(on, str) else None
        if vocabulary is None:
            known = ", ".join(self._vocabularies)
            self._report(f"`on` must be one of {known}{did_you_mean(str(on), self._vocabularies)}", "on")
            return None
        try:
            rule = msgspec.convert(raw, _rule_type(vocabulary.when))
        except msgspec.ValidationError as error:
            self._report_shape(str(error), vocabulary)
            return None
        before = len(self._document.problems)
        self._check_action(rule)
        self._check_inputs(rule, vocabulary)
        if len(self._document.problems) > before:
            return None
        return Reaction(
            name=rule.name,
            on=rule.on,
            when=getattr(rule, "when", None) or vocabulary.when(),
            run=rule.run,
            mail=rule.mail,
            to=self._recipients[rule.mail.to] if rule.mail else (),
            guards=_guards(rule, vocabulary),
            digest=hashlib.sha256(msgspec.json.encode(rule, order="sorted")).hexdigest()[:12],
        )

    def _report_shape(self, message: str, vocabulary: Vocabulary) -> None:
        """Tell a msgspec error at its line; it names fields of the schema and keys of the file, no values."""
        text, _, at = message.partition(" - at `$")
        path = [int(step) if step.isdigit() else step for step in re.findall(r"[\w-]+", at)]
        unknown = re.search(r"unknown field `(.*?)`", text)
        if unknown:
            struct = {"when": vocabulary.when, **SECTIONS}.get(
                str(path[-1]) if path else "", _rule_type(vocabulary.when)
            )
            known = [field.name for field in msgspec.structs.fields(struct)]
            text = f"unknown key {unknown[1]!r}{did_you_mean(unknown[1], known) or '; known: ' + ', '.join(known)}"
            path.append(unknown[1])
        elif words := next((words for pattern, words in SHAPES.items() if pattern in text), None):
            text = f"must be {words}"
        elif "got `bool`" in text or "got `int`" in text or "got `float`" in text:
            text += "; put the value in quotes"
        self._report(text, *path)

    def _check_action(self, rule: RuleBase) -> None:
        if (rule.run is None) == (rule.mail is None):
            self._report("a reaction has either `run` or `mail`")
        if rule.mail is not None and rule.guards is not None:
            self._report("`guards` are for a `run`; a mail is sent once for each event anyway", "guards")
        if rule.mail is not None and not self._recipients.get(rule.mail.to):
            known = did_you_mean(rule.mail.to, self._recipients) or "; name it under `recipients`"
            self._report(f"unknown recipient {rule.mail.to!r}{known}", "mail", "to")

    def _check_inputs(self, rule: RuleBase, vocabulary: Vocabulary) -> None:
        if rule.run is None:
            return
        declared: Mapping[str, bool] = dict.fromkeys(rule.run.inputs, False)
        try:
            declared = self._job_inputs(rule.run.job)
        except ConfigurationError as error:
            for problem in error.problems:
                self._report(problem, "run", "job")
        for key, required in declared.items():
            if required and key not in rule.run.inputs:
                self._report(f"{rule.run.job} needs the input {key!r}; give it under `inputs`", "run")
        for key, text in rule.run.inputs.items():
            if key not in declared:
                self._report(f"{rule.run.job} has no input {key!r}{did_you_mean(key, declared)}", "run", "inputs", key)
            for name in EXPRESSION.findall(text):
                if name not in vocabulary.values:
                    hint = did_you_mean(name, vocabulary.values) or f"; known: {', '.join(vocabulary.values)}"
                    self._report(f"unknown name ${{{{ {name} }}}}{hint}", "run", "inputs", key)


@cache
def _rule_type(when: type[msgspec.Struct]) -> type[RuleBase]:
    """The type of a rule whose `when` is that of the family."""
    fields: list[tuple[str, Any, Any]] = [("when", when | None, None)]
    return cast(
        "type[RuleBase]",
        msgspec.defstruct("Rule", fields, bases=(RuleBase,), frozen=True, forbid_unknown_fields=True, kw_only=True),
    )


def _guards(rule: RuleBase, vocabulary: Vocabulary) -> Guards:
    """Defaults protect: what the rule does not name keeps them; ``none`` turns all off. A mail has none so far."""
    if rule.guards == "none" or rule.run is None:
        return Guards()
    named = rule.guards if isinstance(rule.guards, GuardsRule) else GuardsRule()
    return Guards(
        cooldown=duration(named.cooldown) if named.cooldown else vocabulary.cooldown,
        budget=Budget(runs=named.budget.runs, per=duration(named.budget.per)) if named.budget else DAILY,
    )
