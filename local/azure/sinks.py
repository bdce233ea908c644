"""Where a subscription delivers: a webhook on loopback, or a storage queue."""

import base64
import http.client
import json
from collections.abc import Callable
from dataclasses import dataclass
from http import HTTPStatus
from typing import Protocol
from urllib.parse import urlsplit

from local.azure.events import Event, is_cloud_event

TIMED_OUT = 0


class Sink(Protocol):
    """A destination of events."""

    def deliver(self, event: Event, subscription: str, attempt: int, patience: float) -> int:
        """Deliver once, waiting *patience* seconds at most; the HTTP status, or 0 when there was no answer."""
        ...


@dataclass(frozen=True, slots=True)
class Post:
    """A webhook: an array with one event, or one CloudEvent."""

    url: str

    def deliver(self, event: Event, subscription: str, attempt: int, patience: float) -> int:
        """POST it with the headers of Event Grid."""
        headers = {
            "aeg-event-type": "Notification",
            "aeg-subscription-name": subscription.upper(),
            "aeg-delivery-count": str(attempt - 1),
            "aeg-metadata-version": "1",
            "Content-Type": "application/json; charset=utf-8",
        }
        if is_cloud_event(event):
            headers["Content-Type"] = "application/cloudevents+json; charset=utf-8"
            body = json.dumps(event)
        else:
            headers["aeg-data-version"] = str(event.get("dataVersion", ""))
            body = json.dumps([event])
        parts = urlsplit(self.url)
        target = f"{parts.path or '/'}?{parts.query}" if parts.query else parts.path or "/"
        connection = http.client.HTTPConnection(parts.hostname or "", parts.port or 80, timeout=patience)
        try:
            connection.request("POST", target, body.encode(), headers)
            response = connection.getresponse()
            response.read()
        except (OSError, http.client.HTTPException):
            return TIMED_OUT
        else:
            return response.status
        finally:
            connection.close()


@dataclass(frozen=True, slots=True)
class Put:
    """A storage queue: the bare event in base64, which *send* puts in."""

    send: Callable[[str], None]

    def deliver(self, event: Event, subscription: str, attempt: int, patience: float) -> int:  # noqa: ARG002 - a Sink
        """Put the message; a queue that fails counts as 503."""
        try:
            self.send(base64.b64encode(json.dumps(event).encode()).decode())
        except Exception:  # noqa: BLE001 - whatever the sender raises, the attempt has failed
            return HTTPStatus.SERVICE_UNAVAILABLE
        return HTTPStatus.OK
