"""Reads reactions.yaml. Every mistake is told as ``file:line: what is wrong; what would be right``, all in one go."""

import hashlib
import re
from collections.abc import Callable, Collection, Mapping
from functools import cache
from typing import Any, cast

import msgspec

from shared.errors import ConfigurationError
from shared.guards import Budget, Guards
from shared.reactions import (
    DAILY,
    EXPRESSION,
    BudgetRule,
    GuardsRule,
    MailRule,
    Reaction,
    Reactions,
    RuleBase,
    RunRule,
    Vocabulary,
    duration,
)
from shared.settings import ADDRESS
from shared.yaml_document import Document, Path, did_you_mean

type Addresses = Mapping[str, tuple[str, ...]]


#: The Struct behind each section of a rule, to tell which keys it knows.
SECTIONS: Mapping[str, type[msgspec.Struct]] = {
    "run": RunRule,
    "mail": MailRule,
    "guards": GuardsRule,
    "budget": BudgetRule,
}


def load(
    text: str,
    *,
    file: str,
    vocabularies: Mapping[str, Vocabulary],
    addresses: Addresses,
    job_inputs: Callable[[str], Collection[str]],
) -> Reactions:
    """Read the rules.

    *addresses* are what ``$NAME`` under `recipients` stands for; *job_inputs* gives the inputs that a job file
    declares, or raises ConfigurationError. Raises ConfigurationError with every problem found.
    """
    document = Document(text, file)
    document.only({"recipients", "reactions"})
    recipients = _recipients(document, addresses)
    rules: list[Reaction] = []
    raw_rules = document.content.get("reactions")
    if not isinstance(raw_rules, list):
        document.report(("reactions",), "`reactions` must be a list of rules, each starting with `- name: …`")
        raw_rules = []
    for number, raw in enumerate(raw_rules):
        checker = _RuleChecker(document, ("reactions", number), vocabularies, recipients, job_inputs)
        rule = checker.check(raw)
        if rule and rule.name in {other.name for other in rules}:
            document.report(("reactions", number, "name"), f"the name {rule.name!r} is taken; each rule needs its own")
        if rule:
            rules.append(rule)
    if document.problems:
        raise ConfigurationError(*document.problems)
    return Reactions(tuple(rules))


def _recipients(document: Document, addresses: Addresses) -> dict[str, tuple[str, ...]]:
    """Resolve `recipients`: an address, a list of them, or ``$OPS_EMAIL``."""
    raw = document.content.get("recipients", {})
    if not isinstance(raw, dict):
        document.report(("recipients",), "`recipients` must map names to addresses, such as `ops: $OPS_EMAIL`")
        return {}
    recipients = {}
    for name, value in raw.items():
        found: list[str] = []
        for entry in value if isinstance(value, list) else [value]:
            if isinstance(entry, str) and entry.startswith("$") and entry[1:] in addresses:
                found += addresses[entry[1:]]
            elif isinstance(entry, str) and ADDRESS.fullmatch(entry):
                found.append(entry)
            else:
                known = ", ".join(f"${key}" for key in addresses)
                document.report(("recipients", name), f"not a mail address; write one, or {known}")
        recipients[str(name)] = tuple(found)
    return recipients


class _RuleChecker:
    """Checks one rule, and says everything that is wrong with it."""

    def __init__(
        self,
        document: Document,
        path: Path,
        vocabularies: Mapping[str, Vocabulary],
        recipients: Mapping[str, tuple[str, ...]],
        job_inputs: Callable[[str], Collection[str]],
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
        elif "got `bool`" in text or "got `int`" in text or "got `float`" in text:
            text += "; put the value in quotes"
        self._report(text, *path)

    def _check_action(self, rule: RuleBase) -> None:
        if (rule.run is None) == (rule.mail is None):
            self._report("a reaction has either `run` or `mail`")
        if rule.mail is not None and not self._recipients.get(rule.mail.to):
            known = did_you_mean(rule.mail.to, self._recipients) or "; name it under `recipients`"
            self._report(f"unknown recipient {rule.mail.to!r}{known}", "mail", "to")

    def _check_inputs(self, rule: RuleBase, vocabulary: Vocabulary) -> None:
        if rule.run is None:
            return
        declared: Collection[str] | None = None
        try:
            declared = self._job_inputs(rule.run.job)
        except ConfigurationError as error:
            for problem in error.problems:
                self._report(problem, "run", "job")
        for key, text in rule.run.inputs.items():
            if declared is not None and key not in declared:
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
