"""Events for tests, made from the project's sample events: one builder, at least, for every family.

What a builder is not told is as in the sample. Each returns the event as decoded JSON, for you to alter further.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from handlers import data_drift, pipeline_failure
from handlers import model_registered as models
from handlers import reaction_finished as finished
from handlers.breach import SIGNAL
from local.samples import sample
from shared.actions import NAMED_DIGITS
from shared.lineage import MODEL, OPERATION, REACTION, SUBJECT, VERDICT
from testkit.telling import told

__all__ = [
    "BUILDERS",
    "cloud_event",
    "dataset_drift",
    "drift",
    "model_registered",
    "pipeline_failed",
    "pipeline_succeeded",
    "reaction_finished",
    "sample",
]

WORKSPACE = "mlw-churn"
#: Later than what failed in the samples.
SUCCEEDED = "2026-11-24T09:00:00Z"
#: The run types of root runs, as Azure ML tells them.
RUN_TYPES = {
    "pipeline": "azureml.PipelineRun",
    "command": "azureml.scriptrun",
    "sweep": "hyperdrive",
    "automl": "automl",
}


def model_registered(
    *,
    name: str = "churn",
    version: str = "7",
    tags: Mapping[str, str] | None = None,
    properties: Mapping[str, str] | None = None,
    workspace: str = WORKSPACE,
) -> dict[str, Any]:
    """Return the event of a registered model version."""
    return told(
        "model-registered",
        workspace,
        f"models/{name}:{version}",
        modelName=name,
        modelVersion=version,
        modelTags=tags,
        modelProperties=properties,
    )


def drift(
    *,
    monitor: str = "churn-monitor",
    signal: str = "data_drift",
    metric: str | Sequence[str] = "PopulationStabilityIndex",
    feature: str = "tenure",
    value: float = 0.41,
    threshold: float = 0.2,
    run: str = "mon-20261124-step-drift",
    experiment: str | None = None,
    tags: Mapping[str, str] | None = None,
    properties: Mapping[str, str] | None = None,
    workspace: str = WORKSPACE,
) -> dict[str, Any]:
    """Return the event of a model monitor's breach: its step *run*, in an experiment named as the monitor.

    Metrics, tags and properties are told as Azure ML does, beside its own; each metric has the same *value* of the same
    *feature*. A signal that Azure ML does not have goes by its whole name, `<monitor>_<signal>`.
    """
    data = sample("monitor-breach")["data"]
    breach: str = data["runTags"][data_drift.BREACH_TAG]
    text = SIGNAL.sub(f"The signal '{monitor}_{signal}' has failed", breach[: breach.index("[")])
    metrics = [metric] if isinstance(metric, str) else metric
    of_all = {"metric_value": value, "threshold_value": threshold, "group": feature}
    values = [{"metric_name": one, **of_all} for one in metrics]
    listed = [json.dumps(value, separators=(",", ":")) for value in values]
    return told(
        "monitor-breach",
        workspace,
        f"experiments/{data['experimentId']}/runs/{run}",
        experimentName=experiment or monitor,
        runId=run,
        runTags={**data["runTags"], data_drift.BREACH_TAG: f"{text}{listed}\n", **(tags or {})},
        runProperties={**data["runProperties"], **(properties or {})},
    )


def dataset_drift(
    *,
    monitor: str = "churn-drift",
    drift_coefficient: float = 0.62,
    run: str = "9a1b_1764000000",
    workspace: str = WORKSPACE,
) -> dict[str, Any]:
    """Return the retired form of drift, DatasetDriftDetected."""
    data = sample("dataset-drift")["data"]
    subject = f"datadrift/{data['dataDriftId']}/run/{run}"
    return told(
        "dataset-drift",
        workspace,
        subject,
        dataDriftName=monitor,
        driftCoefficient=drift_coefficient,
        runId=run,
    )


def pipeline_failed(
    *,
    experiment: str = "churn-training",
    run: str = "train-churn-0421",
    kind: str = "pipeline",
    status: str = "failed",
    pipeline: str | None = None,
    tags: Mapping[str, str] | None = None,
    properties: Mapping[str, str] | None = None,
    workspace: str = WORKSPACE,
) -> dict[str, Any]:
    """Return the event of a root run that failed, or was *status* "canceled"; *kind* is one of RUN_TYPES.

    *pipeline* is a published pipeline's id. Properties are told beside those that Azure ML sets itself.
    """
    data = sample("pipeline-failed")["data"]
    own = data["runProperties"] if kind == "pipeline" else {}
    return told(
        "pipeline-failed",
        workspace,
        f"experiments/{data['experimentId']}/runs/{run}",
        experimentName=experiment,
        runId=run,
        runType=RUN_TYPES[kind],
        runStatus=status.capitalize(),
        runTags=tags,
        runProperties={
            **own,
            "azureml.runsource": RUN_TYPES[kind],
            **({"azureml.pipelineid": pipeline} if pipeline else {}),
            **(properties or {}),
        },
    )


def pipeline_succeeded(
    *, experiment: str = "churn-training", run: str = "train-churn-0422", workspace: str = WORKSPACE
) -> dict[str, Any]:
    """Return the event of a pipeline run that succeeded, which ends an incident of its experiment."""
    event = pipeline_failed(experiment=experiment, run=run, workspace=workspace)
    return {**event, "eventTime": SUCCEEDED, "data": {**event["data"], "runStatus": "Completed"}}


def reaction_finished(
    *,
    reaction: str = "offline-test",
    outcome: str = "completed",
    verdict: str | None = None,
    model: str | None = "churn:7",
    experiment: str = "offline-test",
    tags: Mapping[str, str] | None = None,
    properties: Mapping[str, str] | None = None,
    workspace: str = WORKSPACE,
) -> dict[str, Any]:
    """Return the event that the job of *reaction* is over; *model* is the version it began with, None for no model.

    *verdict* is what the app would read from the job. Properties are told beside those of the reaction.
    """
    data = sample("reaction-finished")["data"]
    about = {REACTION: reaction, SUBJECT: (model or experiment).partition(":")[0], MODEL: model, VERDICT: verdict}
    given = {name: value for name, value in {**data["runProperties"], **about}.items() if value}
    job = f"{reaction}-{(model or experiment).replace(':', '-')}-{given[OPERATION][:NAMED_DIGITS]}"
    return told(
        "reaction-finished",
        workspace,
        f"experiments/{data['experimentId']}/runs/{job}",
        experimentName=experiment,
        runId=job,
        runStatus=outcome.capitalize(),
        runTags=tags,
        runProperties={**given, **(properties or {})},
    )


def cloud_event(event: Mapping[str, Any]) -> dict[str, Any]:
    """Return the same event in the schema of CloudEvents, in which a subscription may ask for it."""
    return {
        "specversion": "1.0",
        "source": event["topic"],
        "subject": event["subject"],
        "type": event["eventType"],
        "time": event["eventTime"],
        "id": event["id"],
        "data": dict(event["data"]),
    }


#: By the word after `on:`.
BUILDERS: Mapping[str, tuple[Callable[..., dict[str, Any]], ...]] = {
    models.FAMILY.name: (model_registered,),
    data_drift.FAMILY.name: (drift, dataset_drift),
    pipeline_failure.FAMILY.name: (pipeline_failed,),
    finished.FAMILY.name: (reaction_finished,),
}
