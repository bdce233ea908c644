"""Each signal of a monitor has its own answer: this repository's reactions to drift, tried."""

import pytest

from testkit import Reactor, events

#: The reactions to drift.
REACTIONS = {"retrain", "retrain-worse-model", "mail-data-quality", "mail-other-signals"}


def test_new_data_retrains(reactor: Reactor) -> None:
    """Without a mail."""
    breach = reactor.when("samples/monitor-breach.json").starts("retrain", inputs={"drift_signal": "data_drift"})
    breach.nothing_but("retrain")


def test_a_worse_model_retrains_and_is_told(reactor: Reactor) -> None:
    """Both, by one reaction."""
    breach = reactor.when("samples/monitor-breach.model-performance.json")
    breach.starts("retrain-worse-model").mails("retrain-worse-model", to="ops").nothing_but("retrain-worse-model")


def test_a_model_that_is_better_than_its_threshold_does_not_retrain(reactor: Reactor) -> None:
    """Azure ML tells that as a breach too; value and threshold are compared again."""
    better = reactor.when(events.drift(signal="model_performance", metric="Accuracy", value=0.93, threshold=0.9))
    better.does_nothing().skips("retrain-worse-model", because="Accuracy 0.93 is on the good side of 0.9")


def test_a_worse_model_retrains_twice_a_week_at_most(reactor: Reactor) -> None:
    """Beyond the budget neither job nor mail follows; a week after the first there is room again."""
    worse = reactor.when(events.drift(signal="model_performance", run="monday")).starts("retrain-worse-model")
    again = worse.then(events.drift(signal="model_performance", run="noon"), after="3h")
    again.skips("retrain-worse-model", because="cooldown")
    again = again.then(events.drift(signal="model_performance", run="wednesday"), after="2d")
    again.starts("retrain-worse-model").mails("retrain-worse-model")
    again = again.then(events.drift(signal="model_performance", run="friday"), after="2d")
    again.does_nothing().skips("retrain-worse-model", because="budget: 2 of 2")
    again.then(events.drift(signal="model_performance", run="next-monday"), after="3d").starts("retrain-worse-model")


def test_bad_data_is_told_to_its_owners(reactor: Reactor) -> None:
    """And nothing learns from it."""
    breach = reactor.when("samples/monitor-breach.data-quality.json")
    breach.mails("mail-data-quality", to="data-owners", subject="data_quality of churn-monitor").nothing_but(
        "mail-data-quality"
    )


@pytest.mark.parametrize("signal", ["feature_attribution_drift", "generation_safety_quality", "a_signal_of_ours"])
def test_any_other_signal_is_told(reactor: Reactor, signal: str) -> None:
    """Nobody misses a signal that no reaction was written for."""
    told = reactor.when(events.drift(signal=signal))
    told.mails("mail-other-signals", to="ops").nothing_but("mail-other-signals")


@pytest.mark.parametrize("signal", ["data_drift", "prediction_drift", "model_performance", "data_quality", "other"])
def test_every_signal_has_one_answer(reactor: Reactor, signal: str) -> None:
    """No two reactions act on one signal."""
    verdicts = reactor.when(events.drift(signal=signal)).verdicts
    assert len({verdict.reaction for verdict in verdicts if verdict.acts} & REACTIONS) == 1
