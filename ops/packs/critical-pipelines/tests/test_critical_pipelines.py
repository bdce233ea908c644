"""What is tagged as critical reaches those on call: this repository's reactions to failures, tried."""

import pytest

from testkit import Reactor, events


def test_a_critical_pipeline_mails_those_on_call(reactor: Reactor) -> None:
    """It has an owner, so that nobody else needs to know."""
    failed = reactor.when("samples/pipeline-failed.critical.json")
    failed.mails("mail-on-call", to="on-call", subject="churn-training").skips("mail-nobody-owns", because="tags.owner")


def test_any_other_pipeline_does_not(reactor: Reactor) -> None:
    """The tag decides."""
    failed = reactor.when("samples/pipeline-failed.json")
    failed.skips("mail-on-call", because="tags.critical: wanted 'true' or 'True', is absent")
    failed.skips("mail-nobody-owns", because="tags.critical")


@pytest.mark.parametrize("critical", ["true", "True"])
@pytest.mark.parametrize("kind", ["pipeline", "command", "sweep", "automl"])
def test_jobs_of_every_kind_may_be_critical(reactor: Reactor, kind: str, critical: str) -> None:
    """However the tag is spelled."""
    reactor.when(events.pipeline_failed(kind=kind, tags={"critical": critical})).mails("mail-on-call")


@pytest.mark.parametrize("experiment", ["dev-churn", "sandbox-ana"])
def test_what_is_tried_out_wakes_nobody(reactor: Reactor, experiment: str) -> None:
    """Even with the tag."""
    failed = reactor.when(events.pipeline_failed(experiment=experiment, tags={"critical": "true"}))
    failed.skips("mail-on-call", because="experiment: wanted not").skips("mail-nobody-owns", because="experiment")


def test_a_critical_pipeline_without_an_owner_is_told_to_ops(reactor: Reactor) -> None:
    """Those on call are mailed all the same."""
    failed = reactor.when(events.pipeline_failed(tags={"critical": "true"}))
    failed.mails("mail-nobody-owns", to="ops").mails("mail-on-call", to="on-call")
