"""An Azure ML workspace that behaves: what is registered exists, jobs run, and its events tell of it."""

import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from local.azure.acts import Breach, breach_tags, completed, definition, monitor_runs, somebodys_pipeline
from local.azure.assets import Asset, Assets, Versioned
from local.azure.clock import ScaledClock, now
from local.azure.events import Event, event, stable_id
from local.azure.life import Life
from local.azure.runs import Run
from local.azure.submission import registration, run_of

OURS = "reactor_"  # properties of a job that begin so are handed on to the model it registers, where it does so


@dataclass(slots=True, kw_only=True)
class Job:
    """A job as ARM keeps it: *properties* as sent (tags and properties may be merged later), and its run."""

    name: str
    properties: dict[str, Any]
    run: Run
    created: datetime


@dataclass(slots=True, kw_only=True)
class Knobs:
    """What the person who plays the story may set.

    *failing*: components whose steps fail, and with which error. *registration_tags*: of models that jobs register.
    *hands_on_properties*: whether the step that registers a model gives it our properties of its job: Azure ML does
    not by itself, a team's component may. *measures*: the metrics of a component's runs, or of the run of that name.
    """

    failing: dict[str, str] = field(default_factory=dict)
    registration_tags: dict[str, str] = field(default_factory=dict)
    hands_on_properties: bool = False
    measures: dict[str, dict[str, object]] = field(default_factory=dict)


class Workspace:
    """One workspace: assets, jobs, runs. Thread-safe; *publish* gets its events."""

    def __init__(self, arm_id: str, *, region: str, clock: ScaledClock, publish: Callable[[Event], None]) -> None:
        self.id = arm_id
        self.name = arm_id.rpartition("/")[2]
        self.region = region
        self.guid = stable_id(arm_id.casefold())
        self.lock = threading.RLock()
        self.assets = Assets(arm_id)
        self.jobs: dict[str, Job] = {}
        self.knobs = Knobs()
        self._publish = publish
        self.life = Life(arm_id, clock=clock, lock=self.lock, publish=publish, completed=self._completed)

    def submit(self, name: str, properties: dict[str, Any]) -> Job:
        """Keep a new job and let it run."""
        with self.lock:
            created = now()
            run = run_of(name, properties, assets=self.assets, created=created, failing=self.knobs.failing)
            self.jobs[name] = Job(name=name, properties=properties, run=run, created=created)
            self.life.start(run)
            return self.jobs[name]

    def register(self, kind: Versioned, *references: str, steps: Sequence[str] = ()) -> None:
        """Have components, data or environments (`name:version`) registered; *steps* make pipeline components."""
        with self.lock:
            for reference in references:
                name, _, version = reference.partition(":")
                asset = Asset(name=name, version=version or "1", created=now(), spec={"steps": tuple(steps)})
                self.assets.put(kind, asset)

    def register_model(
        self,
        name: str,
        version: str = "",
        *,
        tags: Mapping[str, str] | None = None,
        properties: Mapping[str, str] | None = None,
        job: str = "",
    ) -> str:
        """Register a model (by default its next version), tell it as ModelRegistered, and return the version.

        *job* is the run that made it, which the event does not tell.
        """
        with self.lock:
            version = version or self.assets.next_version(name)
            at = now()
            spec = {"jobName": job} if job else {}
            model = Asset(
                name=name, version=version, created=at, tags=tags or {}, properties=properties or {}, spec=spec
            )
            self.assets.put("models", model)
            data = {
                "modelName": name,
                "modelVersion": version,
                "modelTags": dict(model.tags),
                "modelProperties": dict(model.properties),
            }
            subject = f"models/{name}:{version}"
            self._publish(event("ModelRegistered", workspace=self.id, subject=subject, at=at, data=data))
            return version

    def run_pipeline(
        self,
        experiment: str,
        run_id: str,
        *,
        steps: int = 12,
        fails_at: int | None = None,
        error: str = "",
        nested: bool = False,
        tags: Mapping[str, str] | None = None,
        data: Mapping[str, str] | None = None,
        commit: str = "",
        ago: timedelta | None = None,
    ) -> Run:
        """Let a pipeline run that somebody else submitted, with all its events.

        Of its *steps* number *fails_at* (from 1) fails with *error*, and the later ones are canceled. *nested* puts
        the work of that step (else of the first) into a nested pipeline. *data* are inputs by `name:version`. With
        *ago* it ran well before the story, and nothing is told of it.
        """
        run = somebodys_pipeline(experiment, run_id, steps=steps, fails_at=fails_at, error=error, nested=nested)
        run.tags |= tags or {}
        run.properties |= {"mlflow.source.git.commit": commit} if commit else {}
        self._keep(run if ago is None else completed(run, ago=ago), data)
        if ago is None:
            self.life.start(run)
        else:
            self.life.add(run)
        return run

    def breach_monitor(
        self,
        monitor: str,
        signal: str = "data_drift",
        *,
        features: Iterable[Breach] = (Breach("tenure", value=0.93, threshold=0.5),),
        run_id: str = "",
        mails_to: str = "ops@example.com",
    ) -> Run:
        """Let a run of the v2 monitor *monitor* (its experiment) find a breach of *signal*: told four times.

        The evaluating step is Finalizing, Completed and RunCompleted with the tag that can be filtered; the root is
        Completed with the dotted one (only where the monitor has a mail address, *mails_to*). Returns the root run.
        """
        with self.lock:
            number = sum(1 for job in self.jobs.values() if job.run.experiment == monitor) + 1
            root, step = monitor_runs(monitor, run_id or stable_id(self.id, monitor, str(number)))
            self._keep(root)
            self.life.add(root)
            self.life.move(root, "Running")
            self.life.move(step, "Running")
            on_step, on_root = breach_tags(signal, features, mails_to)
            step.tags |= on_step
            self.life.move(step, "Finalizing")
            self.life.move(step, "Completed")
            root.tags |= on_root
            root.status = "Completed"
            root.ended = now()
            self.life.tell(root, "RunStatusChanged")
        return root

    def dataset_drift(self, monitor: str, *, coefficient: float = 0.83) -> str:
        """Tell a drift the way the retired dataset monitors did; returns the run id."""
        drift_id = stable_id(self.id, "drift", monitor)
        at = now()
        run_id = f"{drift_id}_{int(at.timestamp() * 1_000_000)}"
        data = {
            "dataDriftId": drift_id,
            "dataDriftName": monitor,
            "runId": run_id,
            "baseDatasetId": stable_id(drift_id, "base"),
            "targetDatasetId": stable_id(drift_id, "target"),
            "driftCoefficient": coefficient,
            "startTime": None,
            "endTime": None,
        }
        subject = f"datadrift/{drift_id}/run/{run_id}"
        self._publish(event("DatasetDriftDetected", workspace=self.id, subject=subject, at=at, data=data))
        return run_id

    def _keep(self, run: Run, data: Mapping[str, str] | None = None) -> None:
        properties = definition(run, self.id, data=data or {})
        with self.lock:
            self.jobs[run.run_id] = Job(name=run.run_id, properties=properties, run=run, created=run.created)

    def measured(self, run: Run) -> Mapping[str, object]:
        """Return what *run* has measured."""
        names = (run.run_id, run.component.partition(":")[0])
        return next((self.knobs.measures[name] for name in names if name in self.knobs.measures), {})

    def _completed(self, job: Run) -> None:
        """Register what a job that went well has made."""
        found = registration(job)
        if found:
            model, step = found
            ours = {name: value for name, value in job.properties.items() if name.startswith(OURS)}
            properties = ours if self.knobs.hands_on_properties else {}
            self.register_model(model, tags=self.knobs.registration_tags, properties=properties, job=step.run_id)
