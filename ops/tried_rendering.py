"""What `try` tells, for people and for scripts."""

from collections.abc import Callable, Mapping
from pathlib import Path

from rich.console import Console
from rich.text import Text

from ops.judgement import Judged
from ops.letters import header_of
from ops.rules import told_address
from ops.terminal import plain
from ops.trial import Effect, Verdict
from ops.wording import by_hand
from shared.actions import SendMail
from shared.job_templates import load_template
from shared.mail import render

LABEL = 9
VALUE_CHARACTERS = 400

type ByHand = Callable[[Effect], str]


def by_hand_in(folder: Path) -> ByHand:
    """Return what gives the command of an effect by hand, with the job files of *folder*; "" for a mail."""

    def told(effect: Effect) -> str:
        if isinstance(effect.action, SendMail):
            return ""
        declared = {one.name: one for one in load_template(folder / effect.action.job).inputs}
        action = effect.action
        return by_hand(action.job, action.inputs, declared, name=effect.name, workspace=action.workspace)

    return told


def tell_judged(out: Console, judged: Judged, hand: ByHand, only: str | None) -> None:
    """Print an event and the verdicts, or the one of the reaction *only*."""
    out.print(Text(plain(judged.told.source), style="bold"), soft_wrap=True)
    out.print(Text(f"  {plain(judged.told.about)}"), soft_wrap=True)
    if judged.problem:
        out.print(Text(f"  {plain(judged.problem)}", style="yellow"), soft_wrap=True)
    for verdict in judged.verdicts:
        if only in {None, verdict.reaction}:
            _tell_verdict(out, verdict, hand)


def _tell_verdict(out: Console, verdict: Verdict, hand: ByHand) -> None:
    word = Text("  acts   " if verdict.acts else "  nothing", style="green" if verdict.acts else "dim")
    out.print(word.append(f"  {verdict.reaction}: ", style="bold").append(plain(verdict.reason)), soft_wrap=True)
    for effect in verdict.effects:
        for label, text in _lines(effect):
            _line(out, label, text)
        _line(out, "by hand", hand(effect), style="dim")
    if verdict.acts and verdict.guards:
        _line(out, "guards", f"{', '.join(verdict.guards)} (not asked: that takes the ledger)")


def _lines(effect: Effect) -> list[tuple[str, str]]:
    action = effect.action
    if isinstance(action, SendMail):
        return [("mail", render(action.notice).subject), ("to", ", ".join(map(told_address, action.to)))]
    inputs = [("input", f"{key} = {value[:VALUE_CHARACTERS]}") for key, value in action.inputs.items()]
    return [("job", f"{effect.name}, of {action.job}"), *inputs]


def _line(out: Console, label: str, text: str, style: str = "") -> None:
    if text:
        out.print(
            Text(f"{'':{LABEL + 2}}{label:<{LABEL}}", style="dim").append(plain(text), style=style), soft_wrap=True
        )


def judged_json(judged: Judged, hand: ByHand, only: str | None) -> Mapping[str, object]:
    """Return an event and the verdicts for scripts; the keys are told in docs/ops.md and stay."""
    header = header_of(judged.told.content)
    return {
        "source": judged.told.source,
        "event_type": header.get("type"),
        "event_subject": header.get("subject"),
        "event_id": header.get("id"),
        "event_time": header.get("time"),
        "workspace": header.get("workspace"),
        "families": list(judged.families),
        "problem": judged.problem or None,
        "reactions": [_verdict(one, hand) for one in judged.verdicts if only in {None, one.reaction}],
    }


def _verdict(verdict: Verdict, hand: ByHand) -> Mapping[str, object]:
    return {
        "name": verdict.reaction,
        "acts": verdict.acts,
        "reason": verdict.reason,
        "guards": list(verdict.guards),
        "effects": [{**effect_json(effect), "by_hand": hand(effect) or None} for effect in verdict.effects],
    }


def effect_json(effect: Effect) -> Mapping[str, object]:
    """Return a job or a mail for scripts."""
    action = effect.action
    return {
        "kind": "mail" if isinstance(action, SendMail) else "job",
        "key": effect.key,
        "name": effect.name,
        "job": None if isinstance(action, SendMail) else action.job,
        "inputs": None if isinstance(action, SendMail) else dict(action.inputs),
        "to": list(action.to) if isinstance(action, SendMail) else None,
        "subject": render(action.notice).subject if isinstance(action, SendMail) else None,
    }
