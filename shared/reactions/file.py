"""Reads reactions.yaml. Every mistake is told as ``file:line: what is wrong; what would be right``, all in one go."""

from collections.abc import Mapping
from pathlib import Path

from shared.errors import ConfigurationError
from shared.reactions import Reaction, Reactions, Vocabulary
from shared.reactions.checks import JobInputs, RuleChecker
from shared.reactions.monitor_checks import KEY as MONITORS
from shared.reactions.monitor_checks import read_monitors
from shared.reactions.recipients import OWNERS, RECIPIENTS, Addresses, read_addresses, read_owners
from shared.yaml_document import Document

#: A decision and all that is remembered with it are one transaction, and a transaction takes 100 rows.
MOST_REMEMBERING = 99
#: What Windows editors write that save as "Unicode".
UTF16 = (b"\xff\xfe", b"\xfe\xff")


def read(path: Path) -> str:
    """Return the text of reactions.yaml, without the byte order mark. Raises ConfigurationError."""
    try:
        raw = path.read_bytes()
    except OSError as error:
        problem = f"{path.name}: cannot be read ({type(error).__name__}); see app setting REACTIONS_FILE"
        raise ConfigurationError(problem) from None
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        found = "UTF-16" if raw.startswith(UTF16) else f"the byte 0x{raw[error.start]:02X} is not UTF-8"
        raise ConfigurationError(f"{path.name}:{line}: {found}; save the file as UTF-8") from None


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
    document.only({RECIPIENTS, OWNERS, MONITORS, "reactions"})
    recipients, owners = read_addresses(document, RECIPIENTS, addresses), read_owners(document, addresses)
    monitors = read_monitors(document)
    rules: list[Reaction] = []
    raw_rules = document.content.get("reactions")
    if not isinstance(raw_rules, list):
        document.report(("reactions",), "`reactions` must be a list of rules, each starting with `- name: …`")
        raw_rules = []
    names: set[str] = set()
    for number, raw in enumerate(raw_rules):
        ops = addresses.get("OPS_EMAIL", ())
        checker = RuleChecker(
            document,
            ("reactions", number),
            vocabularies=vocabularies,
            recipients=recipients,
            owners=owners,
            ops=ops,
            job_inputs=job_inputs,
        )
        rule = checker.check(raw)
        if rule:
            rules.append(rule)
        name = raw.get("name") if isinstance(raw, dict) else None
        if isinstance(name, str):
            if name in names:
                document.report(("reactions", number, "name"), f"the name {name!r} is taken; each rule needs its own")
            names.add(name)
    for family, vocabulary in vocabularies.items():
        own = (rule for rule in rules if rule.on == family)
        remembering = [rule.name for rule in own if rule.guards.horizon or (vocabulary.folds and rule.folds)]
        if len(remembering) > MOST_REMEMBERING:
            told = f"{len(remembering)} rules on {family} have guards or mail once for each incident"
            document.report(("reactions",), f"{told}; at most {MOST_REMEMBERING} can: they are decided together")
    if document.problems:
        raise ConfigurationError(*document.problems)
    return Reactions(tuple(rules), monitors, recipients)
