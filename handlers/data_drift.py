"""Data drifted: a breach of a model monitor, or the retired DatasetDriftDetected; one family for both worlds.

A breach is told by a tag on the monitor's evaluate-threshold step, which ends as Completed; every later status of
the step carries the tag again, and RunCompleted tells it once more (azureml-assets, model_monitoring components).
RunCompleted is understood but not subscribed to: it tells nothing that RunStatusChanged does not.
"""

from datetime import timedelta
from typing import Annotated

from handlers.breach import read_breach
from handlers.drifted import VALUE_CHARACTERS, DataDrifted, monitor_and_signal, named
from handlers.family import COMMON, Family
from handlers.runs import RUN_STATUS_CHANGED, read_run
from shared.events import EVENT_TYPE_PREFIX, Envelope, NotOurs
from shared.notices import Notice
from shared.reactions import Vocabulary
from shared.reactions.conditions import Bounds, Condition, Conditions, Place, cut, says
from shared.reactions.values import Values

DATASET_DRIFT_DETECTED = f"{EVENT_TYPE_PREFIX}DatasetDriftDetected"
BREACH_TAG = "azureml_modelmonitor_threshold_breached"
#: Several signals of one monitor run come within minutes of each other and start one job.
COOLDOWN = timedelta(hours=1)
#: The signals that start a job unless a rule names others: poor quality or performance is no reason to retrain.
DRIFT_SIGNALS = ["data_drift", "prediction_drift"]


class When(Place, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Conditions of `on: data-drift`."""

    monitor: Annotated[Condition | None, says("the monitor's name")] = None
    signal: Annotated[
        Condition | None,
        says(
            "the signal's name; a rule that only mails is about any; with a `run`, left out: "
            "`data_drift` or `prediction_drift`"
        ),
    ] = None
    metric: Annotated[
        Condition | None, says("the metrics beyond their threshold, any of them; `DatasetDriftDetected` has none")
    ] = None
    feature: Annotated[
        Condition | None, says("the features whose metrics those are, any of them; `DatasetDriftDetected` has none")
    ] = None
    drift_coefficient: Annotated[
        Bounds | None, says("the drift's magnitude, a number; only `DatasetDriftDetected` has it")
    ] = None
    experiment: Annotated[Condition | None, says("the monitor's experiment; `DatasetDriftDetected` has none")] = None
    tags: Annotated[Conditions | None, says("the tags of the run that found it, each by its name")] = None
    properties: Annotated[Conditions | None, says("the properties of the run that found it, each by its name")] = None


def recognise(envelope: Envelope) -> DataDrifted | NotOurs:
    """Tell drift in either form. Raises MalformedError."""
    if envelope.type == DATASET_DRIFT_DETECTED:
        name = envelope.text("dataDriftName")
        return DataDrifted(
            envelope=envelope,
            source=name,
            signal_name="data_drift",
            monitor=name,
            signal="data_drift",
            run=envelope.text("runId"),
            drift_coefficient=_number(envelope, "driftCoefficient"),
            legacy_id=envelope.text("dataDriftId"),
        )
    run = read_run(envelope)
    if run is None:
        return NotOurs("no run and no dataset drift")
    if BREACH_TAG not in run.tags:
        return NotOurs("no breach of a monitor's threshold")
    if run.status != "completed":
        return NotOurs("a breach whose run is not completed yet; it is told again")
    breach = read_breach(run.tags[BREACH_TAG])
    monitor, signal = monitor_and_signal(breach.signal, run.experiment)
    return DataDrifted(
        envelope=envelope,
        source=run.experiment,
        signal_name=breach.signal,
        monitor=monitor,
        signal=signal,
        run=run.id,
        experiment=run.experiment,
        measurements=breach.measurements,
        whole=breach.whole,
        tags=run.tags,
        properties=run.properties,
        root=run.root,
    )


def _number(envelope: Envelope, name: str) -> float | None:
    """Read a number, told as one or as text; None where it is absent or no number."""
    told = envelope.data.get(name.casefold())
    try:
        return float(told) if isinstance(told, (str, int, float)) and not isinstance(told, bool) else None
    except ValueError:
        return None


def values(event: DataDrifted) -> Values:
    """Return what stands behind the names of this family."""
    return {
        "event.monitor": event.monitor,
        "event.signal": event.signal,
        "event.metric": cut(", ".join(event.metric), VALUE_CHARACTERS),
        "event.features": cut(", ".join(event.feature), VALUE_CHARACTERS),
        "event.breach": event.told,
        "event.drift_coefficient": "" if event.drift_coefficient is None else str(event.drift_coefficient),
        "event.run": event.run,
        "event.run.tags": event.tags,
        "event.run.properties": event.properties,
        "event.experiment": event.experiment or "",
    }


def notice(event: DataDrifted) -> Notice:
    """Return what a mail tells."""
    return Notice(
        kind=event.family,
        headline=f"{event.title}: {event.signal} of {event.monitor}",
        workspace=event.workspace,
        experiment=event.source,
        run=event.run,
        status="On the good side" if event.better else "Threshold breached",
        time=event.envelope.time,
        reaction="",
        cause=event.cause,
        measurements=event.shown,
    )


FAMILY = Family(
    name=DataDrifted.family,
    function="data_drift",
    event_types=(DATASET_DRIFT_DETECTED, RUN_STATUS_CHANGED),
    vocabulary=Vocabulary(
        when=When,
        values={
            "event.monitor": "text",
            "event.signal": "text",
            "event.metric": "text",
            "event.features": "text",
            "event.breach": "text",
            "event.drift_coefficient": "number",
            "event.run": "text",
            "event.run.tags": "map",
            "event.run.properties": "map",
            "event.experiment": "text",
            **COMMON,
        },
        cooldown=COOLDOWN,
        runs_only={"signal": DRIFT_SIGNALS},
    ),
    recognise=recognise,
    values=values,
    notice=notice,
    named=named,
)
