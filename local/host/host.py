"""The local host: one worker, one HTTP server, one listener for every queue trigger."""

import logging
from collections.abc import Mapping
from pathlib import Path
from threading import Event, Thread
from time import monotonic

from werkzeug.serving import BaseWSGIServer, make_server

from local.host.host_json import queue_options
from local.host.pace import Pace
from local.host.queue_listener import QueueListener, Signals
from local.host.queue_trigger import QUEUE_TRIGGER, resolve_connection, resolve_queue
from local.host.source_queue import POISON_SUFFIX, SourceQueue
from local.host.webhook import EVENT_GRID_TRIGGER, Webhook
from local.host.worker import Worker

ADDRESS = "127.0.0.1"

log = logging.getLogger(__name__)


class Host:
    """Serves the app that *worker* has loaded. *environ* are the app settings: connections and queue names."""

    def __init__(self, worker: Worker, app_dir: Path, *, environ: Mapping[str, str], pace: Pace, port: int) -> None:
        """Prepare everything; nothing is received yet. Raises HostError when host.json or a setting is wrong."""
        self.asked_to_stop = Event()
        self.broken = False
        self._worker = worker
        self._stopping = Event()
        self._listeners = self._make_listeners(app_dir, environ, pace)
        self._warn_about_the_rest()
        self._server: BaseWSGIServer = make_server(ADDRESS, port, Webhook(worker), threaded=True)
        self._serving = Thread(target=self._server.serve_forever, args=(0.05,), name="http", daemon=True)

    @property
    def port(self) -> int:
        """The port that is listened on."""
        return int(self._server.port)

    def _make_listeners(self, app_dir: Path, environ: Mapping[str, str], pace: Pace) -> dict[str, QueueListener]:
        options = queue_options(app_dir)
        signals = Signals(poisoned=self._poisoned, stop_host=self._stop_broken)
        listeners = {}
        for function in self._worker.functions.values():
            if function.trigger["type"] != QUEUE_TRIGGER:
                continue
            name = resolve_queue(function, environ)
            connection = resolve_connection(function, environ)
            queue = SourceQueue(connection, name, pace=pace, stopping=self._stopping)
            listeners[name] = QueueListener(
                function, queue, worker=self._worker, options=options, pace=pace, signals=signals
            )
        return listeners

    def _warn_about_the_rest(self) -> None:
        for function in self._worker.functions.values():
            kinds = [str(binding["type"]) for binding in function.bindings]
            if unserved := [kind for kind in kinds if kind not in {QUEUE_TRIGGER, EVENT_GRID_TRIGGER}]:
                log.warning("function.partly-served: %s, no local %s", function.name, ", ".join(unserved))

    def start(self) -> None:
        """Take requests and messages."""
        self._serving.start()
        for listener in self._listeners.values():
            listener.start()

    def stop(self, within: float) -> bool:
        """Take nothing new, wait for what is in hand; False when it did not end *within* so many seconds."""
        ends = monotonic() + within
        self._stopping.set()
        for listener in self._listeners.values():
            listener.stop()
        self._server.shutdown()
        if not all(listener.fetched_last(ends - monotonic()) for listener in self._listeners.values()):
            return False
        log.info("host.drains: nothing new is taken")
        if not self._worker.tally.wait_idle(ends - monotonic()):
            return False
        for listener in self._listeners.values():
            listener.close()
        return True

    def _poisoned(self, queue: str) -> None:
        if listener := self._listeners.get(queue + POISON_SUFFIX):
            listener.wake()

    def _stop_broken(self, why: str) -> None:
        log.critical("host.stops: %s", why)
        self.broken = True
        self.asked_to_stop.set()
