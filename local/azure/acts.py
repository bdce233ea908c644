"""What other people and Azure ML itself do in a workspace: the runs of the stories."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from local.azure.clock import now
from local.azure.runs import Kind, Run, pipeline_properties

DRIFT_METRIC = "NormalizedWassersteinDistance"
STEP_TAG = "azureml_modelmonitor_threshold_breached"
ROOT_TAG = "azureml.modelmonitor.threshold.breached."


@dataclass(frozen=True, slots=True)
class Breach:
    """A feature whose metric is past its threshold."""

    feature: str
    value: float
    threshold: float
    metric: str = DRIFT_METRIC


def somebodys_pipeline(
    experiment: str,
    run_id: str,
    *,
    steps: int,
    fails_at: int | None,
    error: str,
    nested: bool,
    component: str = "1",
) -> Run:
    """A pipeline of *steps* steps, `step-01` and so on; *fails_at* counts from 1. See Workspace.run_pipeline.

    Each step is of version *component* of a component of its name.
    """
    if fails_at is not None and not 1 <= fails_at <= steps:
        raise ValueError("fails_at must be the number of one of the steps, counted from 1")
    root = _pipeline(experiment, run_id)
    for number in range(1, steps + 1):
        name = f"step-{number:02}"
        if nested and number == (fails_at or 1):
            leaf = root.add_nested(name).add_step("work")
        else:
            leaf = root.add_step(name, component=f"{name}:{component}")
        if number == fails_at:
            leaf.fails_with = error or f"The user process of {name} exited with code 1."
    return root


def definition(run: Run, workspace: str, *, data: Mapping[str, str]) -> dict[str, Any]:
    """What Azure Resource Manager has of the job: its inputs (*data* by `name:version`), its steps' components."""
    inputs = {name: {"jobInputType": "literal", "value": value} for name, value in run.literals.items()}
    for name, reference in data.items():
        asset, _, version = reference.partition(":")
        inputs[name] = {"jobInputType": "uri_folder", "uri": f"{workspace}/data/{asset}/versions/{version}"}
    steps = {}
    for step in run.children:
        component, _, version = step.component.partition(":")
        if component:
            steps[step.name] = {"componentId": f"{workspace}/components/{component}/versions/{version}"}
    properties = {"jobType": "Pipeline", "experimentName": run.experiment, "displayName": run.name}
    return {**properties, "inputs": inputs, "jobs": steps}


def completed(run: Run, *, ago: timedelta) -> Run:
    """Have the job be over since before the story: it was submitted that long *ago*, and everything went well."""
    for each in run.everything():
        each.created = each.started = now() - ago
        each.ended = each.created + timedelta(minutes=10)
        each.status = "Completed"
    return run


def monitor_runs(monitor: str, run_id: str) -> tuple[Run, Run]:
    """The root run of a v2 monitor and its step that evaluates the thresholds, in a nested pipeline."""
    root = _pipeline(monitor, run_id)
    name = "model_monitor_evaluate_metrics_threshold"
    step = root.add_nested("compute_signal").add_step("evaluate", component=f"{name}:1")
    step.properties["StepType"] = "SparkComponent"
    return root, step


def breach_tags(signal: str, breaches: Iterable[Breach], mails_to: str) -> tuple[dict[str, str], dict[str, str]]:
    """The tags of the evaluating step and of the root run; the root has them only with an address to mail to."""
    found = [
        json.dumps(
            {"metric_value": b.value, "metric_name": b.metric, "threshold_value": b.threshold, "group": b.feature},
            separators=(",", ":"),
        )
        for b in breaches
    ]
    # The wording is the monitor component's own: Microsoft's filter recipes match its first line.
    text = (
        f"The signal '{signal}' has failed due to one or more features violating metric thresholds.\n"
        f"The feature names and their corresponding computed metric values violating the threshold are \n{found!r}\n"
    )
    on_root = {"azureml.notification.email.address": mails_to, f"{ROOT_TAG}{signal}": text} if mails_to else {}
    return {STEP_TAG: text}, on_root


def _pipeline(experiment: str, run_id: str) -> Run:
    return Run(
        run_id=run_id,
        name=run_id,
        experiment=experiment,
        kind=Kind.PIPELINE,
        created=now(),
        properties=pipeline_properties(),
    )
