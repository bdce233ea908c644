"""Workspace Reactor: every trigger on one page. No logic here: see handlers/ and shared/. Settings are read at use."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import azure.functions as func

import handlers
from handlers.family import Family
from shared.bootstrap import Service
from shared.gateways.queue import QUEUE
from shared.retelling import retell
from shared.transport import deadline

RUN_SECONDS = 20.0  # whatever hangs, a run ends then; Event Grid waits 30 s, and a host that shuts down 10 s


class App(func.FunctionApp):
    """The app. The worker asks it for its functions, once; events come when the host is ready, which takes longer."""

    def get_functions(self) -> list[Any]:
        """Return the functions; what events need is imported meanwhile."""
        service.prepare()
        return super().get_functions()


app = App()
service = Service(environ=os.environ, folder=Path(__file__).parent, vocabularies=handlers.VOCABULARIES)


def push(family: Family[Any]) -> Callable[[func.EventGridEvent], None]:
    """Return the function that takes a family's events in when Event Grid pushes them."""

    def take_in(event: func.EventGridEvent) -> None:
        with deadline(RUN_SECONDS):
            handlers.take_in(family, retell(event), service)

    return take_in


for _family in handlers.PUSHED:
    app.function_name(_family.function)(app.event_grid_trigger(arg_name="event")(push(_family)))


@app.function_name("react")
@app.queue_trigger(arg_name="message", queue_name=QUEUE, connection="StateStorage")
def react(message: func.QueueMessage) -> None:
    """React to one event."""
    with deadline(RUN_SECONDS):
        handlers.dispatch(message.get_body(), service)


@app.function_name("dead_letter")
@app.queue_trigger(arg_name="message", queue_name=f"{QUEUE}-poison", connection="StateStorage")
def dead_letter(message: func.QueueMessage) -> None:
    """Keep what the host gave up."""
    with deadline(RUN_SECONDS):
        handlers.bury(message.get_body(), service)
