"""Every reaction's verdict, as a failing test tells it."""

from collections.abc import Sequence
from typing import assert_never

from ops.rules import told_address
from ops.trial import Verdict
from shared.actions import Action, GiveVerdict, Publish, SendMail, SubmitJob, WriteTags
from shared.mail import render


def report(verdicts: Sequence[Verdict]) -> str:
    """Return what was decided, a line for each effect and each reaction that does nothing."""
    width = max((len(verdict.reaction) for verdict in verdicts), default=0)
    lines = [f"  {verdict.reaction:{width}}  {line}" for verdict in verdicts for line in _lines(verdict)]
    return "\n".join(["decided:", *lines]) if lines else "there are no reactions"


def _lines(verdict: Verdict) -> list[str]:
    return [_effect(effect.action) for effect in verdict.effects] or [f"nothing, {verdict.reason}"]


def _effect(action: Action) -> str:
    match action:
        case SubmitJob():
            inputs = ", ".join(f"{name}={value!r}" for name, value in action.inputs.items())
            return f"starts {action.job}" + (f" with {inputs}" if inputs else "")
        case SendMail():
            return f"mails {', '.join(map(told_address, action.to))}: {render(action.notice).subject}"
        case GiveVerdict():
            return f"judges {action.job}"
        case WriteTags():
            return f"tags {action.model}:{action.version}"
        case Publish():
            return f"tells {action.event.type}"
        case _:
            assert_never(action)
