"""What is registered is tested, what drifts is retrained, what fails is told: this repository's reactions, tried."""

from testkit import Reactor, events


def test_a_registered_model_is_tested(reactor: Reactor) -> None:
    """Every version starts the offline test, with the model as input."""
    registered = reactor.when("samples/model-registered.json")
    registered.starts("offline-test", job="pipelines/offline-test.yml", inputs={"model": "azureml:churn:7"})


def test_a_version_is_tested_once(reactor: Reactor) -> None:
    """However often it is told, and in whichever schema; the next version is another matter."""
    registered = reactor.when(events.model_registered(version="7")).starts("offline-test")
    registered.twice().does_nothing()
    registered.then(events.cloud_event(events.model_registered(version="7"))).does_nothing()
    registered.then(events.model_registered(version="8")).starts("offline-test", inputs={"model": "azureml:churn:8"})


def test_a_breach_of_the_monitor_retrains(reactor: Reactor) -> None:
    """The breach, as a model monitor tells it."""
    breach = reactor.when("samples/monitor-breach.json")
    breach.starts("retrain", inputs={"drift_monitor": "churn-monitor", "drift_signal": "data_drift"})


def test_the_retired_form_of_drift_retrains_as_well(reactor: Reactor) -> None:
    """DatasetDriftDetected is the same to the reactions."""
    reactor.when("samples/dataset-drift.json").starts("retrain", inputs={"drift_monitor": "churn-drift"})


def test_several_signals_of_a_monitor_retrain_once(reactor: Reactor) -> None:
    """The cooldown of an hour holds for the monitor, not for the signal."""
    first = reactor.when(events.drift(signal="data_drift", run="step-1")).starts("retrain")
    second = events.drift(signal="prediction_drift", run="step-2")
    first.then(second, after="5m").skips("retrain", because="cooldown")
    first.then(second, after="61m").starts("retrain")


def test_a_signal_about_quality_is_no_reason_to_retrain(reactor: Reactor) -> None:
    """Bad data is not to be learned from."""
    reactor.when(events.drift(signal="data_quality")).skips("retrain", because="signal: wanted")


def test_a_failed_pipeline_mails_ops(reactor: Reactor) -> None:
    """With the experiment in the subject."""
    reactor.when("samples/pipeline-failed.json").mails("mail-ops", to="ops", subject="churn-training")


def test_a_failed_step_is_not_told_by_itself(reactor: Reactor) -> None:
    """Its pipeline's failure is."""
    step = reactor.when("samples/pipeline-failed.step.json")
    step.does_nothing().skips("mail-ops", because="a step of a pipeline")
