"""Which rows of the ledger may go, and having them go: as they were read, some at a time, to be repeated at will."""

from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import batched
from typing import Literal

import msgspec

from ops.state_rows import StateRows
from shared.digests import DIGESTS, read_digest
from shared.errors import ReactorError
from shared.mail_probe import TEST
from shared.memory import Memory
from shared.ration import MAILS
from shared.records import read_event, read_memory
from shared.store import Row
from shared.switches import SWITCHES

type Purged = Literal["events", "memories", "summaries"]
type Spared = Literal["unsettled", "remembering", "switches", "changed", "unknown"]

#: What may go.
PURGED: frozenset[Purged | Spared] = frozenset({"events", "memories", "summaries"})
#: The longest that reactions.yaml can name (DURATION in shared.reactions.guard_rules). The rules that count are those
#: of the deployment, today's and any to come, and they are not at hand here: hence the longest of all.
LONGEST_WINDOW = timedelta(days=9999)
#: Rows of a dry run have keys of their own.
DRY = "dry|"
#: Rows are deleted this many at a time.
AT_ONCE = 8


def verdict(row: Row, now: datetime) -> Purged | Spared:
    """Say what an old row is: one that may go, or why it stays.

    What this version does not know, or cannot read, stays.
    """
    if row.partition == SWITCHES:
        return "switches"
    key = row.key.removeprefix(DRY)
    try:
        if row.partition == MAILS:
            return "summaries" if key.startswith(TEST) else "remembering"
        if row.partition == DIGESTS:
            return "summaries" if read_digest(row).done else "unsettled"
        if key.startswith("event|"):
            record = read_event(row)
            waits = record.open or record.wake is not None or record.trouble_since is not None
            return "unsettled" if waits else "events"
        if key.startswith("memory|") and _only_entries(row):
            memory = read_memory(row)
            remembered = (*memory.entries, *memory.seen, *memory.told)
            serves = memory.ongoing is not None or any(entry.at > now - LONGEST_WINDOW for entry in remembered)
            return "remembering" if serves else "memories"
    except (msgspec.MsgspecError, ValueError):
        pass
    return "unknown"


def _only_entries(row: Row) -> bool:
    """Tell whether a memory row holds nothing but admissions; a later version may remember more."""
    if row.values.keys() != {"memory"}:
        return False
    return msgspec.json.decode(str(row.values["memory"]), type=dict[str, object]).keys() <= set(
        Memory.__struct_fields__
    )


@dataclass(slots=True, kw_only=True)
class Purge:
    """Deletes what is settled and was last written before *before*; *now* is the account's time.

    *counts* tells what became of the rows that were read so far, and is right at any moment.
    """

    rows: StateRows
    before: datetime
    now: datetime
    dry_run: bool = False
    counts: Counter[Purged | Spared] = field(default_factory=Counter)

    def pages(self) -> Iterator[int]:
        """Work page by page, and give how many rows each had. Raises ReactorError; what was done stays done."""
        with ThreadPoolExecutor(AT_ONCE) as pool:
            for page in self.rows.older(self.before):
                verdicts = [(row, verdict(row, self.now)) for row in page]
                going = [(row, word) for row, word in verdicts if word in PURGED]
                self.counts.update(word for _row, word in verdicts if word not in PURGED)
                for some in batched(going, AT_ONCE, strict=False):
                    self._count(list(pool.map(self._delete, some)))
                yield len(page)

    def _count(self, results: list[Purged | Spared | ReactorError]) -> None:
        """Count every deletion, then tell of the first that failed."""
        self.counts.update(word for word in results if not isinstance(word, ReactorError))
        for error in results:
            if isinstance(error, ReactorError):
                raise error

    def _delete(self, old: tuple[Row, Purged | Spared]) -> Purged | Spared | ReactorError:
        row, word = old
        try:
            return word if self.dry_run or self.rows.delete(row) else "changed"
        except ReactorError as error:
            return error
