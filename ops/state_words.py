"""What each column and field of the state means, in words for docs/state.md; the names and types are the code's own."""

from collections.abc import Mapping

#: Columns of an event's row beside those of its reactions.
EVENT: Mapping[str, tuple[str, str]] = {
    "workspace": ("text", "ARM id of the workspace, as told"),
    "family": ("text", "which kind of event: the word after `on:` in reactions.yaml"),
    "subject": ("text", "what it happened to: the model's name, the experiment, the drift's name"),
    "identity": ("text", "what happened, the same however often and in whatever form it is told"),
    "event_id": ("text", "the id of its first telling"),
    "event_type": ("text", "the type of its first telling"),
    "event_time": ("text", "when it happened, as its first telling says"),
    "generation": ("number", "0; higher where an operator repeated it on purpose"),
    "event": ("JSON", "the first telling itself, where it fits"),
    "blob": ("text", "else its name in the container `large-events`"),
    "attempts": ("number", "how often it was put back into the queue; absent before the first time"),
    "wake": ("JSON", "the one live copy that waits in the queue, see below; empty when nothing waits"),
    "trouble_since": ("time", "since when nothing has succeeded; empty when there is no trouble"),
}
#: Fields by the type they are in.
FIELDS: Mapping[str, Mapping[str, str]] = {
    "ReactionRecord": {
        "decision": "what was decided",
        "reason": "why: the first condition that did not hold with its values, the guard with its numbers, what held",
        "operation": "digest from which the ids of the effect are derived",
        "effect": "the job's name, or the mail's Operation-Id; absent where nothing is to be done",
        "due": "when what was deferred may be tried again",
        "sent_at": "when the mail was first sent, written before it was",
        "notice": "what the mail says, frozen before the first send",
        "outcome": "what became of it; absent while it is under way or waits",
        "failure": "how often it has failed so far",
        "limited_since": "since when it has been deferred for a reason that has a limit",
    },
    "Done": {
        "type": "always `done`",
        "receipt": "the job's name, or the mail's Operation-Id",
        "note": "how it is known to be done, where the answer itself did not say so",
    },
    "Failed": {
        "type": "always `failed`",
        "reason": "begins with a code, then says what to do; the dead letter has the same",
    },
    "Wake": {
        "token": "which copy it is",
        "due": "when it comes back",
    },
    "Notice": {
        "kind": "which mail it is",
        "headline": "its first line",
        "workspace": "ARM id of the workspace",
        "experiment": "the experiment",
        "run": "the run",
        "status": "how the run stands",
        "time": "when it happened, as told",
        "reaction": "the reaction that mails",
        "cause": "why, as far as the event tells",
        "job": "the job that the same reaction starts",
        "why": "the reason of the decision",
        "tags": "the tags of the run, those that fit",
        "more_tags": "how many were left out",
        "studio": "the page in the studio, where it is not the run's",
        "runbook": "the link of the rule",
    },
    "Memory": {
        "entries": "the admissions that its guards still ask for, oldest first",
    },
    "Entry": {
        "operation": "digest of the operation that was admitted",
        "at": "when, by the clock of storage",
    },
}
SWITCH: Mapping[str, tuple[str, str]] = {
    "state": ("`paused`, `resumed`", "any other word counts as paused"),
    "by": ("text", "who paused it"),
    "at": ("time", "when, by the clock of storage"),
    "events": ("`wait`, `drop`", "what becomes of the events of that time"),
    "note": ("text", "why"),
    "resumed_by": ("text", "who ended the pause; empty while it is in force"),
    "resumed_at": ("time", "when"),
}
