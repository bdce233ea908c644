"""`make dev`: the twin, running until somebody stops it."""

import json
import signal
import threading
from pathlib import Path

from rich.console import Console

import handlers
from local.furniture import workspace_id
from local.timeline import Timeline
from local.twin import Twin

HELP = """
The twin is running: {url}   (stop it with Ctrl-C)

Send an event of your own, from another terminal in this folder:
  .venv/bin/python -m local send samples/model-registered.json
or with curl, to the function of one family ({functions}):
  curl -i -H 'aeg-event-type: Notification' -d @samples/model-registered.json \\
    '{url}/runtime/webhooks/EventGrid?functionName=model_registered'
The workspace is {workspace}; reactions.yaml and pipelines/ are read once: restart after a change.
"""


def run(console: Console, running: Path) -> None:
    """Run until interrupted; *running* tells `python -m local send` where."""
    timeline = Timeline(console, home=workspace_id())
    functions = [family.function for family in handlers.PUSHED]
    for number in (signal.SIGINT, signal.SIGTERM):  # also where a shell started us with the first one ignored
        signal.signal(number, signal.default_int_handler)
    with Twin(on_fact=timeline.fact) as twin:
        twin.azure.event_grid.subscribe("timeline", timeline.event)
        running.parent.mkdir(exist_ok=True)
        running.write_text(json.dumps({"url": twin.host.url, "functions": functions}))
        text = HELP.format(url=twin.host.url, functions=", ".join(functions), workspace=twin.workspace.id)
        console.print(text, highlight=False, soft_wrap=True, markup=False)
        try:
            threading.Event().wait()
        except KeyboardInterrupt:
            console.print("stopping …")
        finally:
            running.unlink(missing_ok=True)
