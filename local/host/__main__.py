"""`python -m local.host --app DIR --port 0 [--time-scale N]`: run a function app without Azure, until told to stop.

Prints one JSON line on standard output when it is ready; log lines go to standard error.
"""

import argparse
import json
import logging
import os
import signal
import sys
from collections.abc import Sequence
from pathlib import Path
from threading import Thread, Timer
from typing import NoReturn

from local.host.errors import HostError
from local.host.host import Host
from local.host.pace import Pace
from local.host.queue_listener import THREAD_PREFIX
from local.host.worker import Worker

#: With one of these set the worker believes it runs in Azure and starts differently; containers often set the first.
NOT_HERE = ("CONTAINER_NAME", "WEBSITE_INSTANCE_ID")
#: How long a stopping host waits for running invocations (WebJobsScriptHostService.StopAsync of the Functions host).
STOP_WITHIN_SECONDS = 10.0


def main(arguments: Sequence[str]) -> int:
    """Run the host; the exit code is 0 after a stop that was asked for, 1 when it could not run or go on."""
    options = _parse(arguments)
    environ = os.environ  # noqa: TID251 - this process is the app's: its environment holds the app settings
    for name in NOT_HERE:
        environ.pop(name, None)
    _set_up_logging()
    app_dir = options.app.resolve()
    with Worker() as worker:
        try:
            worker.start(app_dir)
            host = Host(worker, app_dir, environ=environ, pace=Pace(options.time_scale), port=options.port)
        except HostError as error:
            sys.stderr.write(f"{error}\n")
            return 1
        _stop_at(host, _signals())
        if options.with_parent:
            _stop_at(
                host, sys.stdin.fileno()
            )  # closes when whoever started this process ends, however that comes about
        host.start()
        print(json.dumps({"listening": host.port, "functions": sorted(worker.functions)}), flush=True)
        host.asked_to_stop.wait()
        _stop(host, options.stop_within)
    return int(host.broken)


def _stop(host: Host, within: float) -> None:
    """Stop in order; whatever still runs *within* seconds from now ends by force, as in Azure."""
    last_resort = Timer(within, _leave)
    last_resort.daemon = True
    last_resort.start()
    if not host.stop(within):
        _leave()


def _leave() -> NoReturn:
    sys.stderr.write("host.killed: an invocation did not end in time; its message comes back when its hiding ends\n")
    sys.stderr.flush()
    os._exit(1)  # the function's thread cannot be ended, and a normal exit would wait for it


def _signals() -> int:
    """Give the end of a pipe that can be read from when SIGTERM or SIGINT has come.

    Not a handler that does the work: a signal may reach any thread, and then nothing wakes the main one to run it.
    """
    readable, writable = os.pipe()
    os.set_blocking(writable, False)
    signal.set_wakeup_fd(writable)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda _number, _frame: None)
    return readable


def _stop_at(host: Host, file: int) -> None:
    """Ask *host* to stop as soon as *file* has something to read or ends."""

    def watch() -> None:
        os.read(file, 1)
        host.asked_to_stop.set()

    Thread(target=watch, name=f"watch-{file}", daemon=True).start()


def _parse(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m local.host", description="Run a function app without Azure.")
    parser.add_argument("--app", type=Path, required=True, help="folder with function_app.py and host.json")
    parser.add_argument("--port", type=int, default=0, help="port on 127.0.0.1; 0 picks a free one")
    parser.add_argument("--time-scale", type=float, default=1.0, help="the host's waits run this many times faster")
    parser.add_argument(
        "--stop-within", type=float, default=STOP_WITHIN_SECONDS, help="seconds a stop waits for what runs (Azure: 10)"
    )
    parser.add_argument("--with-parent", action="store_true", help="stop when standard input closes")
    options = parser.parse_args(arguments)
    try:
        Pace(options.time_scale)
    except ValueError as error:
        parser.error(str(error))
    return options


def _set_up_logging() -> None:
    """Log to standard error, without the host's own requests to storage and the worker's line per invocation."""
    handler = logging.StreamHandler()
    handler.setFormatter(logging.Formatter("%(levelname)s %(name)s: %(message)s"))
    handler.addFilter(
        lambda record: record.name.startswith("local.") or not (record.threadName or "").startswith(THREAD_PREFIX)
    )
    logging.basicConfig(level=logging.INFO, handlers=[handler])
    for name in ("azure.functions", "werkzeug"):
        logging.getLogger(name).setLevel(logging.WARNING)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
