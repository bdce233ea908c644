"""The app under test: the shipped page of triggers, run on a service whose edges the tests have wrapped.

The rig copies this file beside the shipped host.json.
"""

import os
import runpy
from pathlib import Path

import handlers
from tests.faults.control import Control
from tests.faults.wiring import SETTING, wire

wire(Control(Path(os.environ[SETTING])))
app = runpy.run_path(str(Path(handlers.__file__).parents[1] / "function_app.py"))["app"]
