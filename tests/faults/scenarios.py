"""What the crash matrix is about: events that, together, reach every method of every edge; and what each must cause."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from local.azure import Fault
from shared.messages import INLINE_BYTES
from tests.fakes.events import altered
from tests.faults.rig import Rig

#: Two jobs and a mail for every model, but for those that say otherwise.
REACTIONS = """
recipients: { ops: $OPS_EMAIL }
reactions:
  - name: first-test
    on: model-registered
    when: { model: &most ["plain-*", "pushed-*", "refused-*", "lost-*", "throttled-*"] }
    run: { job: pipelines/offline-test.yml, inputs: { model: "${{ event.model }}" } }
  - name: second-test
    on: model-registered
    when: { model: *most }
    run: { job: pipelines/offline-test.yml, inputs: { model: "${{ event.model }}" } }
  - name: tell-ops
    on: model-registered
    when: { model: *most }
    mail: { to: ops }
  - name: bare-test
    on: model-registered
    when: { model: "guardless-*" }
    guards: none
    run: { job: pipelines/offline-test.yml, inputs: { model: "${{ event.model }}" } }
"""


def registered(rig: Rig, model: str, **data: object) -> dict[str, Any]:
    """Return the event of version 1 of *model*, which the workspace knows."""
    rig.workspace.register("models", f"{model}:1")
    return altered("model-registered", event_id=f"id-{model}", modelName=model, modelVersion="1", **data)


@dataclass(frozen=True, slots=True, kw_only=True)
class Scenario:
    """An event (*begin* makes it happen, for the model it is given) and what comes of it.

    *jobs* are the reactions that start one, *failed* the one that is refused, *letters* counts dead letters,
    *deliveries* those of the event when nothing else happens. After *until* it goes on as the plain one.
    """

    name: str
    begin: Callable[[Rig, str], None]
    jobs: tuple[str, ...] = ("first-test", "second-test")
    mails: int = 1
    failed: str = ""
    letters: int = 0
    deliveries: int = 1
    until: str = ""

    def problems(self, rig: Rig, case: str, *, letters: int, kills: int = 0) -> list[str]:
        """Return what is not as it must be when all has come to rest; *letters* is how many there were before.

        Where the mail service cannot be asked, each kill may cost one mail too many: the edge of the promise.
        """
        edge = 0 if rig.world.mail_lookup else max(kills, 1)
        found = [] if (new := len(rig.state.dead_letters()) - letters) == self.letters else [f"{new} dead letters"]
        if (started := sorted(jobs_of(rig, case))) != sorted(self.jobs):
            found.append(f"jobs {started}")
        mails = sum(f"{case}:1" in mail.text for mail in rig.azure.mailbox.mails)
        if not self.mails <= mails <= self.mails + edge:
            found.append(f"{mails} mails")
        rows = rig.state.rows(case)
        if len(rows) != bool(self.jobs):
            found.append(f"{len(rows)} rows")
        return found + [f"the row says {problem}" for row in rows for problem in self._of_row(row)]

    def _of_row(self, row: dict[str, Any]) -> list[str]:
        records = {name[2:].replace("_", "-"): json.loads(text) for name, text in row.items() if name.startswith("r_")}
        ends = {name: record.get("outcome", {}).get("type") for name, record in records.items()}
        admitted = {name for name, record in records.items() if record["decision"] == "admitted"}
        wanted = {*self.jobs, *(["tell-ops"] * self.mails), *([self.failed] if self.failed else [])}
        right = {name: "failed" if name == self.failed else "done" for name in wanted}
        problems = [f"{name}: {ends[name]}" for name in admitted if ends[name] != right.get(name)]
        if admitted != wanted:
            problems.append(f"admitted {sorted(admitted)}")
        return problems + ([f"it waits: {row['wake']}"] if row.get("wake") else [])


def jobs_of(rig: Rig, model: str) -> list[str]:
    """Return the reactions whose jobs for version 1 of *model* were created, once for each creation."""
    created = [entry.path.rpartition("/")[2] for entry in rig.azure.journal.jobs_put() if entry.status == 201]
    return [name.partition(f"-{model}-1-")[0] for name in created if f"-{model}-1-" in name]


def _plain(rig: Rig, model: str) -> None:
    rig.state.put(registered(rig, model))


def _pushed(rig: Rig, model: str) -> None:
    rig.push("model_registered", registered(rig, model, modelProperties={"notes": "x" * (10 * INLINE_BYTES)}))


def _refused(rig: Rig, model: str) -> None:
    rig.faults(Fault(method="PUT", url=f"/jobs/second-test-{model}-", status=400, times=None))
    _plain(rig, model)


def _lost(rig: Rig, model: str) -> None:
    rig.faults(Fault(method="POST", url="/emails:send", drop="after"))
    _plain(rig, model)


def _throttled(rig: Rig, model: str) -> None:
    rig.faults(Fault(method="PUT", url=f"/jobs/first-test-{model}-", status=503))
    _plain(rig, model)


def _unreadable(rig: Rig, model: str) -> None:
    rig.state.put(f"neither JSON nor base64: {model}")


PLAIN = Scenario(name="plain", begin=_plain)
REFUSED = Scenario(name="refused", begin=_refused, jobs=("first-test",), failed="second-test", letters=1)
LOST = Scenario(name="lost", begin=_lost, deliveries=2)
THROTTLED = Scenario(name="throttled", begin=_throttled, deliveries=2)
GUARDLESS = Scenario(name="guardless", begin=_plain, jobs=("bare-test",), mails=0)
PUSHED = Scenario(name="pushed", begin=_pushed, until="large_events.get.after")
UNREADABLE = Scenario(name="unreadable", begin=_unreadable, jobs=(), mails=0, letters=1)
SCENARIOS = (PLAIN, REFUSED, LOST, THROTTLED, GUARDLESS, PUSHED, UNREADABLE)
