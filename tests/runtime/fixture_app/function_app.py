"""A small function app for the tests of the local host: it does what each event or message tells it to.

It is told by an object with ``do``: ``fail`` (at the first ``times`` deliveries), ``leave`` (SystemExit), ``wait``
(until the file ``until`` exists) or ``meet`` (until ``parties`` invocations are in it at once); else it takes it.
Every run prints one JSON line, at its beginning and at its end.
"""

import json
import os
import sys
import threading
import time
from pathlib import Path

import azure.functions as func

LONGEST_WAIT_SECONDS = 30.0

app = func.FunctionApp()
meeting = threading.Condition()
arrived: dict[str, int] = {}


def tell(**facts: object) -> None:
    """Print *facts* as one line, in one write, so that lines of several threads do not mix."""
    sys.stdout.write(json.dumps({"at": time.monotonic(), **facts}) + "\n")
    sys.stdout.flush()


def act(told: dict[str, object], *, delivery: int) -> None:
    """Do what the event or message says. Raises RuntimeError where it says so, or where it waited in vain."""
    match told.get("do"):
        case "fail" if delivery <= int(str(told.get("times", delivery))):
            raise RuntimeError("told to fail")
        case "leave":
            sys.exit(3)
        case "wait":
            wait_for(Path(str(told["until"])))
        case "meet":
            meet(str(told["at"]), int(str(told["parties"])))


def wait_for(path: Path) -> None:
    """Return when *path* exists."""
    ends = time.monotonic() + LONGEST_WAIT_SECONDS
    while not path.exists():
        if time.monotonic() > ends:
            raise RuntimeError("waited in vain")
        time.sleep(0.01)


def meet(place: str, parties: int) -> None:
    """Return when *parties* invocations are at *place* at once."""
    with meeting:
        arrived[place] = arrived.get(place, 0) + 1
        meeting.notify_all()
        if not meeting.wait_for(lambda: arrived[place] >= parties, LONGEST_WAIT_SECONDS / 3):
            raise RuntimeError("nobody else came")


@app.event_grid_trigger(arg_name="event")
def on_event(event: func.EventGridEvent) -> None:
    """Take one pushed event; CloudEvents arrive as such whatever the annotation says."""
    data = event.get_json()
    tell(began="on_event", id=event.id, data=data)
    act(data, delivery=1)
    tell(ended="on_event", id=event.id)


@app.queue_trigger(arg_name="message", queue_name="%WORK_QUEUE%", connection="StateStorage")
def on_message(message: func.QueueMessage) -> None:
    """Take one message of the work queue; its text may be anything."""
    text = message.get_body().decode()
    tell(began="on_message", id=message.id, text=text, delivery=message.dequeue_count)
    try:
        told = json.loads(text)
    except ValueError:
        told = {}
    act(told if isinstance(told, dict) else {}, delivery=message.dequeue_count or 1)
    tell(ended="on_message", id=message.id, text=text)


@app.queue_trigger(arg_name="message", queue_name="%PARKED_QUEUE%", connection="StateStorage")
def on_parked(message: func.QueueMessage) -> None:
    """Fail at every message of a poison queue."""
    tell(began="on_parked", text=message.get_body().decode(), delivery=message.dequeue_count)
    raise RuntimeError("always fails")


tell(imported={name: os.environ.get(name) for name in ("CONTAINER_NAME", "WEBSITE_INSTANCE_ID")})
