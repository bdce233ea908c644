"""A deployment for the rig: a folder with job files and reactions that a test may spoil, and the app beside it."""

import json
import shutil
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
#: An idle host would poll twenty times a second at the rig's pace: so it comes down to about twice.
LONGEST_POLL = "00:01:00"


def deploy(deployed: Path, app: Path, reactions: str) -> None:
    """Make both folders: *deployed* for the service's own files, *app* for what the worker runtime looks for."""
    shutil.copytree(ROOT / "pipelines", deployed / "pipelines")
    (deployed / "reactions.yaml").write_text(reactions)
    app.mkdir()
    shutil.copy(ROOT / "tests" / "faults" / "app" / "function_app.py", app)
    (app / "host.json").write_text(json.dumps(_host_json()))


def _host_json() -> Any:
    """Return the shipped host.json with fewer polls."""
    settings = json.loads((ROOT / "host.json").read_text())
    settings["extensions"]["queues"]["maxPollingInterval"] = LONGEST_POLL
    return settings
