"""What must hold at every moment, whatever happens to the service."""

from collections import Counter, defaultdict
from datetime import datetime
from typing import Any

import msgspec
from hypothesis.stateful import RuleBasedStateMachine, invariant

from shared.messages import decode
from shared.records import read_memory
from shared.store import Row
from tests.fakes.gateways import FakeMail
from tests.fakes.service import rules
from tests.faults.simulation import Simulation


class Invariants(RuleBasedStateMachine):
    """The service, what was accepted, lost by hand and purged, and the promise about all of it."""

    def __init__(self, reactions: str) -> None:
        super().__init__()
        self.simulation = self.service(reactions)
        self.accepted: set[str] = set()
        self.lost: dict[str, bytes] = {}
        self.purged: set[str] = set()
        self.forgotten: Counter[str] = Counter()
        self.outcomes: dict[str, str] = {}

    def service(self, reactions: str) -> Simulation:
        """Return the service."""
        return Simulation(reactions=rules(reactions), mail=self.mailbox())

    def mailbox(self) -> FakeMail:
        """Return the mail service."""
        return FakeMail()

    @invariant()
    def one_effect_each(self) -> None:
        """A reaction and event have one job and one mail at the most, whatever they are called."""
        self.no_mail_too_many()
        jobs = [(one["reactor_reaction"], one["reactor_identity"]) for _job, one in self.simulation.jobs.jobs.values()]
        incidents = [mail.notice.incident for mail in self.simulation.mail.mails.values()]
        mails = [(one.thread, one.number) for one in incidents if one]
        assert len(jobs) == len(set(jobs))
        assert self.forgotten or len(incidents) == len(set(mails))

    @invariant()
    def what_is_resolved_was_opened(self) -> None:
        """And before it; a thread begins with its first mail, and nothing comes after its last.

        Unless what opened it was purged, and told once more.
        """
        if self.forgotten:
            return
        threads: dict[str, list[str]] = defaultdict(list)
        for mail in self.simulation.mail.mails.values():
            if incident := mail.notice.incident:
                threads[incident.thread].append(incident.stage)
        for stages in threads.values():
            assert stages[0] == "opened"
            assert set(stages[1:-1]) <= {"reminder"}
            assert stages[-1] != "opened" or len(stages) == 1

    def all_failures_are_told(self) -> None:
        """Nothing waits any more: no failure is folded into an incident of which no mail tells it."""
        for row in self.simulation.store.rows:
            if not self.forgotten and row.key.startswith("memory|") and (ongoing := read_memory(row).ongoing):
                assert (ongoing.sent, ongoing.told) == (True, ongoing.failures)

    def no_mail_too_many(self) -> None:
        """What can be asked for is sent once; once more after a purge, if the event is told again."""
        for operation, mails in Counter(self.simulation.mail.delivered).items():
            assert mails <= 1 + self.forgotten[operation]

    @invariant()
    def outcomes_only_grow(self) -> None:
        """Done stays done; failed becomes done at the most."""
        for key, row in self.simulation.rows().items():
            for column, record in _records(row).items():
                outcome = record.get("outcome", {}).get("type", "")
                before = self.outcomes.get(f"{key}/{column}", "")
                assert before != "done" or outcome == "done"
                assert not before or outcome
                self.outcomes[f"{key}/{column}"] = outcome

    @invariant()
    def every_event_is_reachable(self) -> None:
        """In the queue, in a row, or in a dead letter; or its row was settled, and purged."""
        line = self.simulation.line
        assert line.whole(), "what waits is not what stands in the queue"
        waiting = {identity(message) for _due, _number, message, _count in line.items}
        kept = waiting | {identity(message) for message in line.poison}
        rows = {str(row["identity"]) for row in self.simulation.rows().values() if "identity" in row}
        assert self.accepted <= kept | rows | self.purged
        for key, row in self.simulation.rows().items():
            pending = [one for one in self.simulation.unsettled() if one.startswith(f"{key} ")]
            assert not pending or str(row["identity"]) in kept | self.lost.keys(), f"{pending} is driven by nobody"

    def only_settled_rows_went(self, standing: tuple[Row, ...], before: datetime) -> int:
        """Note what a purge took of the rows that were *standing*: nothing that waits, nothing that is young."""
        left = {(row.partition, row.key) for row in self.simulation.store.rows}
        gone = [row for row in standing if (row.partition, row.key) not in left]
        for row in gone:
            assert self.simulation.store.written(row) < before
            if row.key.startswith("memory|"):
                memory = read_memory(row)
                assert (memory.entries, memory.seen, memory.told, memory.ongoing) == ((), (), (), None)
                continue
            assert (row.values.get("wake", ""), row.values.get("trouble_since", "")) == ("", "")
            self.purged.add(str(row.values["identity"]))
            for column, record in _records(row.values).items():
                assert record["decision"] != "admitted" or "outcome" in record
                self.outcomes.pop(f"{row.key}/{column}", None)
                self.forgotten[record.get("effect", "")] += "sent_at" in record
        return len(gone)


def identity(message: bytes) -> str:
    """Return what the event of a message is about."""
    (decoded,) = decode(message)
    data = msgspec.json.decode(decoded.inline or b"{}")["data"]
    if "thread" in data:
        return f"{data['thread']}|{data['number']}"
    return f"churn:{data['modelVersion']}" if "modelVersion" in data else str(data["runId"])


def _records(row: Any) -> dict[str, dict[str, Any]]:
    return {column: msgspec.json.decode(str(text)) for column, text in row.items() if column.startswith("r_")}
