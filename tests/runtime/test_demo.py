"""The two commands people start with: the demo, and the twin that keeps running."""

import dataclasses
import io
import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from rich.console import Console

from local import demo, story
from local.twin import ROOT
from ops.compile import outdated

pytestmark = pytest.mark.xdist_group("demo")


def timeless(text: str) -> list[str]:
    """Return the lines without what may differ: times, counts of what was seen so far, where the mails were saved."""
    lines = [re.sub(r"^ *[0-9.]+ s +", "", line).strip() for line in text.splitlines()]
    return [line for line in lines if line and not re.match(r"the mail: |replaying |─|\d+ x ", line)]


def readme() -> list[str]:
    """Return the demo's output as the README shows it."""
    text = (ROOT / "README.md").read_text()
    return timeless(text.partition("```text\n")[2].partition("\n```")[0])


def test_the_demo_tells_the_story(tmp_path: Path) -> None:
    """Exactly the expected effects, the reasons, and the mail as files; in well under 30 s."""
    text = io.StringIO()
    started = time.monotonic()
    assert demo.run(Console(file=text, width=160), tmp_path) == 0, text.getvalue()
    assert time.monotonic() - started < 30
    told = text.getvalue()
    for words in (
        "offline-test: started job offline-test-churn-7-",
        "retrain: started job retrain-churn-monitor-",
        "model churn:8 was registered",
        "offline-test: started job offline-test-churn-8-",
        "mail-ops: sent mail",
        "known already, nothing new",
        "skipped: a workspace that is not in WORKSPACES",
        "offline-test.verdict: gave the verdict passed (accuracy 0.93, wanted at least 0.9)",
        "offline-test.tags: tags: written",
        "offline-test.verdict-event: told others offline-test-churn-7-",
        "promote: started job promote-churn-7-",
        "offline-test.verdict: gave the verdict failed (accuracy 0.71, wanted at least 0.9)",
        "promote: unmatched: verdict: wanted 'passed', is 'failed'",
        "in the mailbox of data-science@example.com",
    ):
        assert words in told
    assert [line for line in readme() if line not in timeless(told)] == [], "README tells another story"
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        *("mail-1.html", "mail-1.txt"),
        *("mail-2.html", "mail-2.txt"),
    ]
    mail = (tmp_path / "mail-1.txt").read_text()
    for words in (
        "churn-training",
        "step-03",
        "ValueError: column 'tenure' is missing",
        "churn-train:41 → churn-train:42",
    ):
        assert words in mail


@pytest.mark.parametrize(
    "act",
    [
        dataclasses.replace(story.ACTS[0], jobs={}),
        dataclasses.replace(story.ACTS[0], mails=1),
        dataclasses.replace(story.ACTS[0], mail_names="nobody"),
    ],
    ids=["extra job", "missing mail", "mail about something else"],
)
def test_the_demo_fails_when_an_effect_is_missing_or_extra(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, act: story.Act
) -> None:
    """Exit code 1, and what differs is named."""
    monkeypatch.setattr(demo, "PARTS", (((act,), {}),))
    text = io.StringIO()
    assert demo.run(Console(file=text, width=160), tmp_path) == 1
    assert "not as it should be" in text.getvalue()


def test_the_job_file_of_the_demo_is_compiled() -> None:
    """`python -m ops compile --folder local` does it; else the app would, as slowly as azure-ai-ml is imported."""
    assert outdated([ROOT / "local" / "pipelines" / "promote.yml"]) == []


def test_the_twin_keeps_running_and_takes_events() -> None:
    """`make dev`, `send`, Ctrl-C: an event of one's own has its effect, and the end is clean."""
    running = ROOT / ".local" / "twin.json"
    command = [sys.executable, "-m", "local"]
    environ = {**os.environ, "PYTHONUNBUFFERED": "1"}  # noqa: TID251 - for a child process
    dev = subprocess.Popen(
        [*command, "dev"],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env=environ,
        start_new_session=True,
    )
    assert dev.stdout is not None
    try:
        for line in dev.stdout:
            if line.startswith("The twin is running"):
                break
        sent = subprocess.run(
            [*command, "send", "samples/model-registered.json"],
            cwd=ROOT,
            capture_output=True,
            text=True,
            timeout=30,
            check=True,
        )
        assert "model_registered: 202" in sent.stdout
        told = ""
        while "started job offline-test-churn-7-" not in told:
            told = dev.stdout.readline()
            assert told, "the twin ended before it reacted"
        assert json.loads(running.read_text())["url"].startswith("http://127.0.0.1:")
    finally:
        os.killpg(dev.pid, signal.SIGINT)  # as a terminal does: to the twin and all that it started
        rest, _ = dev.communicate(timeout=30)
    assert (dev.returncode, running.exists()) == (0, False), rest
    assert "Traceback" not in rest


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (None, "there is no file"),
        ("{", "is no JSON file"),
        ('{"a": 1}', "no twin is running; start one with `make dev`"),
    ],
)
def test_send_says_what_is_wrong(tmp_path: Path, content: str | None, says: str) -> None:
    """The mistakes a person makes: a wrong path, no JSON, no twin."""
    file = tmp_path / "event.json"
    if content is not None:
        file.write_text(content)
    sent = subprocess.run(
        [sys.executable, "-m", "local", "send", str(file)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert sent.returncode == 1
    assert says in sent.stderr
