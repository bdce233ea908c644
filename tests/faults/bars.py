"""The bars: what is done to the service, what must hold all the same, and the test that shows it."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Bar:
    """One row of docs/reliability.md. *test* is a file under tests/."""

    number: str
    name: str
    promise: str
    test: str


BARS = (
    Bar(
        "1",
        "crash matrix",
        "killed before or after any call of any edge: one job, one mail",
        "faults/test_crash_matrix.py",
    ),
    Bar(
        "2",
        "duplicate storm",
        "200 copies of one event and 300 others: one set of effects each",
        "faults/test_storm.py",
    ),
    Bar("3", "zombie", "a worker that wakes up late does nothing twice", "faults/test_zombie.py"),
    Bar("4", "one fact, many tellings", "other id, schema, key case or status: one event", "faults/test_one_fact.py"),
    Bar("5", "out of order", "any order of a story has the same effects", "faults/test_orders.py"),
    Bar("6", "clocks", "no clock but the store's decides", "faults/test_clocks.py"),
    Bar(
        "7",
        "late redelivery",
        "a day, a week, a month later: nothing new; a purge spares what is not settled and doubles no job",
        "faults/test_late_redelivery.py",
    ),
    Bar(
        "8",
        "changed rules",
        "what is done stays, what is new is decided, what is gone is told",
        "faults/test_changed_rules.py",
    ),
    Bar("8a", "bad deployment", "nothing is lost or poisoned while it is mended", "faults/test_bad_deployment.py"),
    Bar(
        "8b",
        "admission and memory",
        "no guard admits more than its limit, none meets its own mark",
        "faults/test_admission.py",
    ),
    Bar(
        "9",
        "throttling",
        "Retry-After is kept, one copy waits, a day of trouble is a dead letter",
        "faults/test_throttling.py",
    ),
    Bar(
        "10",
        "unknown outcome",
        "one job always; one mail where it can be asked for, else at most one more for each lost answer",
        "faults/test_unknown_outcome.py",
    ),
    Bar(
        "11",
        "storage outage",
        "no effect without its decision; all is done afterwards",
        "faults/test_storage_outage.py",
    ),
    Bar("12", "ambiguous write", "a write whose answer is lost is read again", "faults/test_ambiguous_write.py"),
    Bar("13", "bounded time", "whatever hangs or drips, a run ends within 25 s", "faults/test_bounded_time.py"),
    Bar("14", "poison", "whatever stands in the queue is done, skipped or a dead letter", "faults/test_poison.py"),
    Bar(
        "15",
        "feedback loop",
        "reactions that bring each other about end by loop limit, cooldown or budget, and say so",
        "faults/test_feedback_loop.py",
    ),
    Bar(
        "16",
        "model test",
        "random faults in random order break no invariant, in memory and on Azurite",
        "faults/test_model.py",
    ),
    Bar(
        "17",
        "contract",
        "fakes and real parts behave alike; job requests are the SDK's own",
        "faults/test_fake_edges.py",
    ),
)
