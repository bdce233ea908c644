"""The jobs gateway alone, as the app builds it: ``python -m tests.bench.edge FOLDER``.

Takes names of models as JSON on standard input, starts a job for each, and prints the seconds that each took.
"""

import os
import sys
from pathlib import Path
from time import monotonic

import msgspec

import handlers
from local.furniture import workspace_id
from shared.actions import Done, SubmitJob
from shared.bootstrap import Service


def main(folder: Path, models: list[str]) -> list[float]:
    """Start a job for each of *models*."""
    environ = os.environ  # noqa: TID251 - this process is the app's: its environment holds the app settings
    jobs = Service(environ=environ, folder=folder, vocabularies=handlers.VOCABULARIES).jobs
    seconds = []
    for model in models:
        action = SubmitJob(
            workspace=workspace_id(), job="pipelines/offline-test.yml", inputs={"model": f"azureml:{model}:1"}
        )
        began = monotonic()
        outcome = jobs.submit(action, name=f"bench-{model}", properties={"reactor_event": model}, repeated=False)
        seconds.append(monotonic() - began)
        assert isinstance(outcome, Done), outcome
    return seconds


if __name__ == "__main__":
    sys.stdout.buffer.write(
        msgspec.json.encode(main(Path(sys.argv[1]), msgspec.json.decode(sys.stdin.buffer.read(), type=list[str])))
    )
