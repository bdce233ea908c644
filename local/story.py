"""The story of the demo: what happens in the workspace, act by act, and exactly what must follow from it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from pathlib import Path

from local.azure import Breach, Pace
from local.samples import sample
from local.twin import Twin
from shared.published import PREFIX

#: How long jobs take in the story, in scaled time.
PACE = Pace(queued=timedelta(seconds=5), running=timedelta(seconds=15))
SEED = 20261124
MONITOR = "churn-monitor"


@dataclass(frozen=True, slots=True, kw_only=True)
class Act:
    """One thing that happens. *jobs* counts the job PUTs by reaction that follow, *mails* the mail POSTs.

    A *brief* act is told in counts; *over* waits until all that has to follow has.
    """

    title: str
    play: Callable[[Twin], None]
    jobs: Mapping[str, int] = field(default_factory=dict)
    mails: int = 0
    mail_names: str = ""
    brief: bool = False
    over: Callable[[Twin], None] = Twin.quiet


def register_model(twin: Twin) -> None:
    """A data scientist registers a model."""
    twin.workspace.register_model("churn", "7", tags={"stage": "candidate"})


def breach_monitor(twin: Twin) -> None:
    """Tell a breach four times, as Azure ML does: two statuses of the step and the root; one of them comes twice."""
    features = (
        Breach("tenure", value=0.41, threshold=0.2, metric="PopulationStabilityIndex"),
        Breach("monthly_charges", value=0.33, threshold=0.2, metric="PopulationStabilityIndex"),
    )
    before = len(twin.azure.event_grid.published)
    twin.workspace.breach_monitor(MONITOR, f"{MONITOR}_data_drift", features=features)
    twin.queue_empty()
    again = [event for event in twin.azure.event_grid.published[before:] if _is_completed_step(event)]
    twin.azure.event_grid.replay(again[:1])


def _is_completed_step(event: Mapping[str, object]) -> bool:
    data = event["data"]
    return isinstance(data, dict) and data.get("runType") == "azureml.StepRun" and data.get("runStatus") == "Completed"


def fail_pipeline(twin: Twin) -> None:
    """A pipeline that somebody submitted fails at its third step; with the data of the day before it went well."""
    error = "ValueError: column 'tenure' is missing in azureml:churn-train:42"
    run = partial(twin.workspace.run_pipeline, "churn-training", steps=12, commit="7d3c1e9a0b52")
    run("train-churn-0420", data={"training_data": "churn-train:41"}, ago=timedelta(days=1))
    run("train-churn-0421", data={"training_data": "churn-train:42"}, fails_at=3, error=error)


def replay_everything(twin: Twin) -> None:
    """Deliver every event so far three times more, in another order."""
    twin.azure.event_grid.replay(twin.azure.event_grid.published, times=3, shuffle_seed=SEED)


def tell_foreign_event(twin: Twin) -> None:
    """Somebody wires another workspace to the app; published through azure-eventgrid."""
    twin.publish(sample("foreign-workspace"))


#: The app settings of the second part: rules with a verdict, and a topic for others.
CLOSED_LOOP_SETTINGS = {
    "REACTIONS_FILE": str(Path(__file__).with_name("closed-loop.yaml")),
    "OUTCOME_TOPIC_ENDPOINT": "https://evgt-outcomes.westeurope-1.eventgrid.azure.net/api/events",
}


def told(twin: Twin) -> list[str]:
    """Return the ids of the events that others have got."""
    return [str(one["id"]) for one in twin.azure.event_grid.published if str(one.get("type")).startswith(PREFIX)]


def tagged(twin: Twin, version: str, *, verdict: str) -> None:
    """Wait until a version of churn has this verdict, all jobs are over, and others know of each of both.

    That the tags are read back, half a minute later, is not waited for. Raises TimeoutError.
    """

    def over() -> bool:
        model = twin.workspace.assets.get("models", "churn", version)
        ends = sum(name.endswith("-finished") for name in told(twin))
        judged = any(f"-churn-{version}-" in name and name.endswith("-verdict") for name in told(twin))
        settled = not twin.azure.pending and not twin.host.status().running
        tagged = model is not None and model.tags.get("offline_test") == verdict
        return settled and tagged and judged and ends == len(twin.azure.journal.jobs_put())

    twin.until(over)


def register_tested(twin: Twin, version: str, *, accuracy: object) -> None:
    """A model is registered of which the offline test will measure this *accuracy*."""
    twin.workspace.knobs.measures = {"judge_offline_test": {"accuracy": accuracy}}
    twin.workspace.register_model("churn", version, tags={"stage": "candidate"})


ACTS = (
    Act(
        title="1  A data scientist registers version 7 of the model churn",
        play=register_model,
        jobs={"offline-test": 1},
    ),
    Act(
        title="2  Production data drifts; the monitor tells its breach four times, and one of them comes twice",
        play=breach_monitor,
        jobs={"retrain": 1, "offline-test": 1},
    ),
    Act(
        title="3  A pipeline of twelve steps fails at the third",
        play=fail_pipeline,
        mails=1,
        mail_names="churn-training",
    ),
    Act(title="4  Event Grid delivers everything again, three times, shuffled", play=replay_everything, brief=True),
    Act(title="5  An event of a workspace that is not ours", play=tell_foreign_event),
)
CLOSED_LOOP = (
    Act(
        title="6  Rules with a verdict: a model that passes its test is tagged and promoted, and others are told",
        play=partial(register_tested, version="7", accuracy=0.93),
        over=partial(tagged, version="7", verdict="passed"),
        jobs={"offline-test": 1, "promote": 1},
    ),
    Act(
        title="7  A model that does not: tagged as well, data science is mailed, and nothing is promoted",
        play=partial(register_tested, version="8", accuracy=0.71),
        over=partial(tagged, version="8", verdict="failed"),
        jobs={"offline-test": 1},
        mails=1,
        mail_names="offline-test failed",
    ),
)
#: Acts and the app settings with which they are played.
PARTS: tuple[tuple[tuple[Act, ...], Mapping[str, str]], ...] = ((ACTS, {}), (CLOSED_LOOP, CLOSED_LOOP_SETTINGS))
