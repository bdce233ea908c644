"""What became of a job: the step that failed first, its error, and what has changed since it last went well.

Plain reads of run history and of the definitions of jobs, for a few seconds at most: the mail does not wait for it.
"""

from typing import TYPE_CHECKING, Any

from shared.actions import Deferred
from shared.definitions import changes, inputs_of, pieces_of
from shared.diagnosis import bounded
from shared.gateways.reading import JOB, RUN, Properties, Read, Reader, segment
from shared.notices import Diagnosis
from shared.runs import FAILED, Run, first_failed, last_success
from shared.transport import deadline, remaining

if TYPE_CHECKING:
    from azure.core.credentials import TokenCredential
    from azure.core.pipeline.transport import HttpTransport

#: For all reads together, and no more than this part of what is left to the run: the mail has to be sent in it.
SECONDS, PART = 6.0, 0.4
#: Pages of steps that are looked at, and how deep pipelines may be nested.
PAGES, DEPTH = 5, 6
#: Jobs among which the last success is looked for, the newest first.
JOBS = 50
#: Nobody asks again: the mail goes out with what there is.
AGAIN = ": asked again"


class AzureMlRuns:
    """Looks into failed jobs; implements `shared.gateways.Runs`. Safe to share between threads.

    *transport* is closed by whoever built it; *credential* gives tokens for Azure Resource Manager and Azure ML.
    """

    def __init__(self, *, transport: "HttpTransport[Any, Any]", credential: "TokenCredential") -> None:
        self._reader = Reader(transport=transport, credential=credential)

    def diagnose(self, workspace: str, run: str, *, experiment: str) -> Diagnosis:
        """Return what could be found out; see `shared.gateways.Runs`."""
        left = remaining()
        with deadline(SECONDS if left is None else min(SECONDS, left * PART)):
            return bounded(_Look(self._reader, workspace).into(run, experiment))


class _Look:
    """One look into one job of *workspace*; it keeps what could not be read."""

    def __init__(self, reader: Reader, workspace: str) -> None:
        self._reader, self._workspace = reader, workspace
        self._unread: list[str] = []

    def into(self, name: str, experiment: str) -> Diagnosis:
        """Read the job, the most telling first."""
        root = Run.of(self._ask("run, steps and last success", f"/runs/{segment(name)}", RUN))
        failed = self._first_failed(root) if root.id else root
        job = self._ask("inputs", f"/jobs/{segment(name)}", JOB)
        last = self._last_success(root, experiment) if root.id else None
        before = self._ask("what changed", f"/jobs/{segment(last.id)}", JOB) if last and job else {}
        step = failed if failed.id != root.id else None
        return Diagnosis(
            step=step.id if step else "",
            step_name=step.name if step else "",
            code=failed.code if failed.error else root.code,
            error=failed.error or root.error,
            started_by=root.started_by,
            last_success=last.id if last else "",
            last_success_at=last.over_at if last else "",
            changes=changes(pieces_of(before, last), pieces_of(job, root)) if last and before else (),
            inputs=inputs_of(job),
            unread=tuple(self._unread),
        )

    def _first_failed(self, run: Run) -> Run:
        """Go down to the step that failed first; the run itself where it has none."""
        for _ in range(DEPTH):
            below = first_failed(self._children(run)) if run.has_steps else None
            if below is None:
                break
            run = below
        if run.error or run.status != FAILED:
            return run
        return Run.of(self._ask("error", f"/runs/{segment(run.id)}", RUN) or {"runId": run.id, "name": run.name})

    def _children(self, run: Run) -> list[Run]:
        found: list[Run] = []
        token = ""
        for _ in range(PAGES):
            query = f"?$continuationtoken={segment(token)}" if token else ""
            page = self._ask("steps", f"/runs/{segment(run.id)}/children{query}", RUN)
            found += _runs(page)
            token = str(page.get("continuationToken") or "")
            if not token:
                return found
        self._unread.append(f"steps: only the first {len(found)} were looked at")
        return found

    def _last_success(self, root: Run, experiment: str) -> Run | None:
        wanted = "status eq 'Completed'"
        if root.type_told and "'" not in root.type_told:
            wanted += f" and runType eq '{root.type_told}'"
        query = {"filter": wanted, "orderBy": "createdUtc desc", "top": JOBS}
        path = f"/experiments/{segment(experiment)}/runs:query"
        return last_success(_runs(self._ask("last success", path, RUN, query=query)), before=root)

    def _ask(self, thing: str, path: str, what: Read, *, query: Properties | None = None) -> Properties:
        """Read, or note why *thing* is not told."""
        left = remaining()
        if left is not None and left <= 0:
            self._unread.append(f"{thing}: no time was left")
            return {}
        if what is JOB:
            found = self._reader.in_arm(self._workspace, path, what)
        else:
            found = self._reader.in_history(self._workspace, path, what, query=query)
        if isinstance(found, Deferred):
            self._unread.append(f"{thing}: {found.reason.removesuffix(AGAIN)}")
            return {}
        if not found:
            self._unread.append(f"{thing}: azure-ml knows no such {what.thing}")
        return found


def _runs(page: Properties) -> list[Run]:
    told = page.get("value")
    return [Run.of(one) for one in told if isinstance(one, dict)] if isinstance(told, list) else []
