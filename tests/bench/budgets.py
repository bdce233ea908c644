"""The budgets of the architecture, each compared with what was measured; a missed one says why."""

from dataclasses import dataclass
from statistics import median

from tests.bench.cold import LATER, WARM
from tests.bench.results import Results
from tests.bench.stats import middle, percentile, ratio

MB = 1 << 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Budget:
    """What is limited, the limit and the measure as words, whether it is kept, and the reason where it is not."""

    what: str
    limit: str
    measured: str
    met: bool
    reason: str


#: Why a budget is missed, by what it limits: shown where it is.
REASONS = {
    "process start to functions indexed": (
        "Most of what is left is Python and Microsoft's runtime, which both pay; the app's own share is the second "
        "ratio."
    ),
    "process start to first job": (
        "Storage, token and ARM clients are imported and connected for it: azure-core, azure-identity with msal, "
        "azure-data-tables and azure-storage-queue. The peer imports more, and before the first event."
    ),
    "intake, own time": "The queue's client: its pipeline of policies, signing, and XML.",
    "PUT of a job": "azure-core's pipeline and requests around it; filling the template is a small part.",
    "job reaction, whole": (
        "Three requests to storage through azure-data-tables, which the peer has not: it keeps no state. They are what "
        "makes a repeated event harmless."
    ),
    "mail, requests to storage": (
        "Counting the mail against what the service allows is one request more, the reminder of an open incident is a "
        "message and a query before the outcome is written ([one mail for each incident](adr/"
        "0010-one-mail-for-each-incident.md), [mails within an allowance](adr/0011-mails-within-an-allowance.md))."
    ),
    "resident memory": (
        "Of what is there after the first jobs about half is Python, the runtime and azure-functions, which imports "
        "werkzeug; cryptography, which azure-identity imports, is 7 MB, requests and urllib3 6, our own rules 4."
    ),
    "throughput of the bare storage requests": (
        "The host's listener, the worker and the clients are Python in one process, and all of it shares the machine's "
        "cores with Azurite and the stand-in: the CPU for each event, below, is the bound, not storage."
    ),
}


def budgets(results: Results) -> list[Budget]:
    """Return every budget that the bench measures."""
    return [*_cold(results), *_warm(results), *_memory(results), _throughput(results)]


def _budget(what: str, limit: str, measured: str, *, met: bool) -> Budget:
    return Budget(what=what, limit=limit, measured=measured, met=met, reason="" if met else REASONS[what])


def _cold(results: Results) -> list[Budget]:
    app, peer = (results.start(name, "job", WARM).runs for name in ("app", "peer"))
    indexed = ratio(median(run.indexed for run in peer), median(run.indexed for run in app))
    own = ratio(*(median(run.indexed - run.runtime for run in runs) for runs in (peer, app)))
    first = ratio(median(run.effect for run in peer), median(run.effect for run in app))
    later = ratio(*(median(run.effect for run in results.start(name, "job", LATER).runs) for name in ("peer", "app")))
    heavy = results.event("app", "job").azure_ai_ml
    return [
        _budget(
            "process start to functions indexed",
            "1/6 of the peer",
            f"1/{indexed:.1f} (without Python and the runtime 1/{own:.1f})",
            met=indexed >= 6,
        ),
        _budget(
            "process start to first job",
            "1/3 of the peer, without azure-ai-ml",
            f"1/{first:.1f}, {'with' if heavy else 'without'} it (1/{later:.1f} where the host needs half a second)",
            met=first >= 3 and not heavy,
        ),
    ]


def _warm(results: Results) -> list[Budget]:
    def p50(contestant: str, effect: str) -> float:
        return middle(results.event(contestant, effect).seconds)

    job, mail, peer = results.event("app", "job"), results.event("app", "mail"), results.event("peer", "job")
    own = (p50("app", "intake") - p50("floor", "intake")) * 1000
    put = ratio(p50("app", "PUT"), p50("floor", "job"))
    whole = ratio(middle(peer.seconds), p50("app", "intake") + middle(job.seconds))
    return [
        _budget("intake, own time", "3 ms", f"{own:.1f} ms (beyond the bare request)", met=own <= 3),
        _budget("job, requests to Azure ML", "1", f"{job.azure:g}", met=job.azure == 1),
        _budget("job, requests to storage", "3", f"{job.storage:g}", met=job.storage <= 3),
        _budget("PUT of a job", "4 times the bare one", f"{put:.1f} times", met=put <= 4),
        _budget("job reaction, whole", "1/6 of the peer", f"1/{whole:.1f}", met=whole >= 6),
        _budget("mail, requests to storage", "4", f"{mail.storage:g}", met=mail.storage <= 4),
    ]


def _memory(results: Results) -> list[Budget]:
    job = results.event("app", "job")
    before, after, mails = (
        size / MB for size in (job.memory_before, job.memory_after, results.event("app", "mail").memory_after)
    )
    measured = f"{before:.0f} MB at index, {after:.0f} MB after the first jobs ({mails:.0f} MB after the first mails)"
    return [_budget("resident memory", "65 MB", measured, met=after <= 65)]


def _throughput(results: Results) -> Budget:
    app, floor = (max(one.rate for one in results.rates if one.contestant == name) for name in ("app", "floor"))
    share = ratio(app, floor)
    measured = f"{share:.0%}: {app:.0f} of {floor:.0f} events a second, each at its best number of processes"
    return _budget("throughput of the bare storage requests", "70 % at least", measured, met=share >= 0.7)


def spread(seconds: list[float]) -> tuple[float, float]:
    """Return p50 and p99 in milliseconds."""
    return middle(seconds) * 1000, percentile(seconds, 0.99) * 1000
