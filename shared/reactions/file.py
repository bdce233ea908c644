"""Reads reactions.yaml. Every mistake is told as ``file:line: what is wrong; what would be right``, all in one go."""

from collections.abc import Mapping

from shared.errors import ConfigurationError
from shared.reactions import Reaction, Reactions, Vocabulary
from shared.reactions.checks import JobInputs, RuleChecker
from shared.settings import ADDRESS
from shared.yaml_document import Document

type Addresses = Mapping[str, tuple[str, ...]]


def load(
    text: str,
    *,
    file: str,
    vocabularies: Mapping[str, Vocabulary],
    addresses: Addresses,
    job_inputs: JobInputs,
) -> Reactions:
    """Read the rules.

    *addresses* are what ``$NAME`` under `recipients` stands for; *job_inputs* raises ConfigurationError for a job
    file that cannot be used. Raises ConfigurationError with every problem found.
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
        checker = RuleChecker(document, ("reactions", number), vocabularies, recipients, job_inputs)
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
