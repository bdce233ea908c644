"""The host's HTTP side: the Event Grid webhook with the extension's answers, and the host's status."""

import json
import logging
from collections.abc import Iterable
from concurrent.futures import Future
from typing import TYPE_CHECKING

from werkzeug.wrappers import Request, Response
from werkzeug.wsgi import ClosingIterator

from local.host.events import read_events, validation_code
from local.host.protos import TypedData
from local.host.worker import Function, InvocationResult, Worker

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

EVENT_GRID_PATH = "/runtime/webhooks/EventGrid"
EVENT_GRID_TRIGGER = "eventGridTrigger"

log = logging.getLogger(__name__)


class Webhook:
    """A WSGI application. A delivery counts as in hand until its answer has been written."""

    def __init__(self, worker: Worker) -> None:
        self._worker = worker

    def __call__(self, environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
        """Answer one request."""
        request = Request(environ)
        if request.path != EVENT_GRID_PATH:
            return self._admin(request)(environ, start_response)
        self._worker.tally.began()
        try:
            body = self._deliver(request)(environ, start_response)
        except BaseException:
            self._worker.tally.ended()
            raise
        return ClosingIterator(body, self._worker.tally.ended)

    def _admin(self, request: Request) -> Response:
        functions = self._worker.functions
        if request.path == "/admin/host/status":
            return _json({"state": "Running", "functions": sorted(functions), **self._worker.tally.counts()})
        if request.path == "/admin/functions":
            return _json({name: list(function.bindings) for name, function in functions.items()})
        return _text(f"nothing at this path: events go to POST {EVENT_GRID_PATH}?functionName=NAME", 404)

    def _deliver(self, request: Request) -> Response:
        name = request.args.get("functionName", "")
        function = self._worker.functions.get(name)
        if function is None or function.trigger["type"] != EVENT_GRID_TRIGGER:
            return _text(f"cannot find function: '{name}'", 404)
        if request.method == "OPTIONS":
            return Response(status=200, headers={"Webhook-Allowed-Origin": "eventgrid.azure.net"})
        try:
            return self._answer(function, request)
        except ValueError:
            log.warning("delivery.unreadable: %s", name)
            return Response(status=500)

    def _answer(self, function: Function, request: Request) -> Response:
        """Do what ``aeg-event-type`` says. Raises ValueError for a body that cannot be read."""
        match request.headers.get("aeg-event-type", "").casefold() if request.method == "POST" else "":
            case "subscriptionvalidation":
                code = validation_code(request.get_data())
                return _text(json.dumps({"validationResponse": code}, separators=(",", ":")), 200)
            case "notification":
                return self._notify(function, read_events(request.get_data()))
            case "unsubscribe":
                return Response(status=202)
            case _:
                return Response(status=400)

    def _notify(self, function: Function, events: Iterable[dict[str, object]]) -> Response:
        """Run all events at once; 202 when every one succeeded, else 500, so that all of them come again."""
        started = [self._start(function, event) for event in events]
        failed = [result for result in (future.result() for future in started) if not result.succeeded]
        for result in failed:
            log_failure(result)
        return _text(f"Exception while executing function: {function.name}", 500) if failed else Response(status=202)

    def _start(self, function: Function, event: dict[str, object]) -> "Future[InvocationResult]":
        """Hand over *event* as JSON, written anew: the function never sees the sender's bytes."""
        as_json = TypedData(json=json.dumps(event))
        metadata = {"data": TypedData(json=json.dumps(event.get("data"))), "sys": TypedData(json="{}")}
        return self._worker.submit(function.name, {str(function.trigger["name"]): as_json}, metadata)


def log_failure(result: InvocationResult) -> None:
    """Log a failed invocation as the host does: the worker's own words, stack included."""
    log.error("Exception while executing function: %s: %s\n%s", result.function, result.message, result.stack)


def _json(value: object) -> Response:
    return Response(json.dumps(value), mimetype="application/json")


def _text(text: str, status: int) -> Response:
    return Response(text, status=status, mimetype="text/plain")
