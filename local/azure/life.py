"""How jobs go on: queued, running step by step, over; every change is an event of the workspace."""

import threading
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from local.azure.clock import Course, ScaledClock, now
from local.azure.events import Event, event, stable_id
from local.azure.runs import Kind, Run, event_data


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """How long things take, in scaled time."""

    queued: timedelta = timedelta(seconds=10)
    running: timedelta = timedelta(seconds=60)


class Life:
    """The runs of one workspace. Everything happens under *lock*; *completed* is told of every job that went well."""

    def __init__(
        self,
        workspace: str,
        *,
        clock: ScaledClock,
        lock: threading.RLock,
        publish: Callable[[Event], None],
        completed: Callable[[Run], None],
    ) -> None:
        self.workspace = workspace
        self.pace = Pace()
        self.runs: dict[str, Run] = {}
        self._clock = clock
        self._lock = lock
        self._publish = publish
        self._completed = completed

    def experiment_id(self, experiment: str) -> str:
        """The GUID of an experiment."""
        return stable_id(self.workspace.casefold(), "experiment", experiment)

    def add(self, job: Run) -> None:
        """Know *job* and all runs below it."""
        with self._lock:
            for run in job.everything():
                self.runs[run.run_id] = run

    def start(self, job: Run) -> None:
        """Know *job* and let it go its way on the clock."""
        self.add(job)
        self._clock.follow(self._job(job))

    def cancel(self, job: Run) -> None:
        """Ask *job* to stop; it is Canceled at its next step."""
        with self._lock:
            if not job.final:
                job.canceling = True
                job.status = "CancelRequested"

    def move(self, run: Run, status: str) -> None:
        """Change the status of *run* and tell it."""
        with self._lock:
            run.status = status
            at = now()
            if status == "Running":
                run.started = at
            if run.final:
                run.ended = at
            self._tell(run, "RunStatusChanged", at)
            if status == "Completed":
                self._tell(run, "RunCompleted", at)

    def tell(self, run: Run, kind: str) -> None:
        """Publish an event of *kind* about *run* as it is."""
        with self._lock:
            self._tell(run, kind, now())

    def _tell(self, run: Run, kind: str, at: datetime) -> None:
        experiment_id = self.experiment_id(run.experiment)
        data = event_data(run, experiment_id, with_status=kind == "RunStatusChanged")
        subject = f"experiments/{experiment_id}/runs/{run.run_id}"
        self._publish(event(kind, workspace=self.workspace, subject=subject, at=at, data=data))

    def _job(self, job: Run) -> Course:
        yield from self._run(job)
        if job.status == "Completed":
            with self._lock:
                self._completed(job)

    def _run(self, run: Run) -> Course:
        """Queued, running, its children one after the other, over."""
        self.move(run, "Queued")
        yield self.pace.queued
        if _stopped(run):
            self._cancel(run)
            return
        self.move(run, "Running")
        if not run.children:
            yield self.pace.running
        for child in run.children:
            if _stopped(run):
                self._cancel(child)
            else:
                yield from self._run(child)
        self._end(run)

    def _end(self, run: Run) -> None:
        failed = _failed(run)
        run.error = run.fails_with or (_blame(run, failed) if failed else "")
        if run.error:
            self.move(run, "Failed")
        elif run.root.canceling:
            self.move(run, "Canceled")
        else:
            self.move(run, "Completed")

    def _cancel(self, run: Run) -> None:
        """Cancel *run*, of which what is below was never created in Azure: it has no events."""
        for below in run.everything():
            below.status = "Canceled"
        self.move(run, "Canceled")


def _stopped(run: Run) -> bool:
    """Whether what is left of *run* is not to be started."""
    return run.root.canceling or _failed(run) is not None


def _failed(run: Run) -> Run | None:
    return next((child for child in run.children if child.status == "Failed"), None)


def _blame(run: Run, failed: Run) -> str:
    if run.kind is Kind.PIPELINE:
        return f"The pipeline has a failed step: {failed.name}. See the step for the cause."
    return f"The nested pipeline {failed.name} failed."
