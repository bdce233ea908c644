"""Events a second, end to end, with several worker processes on the same queue and table."""

import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from itertools import cycle
from pathlib import Path
from time import monotonic, process_time, sleep

from local.host.process import LocalHost
from tests.bench.arena import Arena, effects
from tests.bench.player import ROOT, BenchError, Contestant
from tests.bench.recorded import ports, signature, storage_calls
from tests.bench.replays import Record, about, replayed
from tests.bench.results import Rate
from tests.bench.stats import rate

#: Deliveries at once, of the host and of the floor: batchSize of host.json.
AT_ONCE = 8
LONGEST_SECONDS = 60.0


def hosts(contestant: Contestant, count: int, stack: ExitStack) -> list[LocalHost]:
    """Start *count* hosts, each a worker process with the queue's listener in it."""
    environ = {**contestant.environment, "PYTHONPATH": str(ROOT)}
    return [stack.enter_context(LocalHost(contestant.folder, environ, stop_within=2)) for _ in range(count)]


def app_rate(arena: Arena, processes: int, events: int) -> Rate:
    """Let *processes* hosts empty the queue."""
    with ExitStack() as stack:
        running = hosts(arena.app, processes, stack)
        pids = [host.pid or 0 for host in running]
        _put(arena, AT_ONCE * processes)
        _wait(arena, arena.mark(), 0)
        sleep(0.5)  # each has had its first events
        spent, mark = _spent(arena, pids), arena.mark()
        _put(arena, events)
        times = _wait(arena, mark, events)
        used = [after - before for before, after in zip(spent, _spent(arena, pids), strict=True)]
    return Rate(
        contestant="app",
        processes=processes,
        rate=rate(times),
        cpu=used[0] / events,
        azurite=used[1] / events,
        stand_in=used[2] / events,
    )


def floor_rate(arena: Arena, record: Record, processes: int, events: int) -> Rate:
    """Let *processes* do nothing but the storage requests of a job reaction and of the host's queue."""
    signed = signature()
    calls, name = storage_calls(record.job, arena.storage, signed), about(record.job)
    arena.queue.clear_messages()
    for _ in range(events + AT_ONCE * AT_ONCE * processes):
        arena.queue.send_message(" " * len(record.intake[0].bytes))
    queue = f"/devstoreaccount1/workspace-events/messages?{signed}"
    more = {"threads": AT_ONCE, "queue": queue, "queue_port": ports(arena.storage)[1]}
    with ThreadPoolExecutor(processes) as pool:
        done = list(pool.map(lambda _: replayed(arena, calls, name, events // processes, **more), range(processes)))
    arena.queue.clear_messages()
    times = [time for one in done for time in one.done]
    return Rate(contestant="floor", processes=processes, rate=rate(times), cpu=sum(one.cpu for one in done) / events)


def peer_rate(arena: Arena, processes: int, events: int) -> Rate:
    """Push to *processes* hosts of the peer, AT_ONCE events at a time."""
    with ExitStack() as stack:
        running = hosts(arena.peer, processes, stack)
        pids = [host.pid or 0 for host in running]
        _push(running, arena.models(2 * processes))
        spent, mark = _spent(arena, pids), arena.mark()
        _push(running, arena.models(events))
        times = _wait(arena, mark, events)
        used = [after - before for before, after in zip(spent, _spent(arena, pids), strict=True)]
    return Rate(
        contestant="peer", processes=processes, rate=rate(times), cpu=used[0] / events, stand_in=used[2] / events
    )


def _push(running: Sequence[LocalHost], events: Sequence[str]) -> None:
    with ThreadPoolExecutor(AT_ONCE) as pool:
        answers = pool.map(
            lambda pair: pair[0].post_event("model_registered", pair[1].encode()), zip(cycle(running), events)
        )
    if wrong := [answer for answer in answers if answer[0] != 202]:
        raise BenchError(f"the peer answered {wrong[0]}")


def _put(arena: Arena, count: int) -> None:
    for event in arena.models(count):
        arena.queue.send_message(event)


def _wait(arena: Arena, mark: int, count: int) -> list[float]:
    """Wait for *count* jobs since *mark*, and for the queue to be empty: when each was started."""
    ends = monotonic() + LONGEST_SECONDS
    while monotonic() < ends:
        done = list(effects(arena.since(mark)))
        if len(done) >= count and not arena.queue.get_queue_properties().approximate_message_count:
            return [arena.moment(entry) for entry in done]
        sleep(0.1)
    raise BenchError(f"{count} events did not end in {LONGEST_SECONDS:.0f} s")


def _spent(arena: Arena, pids: Sequence[int]) -> tuple[float, float, float]:
    """Return the CPU seconds so far of the hosts, of Azurite, and of this process, which is the stand-in's."""
    return sum(map(_cpu, pids)), _cpu(arena.azurite.pid), process_time()


def _cpu(pid: int) -> float:
    """CPU seconds of a process: fields 14 and 15 of /proc/PID/stat (proc(5)), in clock ticks."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
