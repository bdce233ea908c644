"""What came before an event and after it: the jobs of its reactions, how they ended, and what a job was started for.

The end of a job is an event of its own, in the partition of the event that started it, so each way is one small query.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from handlers.reaction_finished import FAMILY
from ops.standing import Standing, standing_of
from ops.state_rows import StateRows
from shared.records import event_key


@dataclass(frozen=True, slots=True, kw_only=True)
class Chains:
    """How jobs ended, by their names, and the events that the jobs were started for, by the names of the jobs."""

    ends: Mapping[str, Standing] = field(default_factory=dict)
    causes: Mapping[str, Standing] = field(default_factory=dict)


def among(standings: Iterable[Standing]) -> Chains:
    """Join what is at hand, and ask nothing."""
    every = tuple(standings)
    ends = {one.identity: one for one in every if one.ended}
    return Chains(ends=ends, causes={job: one for one in every for job in jobs_of(one) if job in ends})


def asked(rows: StateRows, standings: Iterable[Standing]) -> Chains:
    """Ask for what is not at hand: a query for each job of these events, and one for each end. Raises StorageError."""
    every = tuple(standings)
    known = among(every)
    missing = [(one, job) for one in every for job in jobs_of(one) if job not in known.ends]
    ends = {job: end for one, job in missing if (end := _end(rows, one, job))}
    later = [one for one in every if one.ended and one.identity not in known.causes]
    causes = {one.identity: cause for one in later if (cause := _cause(rows, one))}
    return Chains(ends={**known.ends, **ends}, causes={**known.causes, **causes})


def with_causes(standings: Sequence[Standing], chains: Chains) -> tuple[Standing, ...]:
    """Return the events, and after the end of each job what it was started for, where that is not among them."""
    told = {one.row for one in standings}
    after = [chains.causes.get(one.identity) for one in standings if one.ended]
    more = {one.row: one for one in after if one is not None and one.row not in told}
    return (*standings, *more.values())


def jobs_of(standing: Standing) -> tuple[str, ...]:
    """Return the names of the jobs that were started for an event."""
    return tuple(action.name for action in standing.actions if action.kind == "job")


def _end(rows: StateRows, standing: Standing, job: str) -> Standing | None:
    partition, key = standing.row.partition("/")[0], event_key(FAMILY.name, job, 0)
    pages = rows.events("PartitionKey eq @partition and RowKey eq @key", partition=partition, key=key)
    found = (standing_of(one) for page in pages for one in page)
    return next((one for one in found if one.ended and one.identity == job), None)


def _cause(rows: StateRows, standing: Standing) -> Standing | None:
    """Look for the row that names the job: an event that was repeated on purpose has several."""
    if standing.ended is None:
        return None
    family, _, identity = standing.ended.cause.partition("|")
    key = event_key(family, identity, 0)
    pages = rows.events(
        "PartitionKey eq @partition and RowKey ge @key and RowKey lt @after",
        partition=standing.row.partition("/")[0],
        key=key,
        after=f"{key}}}",
    )
    found = (standing_of(one) for page in pages for one in page)
    return next((one for one in found if standing.identity in jobs_of(one)), None)
