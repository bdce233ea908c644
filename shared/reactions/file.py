"""Reads reactions.yaml. Every mistake is told as ``file:line: what is wrong; what would be right``, all in one go."""

from collections.abc import Mapping
from pathlib import Path

from shared.errors import ConfigurationError
from shared.reactions import Reaction, Reactions, Vocabulary
from shared.reactions.checks import JobInputs, RuleChecker
from shared.reactions.monitor_checks import KEY as MONITORS
from shared.reactions.monitor_checks import read_monitors
from shared.settings import ADDRESS
from shared.yaml_document import Document

type Addresses = Mapping[str, tuple[str, ...]]

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
    document.only({"recipients", MONITORS, "reactions"})
    recipients, monitors = _recipients(document, addresses), read_monitors(document)
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
    if document.problems:
        raise ConfigurationError(*document.problems)
    return Reactions(tuple(rules), monitors)


def _recipients(document: Document, addresses: Addresses) -> dict[str, tuple[str, ...]]:
    """Resolve `recipients`: an address, a list of them, or ``$OPS_EMAIL``."""
    raw = document.content.get("recipients", {})
    if not isinstance(raw, dict):
        document.report(("recipients",), "`recipients` must map names to addresses, such as `ops: $OPS_EMAIL`")
        return {}
    known = {f"${name}": found for name, found in addresses.items()}
    recipients = {}
    for name, value in raw.items():
        found: list[str] = []
        for entry in value if isinstance(value, list) else [value]:
            if isinstance(entry, str) and entry in known:
                found += known[entry]
            elif isinstance(entry, str) and ADDRESS.fullmatch(entry):
                found.append(entry)
            else:
                told = repr(entry) if isinstance(entry, str) else "what stands here"
                document.report(("recipients", name), f"{told} is not a mail address; write one, or {', '.join(known)}")
        if value == []:
            document.report(("recipients", name), f"an empty list; write an address, or {', '.join(known)}")
        recipients[name] = tuple(found)
    return recipients
