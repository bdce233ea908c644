"""What happens on the twin, as lines for a person: event, decision, effect, each with its reason."""

import base64
import json
import threading
import time
from collections import Counter
from collections.abc import Mapping
from typing import Any

from rich.console import Console
from rich.text import Text

from shared.published import PREFIX

STYLES = {"event": "cyan", "decision": "yellow", "effect": "bold green", "trouble": "bold red", "": "dim"}
BREACH = "azureml_modelmonitor_threshold_breached"
BREACH_ON_ROOT = "azureml.modelmonitor.threshold.breached."
#: What is done, by the name of the action.
VERBS = {
    "SubmitJob": "started job",
    "SendMail": "sent mail",
    "GiveVerdict": "gave the verdict",
    "WriteTags": "tagged",
    "Publish": "told others",
}
ENDED = ("Completed", "Failed")


class Timeline:
    """Prints what is worth telling as it happens, and counts the rest. Thread-safe.

    `event` is a sink for a subscription of the local Event Grid, `fact` for what the app logs. *home* is the ARM id
    of the workspace whose events need no mention of where they come from.
    """

    def __init__(self, console: Console, *, home: str) -> None:
        self._console = console
        self._home = home
        self._lock = threading.Lock()
        self._started = time.monotonic()
        self._brief = False
        self._asked: dict[str, str] = {}
        self._counts: Counter[str] = Counter()

    def title(self, text: str, *, brief: bool = False) -> None:
        """Begin an act; a *brief* one tells effects, and counts events and decisions."""
        with self._lock:
            self._brief = brief
            self._asked.clear()
            self._counts.clear()
        self._console.print(f"\n[bold]{text}[/bold]", highlight=False, soft_wrap=True)

    def end(self) -> None:
        """End an act with what was counted."""
        for text, count in self._counts.most_common():
            if count:
                self.line("", f"{count} x {text}")

    def line(self, kind: str, text: str) -> None:
        """Print one line."""
        seconds = time.monotonic() - self._started
        head = Text(f"{seconds:5.1f} s  ", style="dim").append(f"{kind:<9}", style=STYLES[kind])
        self._console.print(head.append(text, style="" if kind else "dim"), highlight=False, soft_wrap=True)

    def event(self, message: str) -> None:
        """Tell an event that Event Grid delivers (base64 of it)."""
        event = json.loads(base64.b64decode(message))
        text, family = _worth_telling(event)
        workspace = str(event.get("topic") or event.get("source"))
        if text and workspace.casefold() != self._home.casefold():
            text += f", in workspace {workspace.rpartition('/')[2]}"
        with self._lock:
            self._asked[event["id"]] = family
            self._counts["event of a step or a status that concerns no reaction"] += not text
        if text:
            self._tell("event", text)

    def fact(self, fact: dict[str, Any]) -> None:
        """Tell a decision or an effect that the app logs."""
        match fact:
            case {"did": "event.passed", "event": event, "family": family, "reason": reason}:
                if self._asked.get(event) == family:
                    self._tell("decision", f"{family}: not this one: {reason}")
            case {"did": "event.skipped", "reason": reason}:
                self._tell("decision", f"skipped: {reason}")
            case {"did": "event.known", "subject": subject}:
                self._tell("decision", f"{subject}: known already, nothing new")
            case {"did": "reaction.decided", "reaction": reaction, "decision": decision, "reason": reason}:
                self._tell("decision", f"{reaction}: {decision}: {reason}")
            case {"did": "action.settled"}:
                self._settled(fact)
            case {"did": "event.dead_lettered" | "configuration.error"}:
                self.line("trouble", str(fact.get("problem") or fact.get("reason")))
            case _:
                pass

    def _settled(self, fact: Mapping[str, Any]) -> None:
        """Tell what became of an action; what is done, and what is only read back later, is no trouble."""
        told = f"{fact['outcome']}: {fact.get('reason')}"
        if fact["outcome"] == "done":
            note = f" ({fact['reason']})" if fact.get("reason") else ""
            told = f"{VERBS[fact['action']]} {fact['receipt']}{note}"
        elif fact["action"] == "WriteTags":
            told = str(fact["reason"])
        fine = fact["outcome"] == "done" or told.startswith("tags: written")
        self.line("effect" if fine else "trouble", f"{fact['reaction']}: {told}")

    def _tell(self, kind: str, text: str) -> None:
        """Print a line, or count it in a brief act."""
        if not self._brief:
            self.line(kind, text)
            return
        with self._lock:
            self._counts["event of the acts above" if kind == "event" else text] += 1


def _worth_telling(event: dict[str, Any]) -> tuple[str, str]:
    """Return what to say of an event ("": nothing), and the family whose refusal is worth telling ("": none)."""
    if str(event.get("type")).startswith(PREFIX):
        return f"for others: {event['type'].removeprefix(PREFIX)} {event['id']}", ""
    return _of_workspace(event)


def _of_workspace(event: dict[str, Any]) -> tuple[str, str]:
    kind, data = str(event["eventType"]).rpartition(".")[2], event["data"]
    if kind == "ModelRegistered":
        return f"model {data['modelName']}:{data['modelVersion']} was registered", "model-registered"
    if kind == "DatasetDriftDetected":
        return f"dataset drift of {data['dataDriftName']} (the retired form)", "data-drift"
    tags, status = data.get("runTags") or {}, data.get("runStatus", "")
    if BREACH in tags:
        if not status:
            return f"monitor {data['experimentName']}: its step is told as RunCompleted too (not subscribed to)", ""
        return f"monitor {data['experimentName']}: its step is {status}, with the breach tag", "data-drift"
    if any(name.startswith(BREACH_ON_ROOT) for name in tags):
        return f"monitor {data['experimentName']}: its root run is {status} and tells the breach again", "data-drift"
    return _ended_run(data, tags, status), "pipeline-failed" if status == "Failed" else ""


def _ended_run(data: dict[str, Any], tags: dict[str, str], status: str) -> str:
    if status in ENDED and data.get("runType") == "azureml.PipelineRun":
        return f"pipeline {data['runId']} of {data['experimentName']}: {status}"
    if status == "Failed":
        return f"step of {tags.get('azureml.pipelinerunid', data['runId'])}: Failed"
    return ""
