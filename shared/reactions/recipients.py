"""Reads `recipients:` and `owners:` of reactions.yaml, and says everything that is wrong with them and with `to:`."""

from collections.abc import Iterator, Mapping

from shared.reactions.addressees import MailRule, OwnerRule
from shared.reactions.values import Kind, kind_of, known, names_in
from shared.settings import ADDRESS
from shared.yaml_document import Document, did_you_mean

type Addresses = Mapping[str, tuple[str, ...]]

RECIPIENTS, OWNERS = "recipients", "owners"
#: A summary goes to one list of addresses, and the mail service takes 50 of them.
MOST = 50


def read_addresses(document: Document, key: str, addresses: Addresses) -> dict[str, tuple[str, ...]]:
    """Resolve `recipients` or `owners` (*key*): by name an address, a list of them, or ``$OPS_EMAIL``."""
    raw = document.content.get(key, {})
    if not isinstance(raw, dict):
        document.report((key,), f"`{key}` must map names to addresses, such as `ops: $OPS_EMAIL`")
        return {}
    stand_ins = {f"${name}": found for name, found in addresses.items()}
    read = {}
    for name, value in raw.items():
        found: list[str] = []
        for entry in value if isinstance(value, list) else [value]:
            if isinstance(entry, str) and entry in stand_ins:
                found += stand_ins[entry]
            elif isinstance(entry, str) and ADDRESS.fullmatch(entry):
                found.append(entry)
            else:
                told = repr(entry) if isinstance(entry, str) else "what stands here"
                document.report((key, name), f"{told} is not a mail address; write one, or {', '.join(stand_ins)}")
        if value == []:
            document.report((key, name), f"an empty list; write an address, or {', '.join(stand_ins)}")
        if len(found) > MOST:
            document.report((key, name), f"more than {MOST} addresses, which a mail cannot have; use a mailing list")
        read[name] = tuple(found)
    return read


def read_owners(document: Document, addresses: Addresses) -> Mapping[str, tuple[str, ...]]:
    """Return `owners`, casefolded: people write a tag as they like. Reports two that differ only in case."""
    read: dict[str, tuple[str, ...]] = {}
    for name, found in read_addresses(document, OWNERS, addresses).items():
        if name.casefold() in read:
            document.report((OWNERS, name), f"the owner {name!r} stands here twice, but for upper and lower case")
        read[name.casefold()] = found
    return read


def mistaken_to(
    mail: MailRule | None, recipients: Addresses, owners: Addresses, kinds: Mapping[str, Kind]
) -> Iterator[tuple[tuple[str, ...], str]]:
    """Yield what is wrong with `to`: where under `mail`, and in words. *kinds* is what events of the family say."""
    if mail is None:
        return
    place = ("to", "else") if isinstance(mail.to, OwnerRule) else ("to",)
    if mail.name not in recipients:
        hint = did_you_mean(mail.name, recipients) or "; name it under `recipients`"
        yield place, f"unknown recipient {mail.name!r}{hint}"
    if not isinstance(mail.to, OwnerRule):
        return
    if not owners:
        yield ("to", "owner"), "there are no `owners`; write what the event may say and whose it is under `owners`"
    names = list(names_in(mail.to.owner))
    if not names:
        yield ("to", "owner"), '`owner` asks the event for nothing; write a name, such as "${{ event.run.tags.owner }}"'
    for name in names:
        if kind_of(name, kinds) is None:
            hint = did_you_mean(name, known(kinds)) or f"; known: {', '.join(known(kinds))}"
            yield ("to", "owner"), f"unknown name ${{{{ {name} }}}}{hint}"


def mistaken_each(mail: MailRule | None, *, run: bool, folds: bool) -> str:
    """Say why `each` cannot be said here; "" where it can, or is not."""
    if mail is None or not mail.each or (folds and not run):
        return ""
    return "`each` is for a mail without a `run` on pipeline-failed; other mails are sent for each event anyway"
