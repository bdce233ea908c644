"""Runs: the record of a job, a step or a nested pipeline, and how events and run history tell of it."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

from local.azure.events import seven_digits, stable_id


class Kind(StrEnum):
    """What a run is; the value is its runType in events and in run history."""

    PIPELINE = "azureml.PipelineRun"
    STEP = "azureml.StepRun"
    COMMAND = "azureml.scriptrun"


#: Who submits what nobody else is said to have.
SOMEBODY = "Dana Somebody"
FINAL = frozenset({"Completed", "Failed", "Canceled"})


@dataclass(slots=True, kw_only=True, eq=False)
class Run:
    """One run; changed only under its workspace's lock.

    *fails_with* is the error it will end with, *error* the one it has ended with. A pipeline run with a parent is
    a nested pipeline. *component* is `name:version`; *literals* are the literal inputs as strings.
    """

    run_id: str
    name: str
    experiment: str
    kind: Kind
    created: datetime
    parent: "Run | None" = None
    children: list["Run"] = field(default_factory=list)
    status: str = "NotStarted"
    tags: dict[str, str] = field(default_factory=dict)
    properties: dict[str, str] = field(default_factory=dict)
    literals: dict[str, str] = field(default_factory=dict)
    component: str = ""
    fails_with: str = ""
    error: str = ""
    author: str = SOMEBODY
    canceling: bool = False
    started: datetime | None = None
    ended: datetime | None = None

    @property
    def root(self) -> "Run":
        """The job this run belongs to; itself for a job."""
        return self.parent.root if self.parent else self

    @property
    def final(self) -> bool:
        """Whether it is over."""
        return self.status in FINAL

    def everything(self) -> Iterator["Run"]:
        """This run and all below it, parents first."""
        yield self
        for child in self.children:
            yield from child.everything()

    def add_step(self, name: str, *, component: str = "", literals: dict[str, str] | None = None) -> "Run":
        """Append a step; its id is derived from this run's and *name*."""
        step = Run(
            run_id=stable_id(self.run_id, name),
            name=name,
            experiment=self.experiment,
            kind=Kind.STEP,
            created=self.created,
            parent=self,
            component=component,
            literals=literals or {},
        )
        node = stable_id(step.run_id, "node")[:8]
        step.tags = {"azureml.nodeid": node, "azureml.pipelinerunid": self.run_id}
        step.properties = {
            "azureml.runsource": Kind.STEP,
            "azureml.nodeid": node,
            "azureml.pipelinerunid": self.run_id,
            "azureml.rootpipelinerunid": self.root.run_id,
            "azureml.moduleName": component.partition(":")[0] or name,
            "StepType": "PythonScriptStep",
            "computeTargetType": "AmlCompute",
        }
        self.children.append(step)
        return step

    def add_nested(self, name: str) -> "Run":
        """Append a step that is a pipeline component, and return the nested pipeline run below it."""
        step = self.add_step(name)
        step.properties["StepType"] = "SubGraphCloudStep"
        nested = Run(
            run_id=stable_id(step.run_id, "graph"),
            name=name,
            experiment=self.experiment,
            kind=Kind.PIPELINE,
            created=self.created,
            parent=step,
            properties=pipeline_properties("SubGraphCloud")
            | {"azureml.pipelinerunid": self.run_id, "azureml.rootpipelinerunid": self.root.run_id},
        )
        step.children.append(nested)
        return nested


def pipeline_properties(source: str = "MFE") -> dict[str, str]:
    """The properties that Azure ML gives a v2 pipeline run submitted through *source*."""
    return {
        "azureml.DevPlatv2": "true",
        "azureml.runsource": Kind.PIPELINE,
        "runSource": source,
        "runType": "HTTP",
        "azureml.parameters": "{}",
        "azureml.continue_on_step_failure": "True",
        "azureml.pipelineComponent": "pipelinerun",
    }


def event_data(run: Run, experiment_id: str, *, with_status: bool) -> dict[str, object]:
    """The data of a run event; the status is only in those of RunStatusChanged."""
    data: dict[str, object] = {
        "experimentId": experiment_id,
        "experimentName": run.experiment,
        "runId": run.run_id,
        "runType": str(run.kind),
        "runTags": dict(run.tags),
        "runProperties": {name: str(value) for name, value in run.properties.items()},
    }
    return {"runStatus": run.status, **data} if with_status else data


def history(run: Run, experiment_id: str) -> dict[str, Any]:
    """The run as run history shows it (RunDto)."""
    return {
        "runId": run.run_id,
        "runUuid": stable_id(run.run_id, "uuid"),
        "parentRunId": run.parent.run_id if run.parent else None,
        "rootRunId": run.root.run_id,
        "experimentId": experiment_id,
        "name": run.name,
        "displayName": run.name,
        "runType": str(run.kind),
        "status": run.status,
        "createdUtc": seven_digits(run.created),
        "createdBy": {"userObjectId": stable_id(run.root.author), "userName": run.root.author},
        "startTimeUtc": seven_digits(run.started) if run.started else None,
        "endTimeUtc": seven_digits(run.ended) if run.ended else None,
        "error": _error(run),
        "tags": dict(run.tags),
        "properties": dict(run.properties),
    }


def details(run: Run) -> dict[str, Any]:
    """The details of the run (RunDetails): the error and the names of the logs."""
    log = "user_logs/std_log.txt" if run.kind is Kind.STEP else "logs/azureml/executionlogs.txt"
    return {
        "runId": run.run_id,
        "status": run.status,
        "parentRunId": run.parent.run_id if run.parent else None,
        "createdTimeUtc": seven_digits(run.created),
        "startTimeUtc": seven_digits(run.started) if run.started else None,
        "endTimeUtc": seven_digits(run.ended) if run.ended else None,
        "error": _error(run),
        "warnings": [],
        "tags": dict(run.tags),
        "properties": dict(run.properties),
        "logFiles": {log: f"https://offline.invalid/{run.run_id}/{log}"},
    }


def _error(run: Run) -> dict[str, Any] | None:
    if not run.error:
        return None
    return {
        "error": {"code": "UserError", "severity": None, "message": run.error, "details": [], "innerError": None},
        "correlation": {"operation": stable_id(run.run_id, "operation"), "request": stable_id(run.run_id, "request")},
        "environment": "offline",
        "location": "offline",
        "time": seven_digits(run.ended) if run.ended else None,
        "componentName": "execution-service",
    }
