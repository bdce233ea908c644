"""Which letters a command is about: by name, or all that are still there."""

import re
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from itertools import batched

from ops.letter_box import Entry, LetterBox, Listing
from ops.letters import LARGEST, Letter, foreign_letter, read_letter
from ops.problems import usage
from shared.reactions import duration

#: Letters are read this many at a time.
AT_ONCE = 8
DURATION = re.compile(r"[1-9][0-9]{0,5}[smhd]")
#: So many names are told when a part of a name fits several.
TOLD = 5


def since(text: str | None) -> timedelta | None:
    """Read how far back to look, e.g. 7d; None is everything. Raises OpsError."""
    return None if text is None else span(text)


def span(text: str) -> timedelta:
    """Read how far back to look. Raises OpsError."""
    if not DURATION.fullmatch(text):
        raise usage("--since is a number and one of s, m, h, d", "for example --since 7d")
    return duration(text)


def waiting(listing: Listing, back: timedelta | None = None, *, replayed: bool = False) -> tuple[Entry, ...]:
    """Return what was not put back yet (or what was), newest first, of the time *back* before the account's now."""
    return tuple(
        entry
        for entry in listing.entries
        if entry.replayed == replayed and (back is None or entry.when >= listing.at - back)
    )


def named(listing: Listing, part: str) -> Entry:
    """Return the letter that alone has the name *part*, or a file name that begins with it, or a name that contains it.

    One that was put back is meant only where no other fits. Raises OpsError.
    """
    for replayed in (False, True):
        entries = waiting(listing, replayed=replayed)
        exact = [entry for entry in entries if entry.name == part]
        begun = [entry for entry in entries if entry.name.rpartition("/")[2].startswith(part)]
        found = exact or begun or [entry for entry in entries if part in entry.name]
        if len(found) == 1:
            return found[0]
        if found:
            names = ", ".join(entry.name for entry in found[:TOLD]) + (", …" if len(found) > TOLD else "")
            raise usage(f"{len(found)} letters have {part!r} in their names: {names}", "say more of the name")
    raise usage(f"no letter has {part!r} in its name", "`list` shows what there is, `list --replayed` what there was")


def read_all(box: LetterBox, entries: Sequence[Entry]) -> Iterator[Letter]:
    """Read letters, several at a time, in the order given. Raises StorageError."""

    def read(entry: Entry) -> Letter | None:
        if entry.size > LARGEST:
            return foreign_letter(entry)
        content = box.read(entry.name)
        return read_letter(entry, content.data) if content else None

    with ThreadPoolExecutor(AT_ONCE) as pool:
        for some in batched(entries, AT_ONCE, strict=False):
            yield from (letter for letter in pool.map(read, some) if letter is not None)
