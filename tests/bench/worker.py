"""A function app under Microsoft's worker runtime, invoked line by line: ``python -m tests.bench.worker DIR``.

What a host does beyond invoking is left out, so that a process has in it what the worker process of a deployment has.
Lines of JSON come on standard input (see `Order`) and are answered on standard output, beginning with one when the
functions are indexed. Times are seconds of the machine's monotonic clock, which all processes share.
"""

import json
import logging
import os
import resource
import sys
from collections.abc import Callable
from pathlib import Path
from time import monotonic
from typing import TYPE_CHECKING, Any, TypedDict

from local.host.protos import TypedData
from local.host.worker import Worker

if TYPE_CHECKING:
    from tests.bench.counting import Wire

#: The form in which a host hands over what has triggered a function.
KINDS = {"queueTrigger": "string", "eventGridTrigger": "json"}
#: What the queue trigger tells beside the text.
METADATA = {"Id": TypedData(string="bench"), "DequeueCount": TypedData(json="1")}


class Order(TypedDict):
    """Invoke *function* once for each of *bodies*, one after the other."""

    function: str
    bodies: list[str]


def main(folder: Path) -> None:
    """Index the app in *folder*, say so, and take orders until standard input ends."""
    answer = _answers()
    logging.basicConfig(level=logging.INFO)  # Microsoft's worker passes on every line from this level on
    began = monotonic()
    import azure_functions_runtime  # noqa: F401, PLC0415 - its import is timed apart from the app's

    runtime = monotonic()
    with Worker() as worker:
        worker.start(folder)
        indexed = monotonic()
        answer(began=began, runtime=runtime, indexed=indexed, modules=len(sys.modules), memory=memory())
        wire: Wire | None = None
        for line in sys.stdin:
            order = json.loads(line)
            if order == "count":
                wire = wire or _wire()
                answer()
                continue
            answer(**invoke(worker, order, wire))


def invoke(worker: Worker, order: Order, wire: "Wire | None") -> dict[str, Any]:
    """Carry out an order: when each invocation began and how long it took, CPU seconds in all, bytes of memory."""
    function = worker.functions[order["function"]]
    name, kind = str(function.trigger["name"]), KINDS[str(function.trigger["type"])]
    began, seconds, failed = [], [], []
    spent = cpu()
    for body in order["bodies"]:
        inputs = {name: TypedData(**{kind: body})}
        began.append(monotonic())
        result = worker.invoke(function.name, inputs, METADATA)
        seconds.append(monotonic() - began[-1])
        if not result.succeeded:
            failed.append(f"{result.message}\n{result.stack}")
    spent = cpu() - spent
    sent = wire.taken() if wire is not None else []
    return {
        "began": began,
        "seconds": seconds,
        "cpu": spent,
        "memory": memory(),
        "failed": failed,
        "sent": sent,
        "azure_ai_ml": "azure.ai.ml" in sys.modules,
    }


def _wire() -> "Wire":
    from tests.bench.counting import Wire  # noqa: PLC0415 - not in a process that is timed from its start

    return Wire()


def cpu() -> float:
    """CPU seconds so far, those of processes it started and that ended included."""
    return sum(
        used.ru_utime + used.ru_stime
        for used in map(resource.getrusage, (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    )


def memory() -> int:
    """Resident memory in bytes."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize()


def _answers() -> Callable[..., None]:
    """Return what answers; whatever else prints goes to standard error from now on."""
    channel = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)

    def answer(**values: Any) -> None:
        print(json.dumps(values), file=channel, flush=True)

    return answer


if __name__ == "__main__":
    main(Path(sys.argv[1]))
