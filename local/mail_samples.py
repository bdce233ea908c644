"""A notice of every kind of mail, as it really comes: for the gallery, the pictures in docs/, and the tests."""

from collections.abc import Mapping

import msgspec

from shared.notices import Change, Diagnosis, DigestEntry, Incident, Measurement, Notice

WORKSPACE = (
    "/subscriptions/00000000-0000-0000-0000-000000000000/resourceGroups/rg-mlops"
    "/providers/Microsoft.MachineLearningServices/workspaces/mlw-prod"
)
ERROR = (
    "Traceback (most recent call last):\n"
    '  File "prepare.py", line 88, in <module>\n'
    "    frame = load(arguments.data)\n"
    '  File "prepare.py", line 41, in load\n'
    '    raise FileNotFoundError(f"no partition for {day} in {data}")\n'
    "FileNotFoundError: no partition for 2026-11-19 in azureml://datastores/curated/paths/credit"
)
DIAGNOSIS = Diagnosis(
    step="f0c1a2b3-7d4e-4b51-9c7e-2a9a4e2f8d11",
    step_name="prepare",
    code="UserError",
    error=ERROR,
    started_by="schedule nightly-training",
    last_success="train-credit-20261119-001",
    last_success_at="2026-11-19T05:22:41Z",
    changes=(
        Change(what="Data credit", before="credit:41", after="credit:42"),
        Change(what="Environment of prepare", before="credit-train:17", after="credit-train:18"),
        Change(what="Commit", before="4be01c7", after="9d2f6aa"),
    ),
    inputs={"data": "azureml:credit:42", "horizon_days": "30", "target": "default_12m"},
)
FAILED = Notice(
    kind="pipeline-failed",
    headline="Pipeline failed: credit-training",
    workspace=WORKSPACE,
    experiment="credit-training",
    run="train-credit-20261120-001",
    status="Failed",
    time="2026-11-20T05:00:00.0000000Z",
    reaction="mail-ops",
    tags={"team": "risk", "critical": "true", "owner": "credit-scoring"},
    runbook="https://wiki.example.com/runbooks/credit-training",
    diagnosis=DIAGNOSIS,
    incident=Incident(
        stage="opened",
        thread="4e0b9a4f3c1d2e5f",
        since="2026-11-20T05:00:00Z",
        runs=("train-credit-20261120-001",),
        until="2026-11-20T06:00:00Z",
    ),
)
_change = msgspec.structs.replace
REMINDER = _change(
    FAILED,
    incident=Incident(
        stage="reminder",
        thread="4e0b9a4f3c1d2e5f",
        failures=4,
        since="2026-11-20T05:00:00Z",
        runs=tuple(f"train-credit-202611{day}-001" for day in (23, 22, 21, 20)),
        until="2026-11-24T09:00:00Z",
    ),
    run="train-credit-20261123-001",
    time="2026-11-23T05:00:00Z",
)
RESOLVED = _change(
    REMINDER,
    status="Completed",
    diagnosis=None,
    run="train-credit-20261124-001",
    time="2026-11-24T05:21:07Z",
    incident=_change(
        REMINDER.incident or Incident(stage="resolved", thread=""), stage="resolved", until="2026-11-24T05:21:07Z"
    ),
)
BARE = Notice(
    kind="pipeline-failed",
    headline="Pipeline failed: nightly-scoring",
    workspace="mlw-prod",
    experiment="nightly-scoring",
    run="calm_parrot_8fk2",
    status="Failed",
    time="",
    reaction="mail-ops",
)
UNREAD = _change(
    BARE,
    kind="job-failed",
    headline="Job failed: nightly-scoring",
    workspace=WORKSPACE,
    time="2026-11-20T05:00:00Z",
    cause="The job was preempted, and its retries are used up.",
    job="rescore-9a59f9f8d0aa",
    why="every condition holds, within the budget",
    diagnosis=Diagnosis(started_by="reaction offline-test", unread=("the run's steps: http 403 AuthorizationFailed",)),
)
CANCELED = _change(
    UNREAD,
    kind="job-canceled",
    headline="Pipeline was canceled: nightly-scoring",
    status="Canceled",
    cause="",
    job="",
    why="",
    diagnosis=Diagnosis(started_by="schedule nightly-scoring"),
)
MONITOR = _change(
    BARE,
    kind="monitor-failed",
    headline="Model monitor failed: churn-monitor",
    workspace=WORKSPACE,
    experiment="churn-monitor",
    cause="The model monitor could not run: DataNotFoundError\nLook whether data collection is on.",
)
DRIFT = _change(
    UNREAD,
    kind="data-drift",
    headline="Drift: data_drift of churn-monitor",
    experiment="churn-monitor",
    status="Threshold breached",
    job="retrain-churn-9a59f9f8d0aa",
    cause="",
    diagnosis=None,
    measurements=(
        Measurement(metric="NormalizedWassersteinDistance", feature="monthly_charges", value=0.33, threshold=0.2),
        Measurement(metric="PopulationStabilityIndex", feature="tenure", value=0.4099999, threshold=0.2),
        Measurement(metric="Custom", value=-1.2345678e-05),
        Measurement(metric="NullValueRate", feature="tenure", value=0.01, threshold=0.05, better=True),
    ),
    more_measurements=3,
)
BETTER = _change(
    DRIFT,
    headline="Better than the threshold: model_performance of churn-monitor",
    status="On the good side",
    cause="Azure ML tells this as a breach, but Accuracy 0.93 is on the good side of 0.9. No job was started.",
    job="",
    measurements=(Measurement(metric="Accuracy", value=0.93, threshold=0.9, better=True),),
    more_measurements=0,
)
HELD = Notice(
    kind="held-back",
    headline="Held back: retrain. Drift: data_drift of churn-monitor",
    workspace=WORKSPACE,
    experiment="churn-monitor",
    run="monitor-20261120-07",
    status="Held back by a guard",
    time="2026-11-20T05:00:00Z",
    reaction="retrain",
    cause="budget: 3 of 3 runs in 7d used; next 24 Nov 2026, 05:00:00 UTC\n\nNothing was started.",
)
JUDGED = Notice(
    kind="verdict-failed",
    headline="offline-test failed: churn:8",
    workspace=WORKSPACE,
    experiment="offline-test",
    run="offline-test-churn-8-e6af75a9e208",
    status="Failed",
    time="2026-11-20T05:00:00Z",
    reaction="mail-data-science",
    cause=(
        "The job that offline-test started for churn:8 completed, 12 min after the event.\n"
        "Verdict: failed (accuracy 0.71, wanted at least 0.9)."
    ),
)
PASSED = _change(
    JUDGED,
    kind="verdict-passed",
    headline="offline-test passed: churn:7",
    status="Passed",
    cause="The job that offline-test started for churn:7 completed, 12 min after the event.\n"
    "Verdict: passed (accuracy 0.93, wanted at least 0.9).",
)
UNJUDGED = _change(
    JUDGED,
    kind="verdict-inconclusive",
    headline="offline-test inconclusive: churn:9",
    status="Inconclusive",
    cause="The job that offline-test started for churn:9 failed, 12 min after the event.\n"
    "Verdict: inconclusive (the job failed).",
)
FINISHED = _change(
    JUDGED,
    kind="reaction-finished",
    headline="promote completed: churn:7",
    experiment="promote",
    run="promote-churn-7-23ad023aaeb6",
    status="Completed",
    cause="The job that promote started for churn:7 completed, 30 s after the event.",
)
REGISTERED = Notice(
    kind="model-registered",
    headline="Model registered: churn:7",
    workspace=WORKSPACE,
    experiment="",
    run="",
    status="Registered",
    time="2026-11-20T05:00:00Z",
    reaction="tell-churn-team",
    tags={"stage": "candidate", "f1": "0.91"},
)
DIGEST = Notice(
    kind="digest",
    headline="17 failures of 4 pipelines",
    workspace=WORKSPACE,
    experiment="",
    run="",
    status="Digest",
    time="2026-11-20T07:00:00Z",
    reaction="",
    entries=(
        DigestEntry(
            subject="nightly-scoring",
            headline="The step score failed first: OutOfMemoryError",
            failures=9,
            since="2026-11-19T22:00:00Z",
            run="calm_parrot_8fk2",
            workspace=WORKSPACE,
        ),
        DigestEntry(
            subject="credit-training",
            headline="The step prepare failed first: FileNotFoundError: no partition for 2026-11-19",
            failures=4,
            since="2026-11-20T05:00:00Z",
            run="train-credit-20261120-001",
            workspace=WORKSPACE,
        ),
        DigestEntry(
            subject="price-forecast", headline="Pipeline failed: price-forecast", failures=3, run="brave_owl_1"
        ),
        DigestEntry(subject="churn-monitor", headline="Model monitor failed: churn-monitor"),
    ),
    more_entries=2,
)
TEST = Notice(
    kind="test",
    headline="Mail works",
    workspace=WORKSPACE,
    experiment="",
    run="",
    status="Test",
    time="2026-11-20T07:00:00Z",
    reaction="",
)
MAILS: Mapping[str, Notice] = {
    "pipeline-failed": FAILED,
    "still-failing": REMINDER,
    "resolved": RESOLVED,
    "digest": DIGEST,
    "data-drift": DRIFT,
    "data-drift-better": BETTER,
    "monitor-failed": MONITOR,
    "job-failed": UNREAD,
    "job-canceled": CANCELED,
    "pipeline-failed-bare": BARE,
    "verdict-failed": JUDGED,
    "verdict-passed": PASSED,
    "verdict-inconclusive": UNJUDGED,
    "reaction-finished": FINISHED,
    "reaction-failed": _change(
        FINISHED,
        kind="reaction-failed",
        headline="promote failed: churn:7",
        status="Failed",
        cause="The job that promote started for churn:7 failed, 30 s after the event.",
    ),
    "held-back": HELD,
    "model-registered": REGISTERED,
    "test": TEST,
}
