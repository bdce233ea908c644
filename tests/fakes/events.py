"""The project's sample events, told differently."""

from typing import Any

from local.samples import SAMPLES, sample
from tests.fakes.gateways import FakeJobs

__all__ = ["SAMPLES", "altered", "ended", "sample"]


def altered(name: str, *, event_id: str | None = None, **data: object) -> dict[str, Any]:
    """Return a sample with another id and other data fields; a field given as None becomes null."""
    event = sample(name)
    return {**event, "id": event_id or event["id"], "data": {**event["data"], **data}}


def ended(jobs: FakeJobs, job: str, outcome: str = "Completed", *, event_id: str | None = None) -> dict[str, Any]:
    """Return the event that one of *jobs* is over, with what the reaction left on it."""
    _action, properties = jobs.jobs[job]
    told = altered("reaction-finished", event_id=event_id or f"{job} {outcome}")
    data = {"runId": job, "runStatus": outcome, "runTags": dict(properties), "runProperties": dict(properties)}
    return {**told, "data": {**told["data"], **data}}
