"""Checks one rule of reactions.yaml, and says everything that is wrong with it."""

import hashlib
from collections.abc import Callable, Iterator, Mapping
from functools import cache
from typing import Annotated, Any, Protocol, cast

import msgspec

from shared.errors import ConfigurationError
from shared.reactions import Reaction, Vocabulary
from shared.reactions.addressees import owners_of
from shared.reactions.conditions import Place, says
from shared.reactions.defaults import limits_of, when_of
from shared.reactions.ends import verdict_refusal
from shared.reactions.guard_rules import GuardsRule, refusal_of
from shared.reactions.patterns import refusal
from shared.reactions.recipients import Addresses, mistaken_each, mistaken_to
from shared.reactions.rules import RuleBase
from shared.reactions.strict import convert
from shared.reactions.values import EXPRESSION, kind_of, known, names_in, tried
from shared.yaml_document import Document, Path, did_you_mean


class JobInput(Protocol):
    """An input that a job file declares."""

    @property
    def optional(self) -> bool:
        """Tell whether the job can do without a value from the reaction."""
        ...

    def refuses(self, text: str, *, of_model: bool = False) -> str:
        """Say why the input cannot take *text* (*of_model*: it names a registered model), "" where it can."""
        ...


type JobInputs = Callable[[str], Mapping[str, JobInput]]
"""From a job file's path to its inputs. Raises ConfigurationError."""


class RuleChecker:
    """Checks one rule, and says everything that is wrong with it."""

    def __init__(
        self,
        document: Document,
        path: Path,
        *,
        vocabularies: Mapping[str, Vocabulary],
        recipients: Addresses,
        owners: Addresses,
        ops: tuple[str, ...],
        job_inputs: JobInputs,
    ) -> None:
        self._document, self._path, self._ops = document, path, ops
        self._vocabularies, self._job_inputs = vocabularies, job_inputs
        self._recipients, self._owners = recipients, owners

    def _report(self, problem: str, *path: str | int) -> None:
        self._document.report((*self._path, *path), problem)

    def check(self, raw: object) -> Reaction | None:
        """Return the rule, or None after its problems are reported."""
        if not isinstance(raw, dict):
            self._report("a rule is a mapping that starts with `- name: …`")
            return None
        on = raw.get("on")
        vocabulary = self._vocabularies.get(on) if isinstance(on, str) else None
        before = len(self._document.problems)
        if vocabulary is None:
            hint = did_you_mean(on, self._vocabularies) if isinstance(on, str) else ""
            each = "; write a rule for each" if isinstance(on, list) else ""
            missing = "" if "on" in raw else "is missing; it "
            self._report(f"`on` {missing}must be one of {', '.join(self._vocabularies)}{hint}{each}", "on")
            # What stands under `when` is of no known family; the rest is checked all the same.
            raw = {key: value for key, value in raw.items() if key != "when"} | {"on": ""}
        when = vocabulary.when if vocabulary else msgspec.Struct
        rule = convert(raw, rule_type(when), lambda problem, path: self._report(problem, *path))
        if rule is None or vocabulary is None:
            return None
        self._check_when(getattr(rule, "when", None))
        self._check_actions(rule, raw, vocabulary)
        self._check_hours(rule.guards)
        if rule.run and rule.run.verdict and (refused := verdict_refusal(rule.run.verdict)):
            self._report(f"`verdict`: {refused}", "run", "verdict")
        inputs = self._check_inputs(rule, raw, vocabulary)
        if len(self._document.problems) > before:
            return None
        return Reaction(
            name=rule.name,
            on=rule.on,
            when=when_of(rule, vocabulary),
            run=rule.run,
            mail=rule.mail,
            to=self._recipients[rule.mail.name] if rule.mail else (),
            owners=owners_of(rule.mail, self._owners),
            ops=self._ops,
            needed=frozenset(name for name, declared in inputs.items() if not declared.optional),
            guards=limits_of(rule, vocabulary),
            digest=hashlib.sha256(msgspec.json.encode(rule, order="sorted")).hexdigest()[:12],
        )

    def _check_when(self, when: Place | None) -> None:
        for path, condition in _conditions(when) if when else ():
            if reason := refusal(condition):
                self._report(f"`{path[-1]}`: {reason}", "when", *path)

    def _check_actions(self, rule: RuleBase, raw: Mapping[str, object], vocabulary: Vocabulary) -> None:
        if "run" not in raw and "mail" not in raw:
            self._report("a reaction needs `run`, `mail`, or both")
        elif "run" not in raw and "guards" in raw:
            self._report("`guards` are for a `run`; a mail is sent once for each event anyway", "guards")
        for path, problem in mistaken_to(rule.mail, self._recipients, self._owners, vocabulary.values):
            self._report(problem, "mail", *path)
        if reason := mistaken_each(rule.mail, run=rule.run is not None, folds=vocabulary.folds):
            self._report(reason, "mail", "each")

    def _check_hours(self, guards: object) -> None:
        hours = guards.hours if isinstance(guards, GuardsRule) else None
        if hours is not None and (refused := refusal_of(hours)):
            key, reason = refused
            self._report(f"`{key}`: {reason}", "guards", "hours", key)

    def _check_inputs(self, rule: RuleBase, raw: Mapping[str, Any], vocabulary: Vocabulary) -> Mapping[str, JobInput]:
        if rule.run is None:
            return {}
        texts = rule.run.texts
        unknown = list(self._unknown_names(texts, vocabulary))
        try:
            declared = self._job_inputs(rule.run.job)
        except ConfigurationError as error:
            for problem in error.problems:
                self._report(problem, "run", "job")
            return {}
        written = raw["run"].get("inputs", {})
        for key, wanted in declared.items():
            if not wanted.optional and isinstance(written, dict) and key not in written:
                self._report(f"{rule.run.job} needs the input {key!r}; give it under `inputs`", "run")
        for key, text in texts.items():
            if key not in declared:
                hint = did_you_mean(key, declared) or f"; it has: {', '.join(declared) or 'none'}"
                self._report(f"{rule.run.job} has no input {key!r}{hint}", "run", "inputs", key)
            elif key not in unknown and (reason := _refused(text, declared[key], vocabulary)):
                self._report(f"{rule.run.job}: {reason}", "run", "inputs", key)
        return declared

    def _unknown_names(self, texts: Mapping[str, str], vocabulary: Vocabulary) -> Iterator[str]:
        """Report what nothing stands behind; yield the inputs that ask for it."""
        names = known(vocabulary.values)
        for key, text in texts.items():
            if "${{" in EXPRESSION.sub("", text):
                self._report(f"`{key}`: a `${{{{` without its `}}}}`", "run", "inputs", key)
                yield key
            for name in names_in(text):
                if kind_of(name, vocabulary.values) is None:
                    hint = did_you_mean(name, names) or f"; known: {', '.join(names)}"
                    self._report(f"unknown name ${{{{ {name} }}}}{hint}", "run", "inputs", key)
                    yield key


def _refused(text: str, declared: JobInput, vocabulary: Vocabulary) -> str:
    """Try the input with samples in place of the event's values."""
    of_model = any(kind_of(name, vocabulary.values) == "model" for name in names_in(text))
    sample = tried(text, vocabulary.values)
    told = repr(text) if sample == text else f"{text} (tried as {sample!r})"
    return declared.refuses(sample, of_model=of_model).replace(repr(sample), told)


def _conditions(when: Place) -> Iterator[tuple[tuple[str, ...], object]]:
    for field in msgspec.structs.fields(when):
        condition = getattr(when, field.name)
        if isinstance(condition, dict):
            yield from (((field.name, key), one) for key, one in condition.items())
        else:
            yield (field.name,), condition


@cache
def rule_type(when: type[msgspec.Struct]) -> type[RuleBase]:
    """Return the type of a rule whose `when` is that of the family."""
    described: Any = Annotated[
        when | None, says("conditions, all of which must hold; left out: every event of the family")
    ]
    fields: list[tuple[str, Any, Any]] = [("when", described, None)]
    return cast(
        "type[RuleBase]",
        msgspec.defstruct("Rule", fields, bases=(RuleBase,), frozen=True, forbid_unknown_fields=True, kw_only=True),
    )
