"""How an event stands, for people and for scripts."""

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime

from rich.console import Console
from rich.text import Text

from ops.chains import Chains
from ops.chains_rendering import brief_end, end_in_words, end_json, ended_json, facts_of_end, lines_of_end
from ops.finding import happened
from ops.standing import Action, Standing
from ops.terminal import plain
from shared.switches import ALL, Pause

WORD = 9
LABEL = 9
STYLES = {"admitted": "green", "skipped": "yellow", "deferred": "yellow", "unmatched": "dim"}
STATES = {"done": "green", "failed": "red", "waits": "yellow", "under way": "cyan"}

type Pauses = Mapping[str, Pause]


def tell_standing(
    out: Console, standing: Standing, pauses: Pauses, now: datetime, *, chains: Chains | None = None
) -> None:
    """Print an event, and for each reaction why it acts or does not, and what became of it."""
    chains = chains or Chains()
    out.print(Text(plain(" · ".join(_head(standing))), style="bold"), soft_wrap=True)
    for label, text in (*_facts(standing, now), *facts_of_end(standing, chains)):
        _line(out, label, text, indent=2)
    for action in standing.actions:
        head = Text(f"  {plain(action.decision):<{WORD}}", style=STYLES.get(action.decision, ""))
        out.print(head.append(f"  {plain(action.key)}: ", style="bold").append(plain(action.reason)), soft_wrap=True)
        for label, text, style in (*_lines(action), *lines_of_end(action, chains)):
            _line(out, label, text, indent=WORD + 4, style=style)
        if pause := pauses.get(action.reaction) or pauses.get(ALL):
            _line(out, "now", pause.reason, indent=WORD + 4, style="yellow")


def tell_briefly(out: Console, standing: Standing, chains: Chains | None = None) -> None:
    """Print an event on a line, and each reaction on one more."""
    ends = chains.ends if chains else {}
    time = f"{happened(standing).astimezone(UTC):%Y-%m-%d %H:%M}"
    place = f"{standing.family}  {_short(standing.workspace)}{'  dry run' * standing.dry_run}"
    head = Text(f"{time}  ").append(plain(standing.label), style="bold").append(plain(f"  {place}"))
    out.print(head.append(plain(brief_end(standing)), style="dim"), soft_wrap=True)
    if standing.problem:
        out.print(Text(f"{'':18}{plain(standing.problem)}", style="red"), soft_wrap=True)
    for action in standing.actions:
        word = f"{action.state} {action.kind}" if action.state else action.decision
        style = STATES.get(action.state or "", STYLES.get(action.decision, ""))
        told = action.note if action.state == "failed" else action.name or action.reason
        if action.name in ends:
            told += f": {end_in_words(ends[action.name])}"
        line = Text(f"{'':18}{plain(action.key)}  ").append(word, style=style).append(f"  {plain(told)}", style="dim")
        out.print(line, soft_wrap=True)


def standing_json(standing: Standing, pauses: Pauses, chains: Chains | None = None) -> dict[str, object]:
    """Return an event for scripts; the keys are told in docs/ops.md and stay."""
    return {
        "row": standing.row,
        "family": standing.family,
        "label": standing.label,
        "identity": standing.identity,
        "workspace": standing.workspace,
        "event_id": standing.event_id,
        "event_type": standing.event_type,
        "event_time": standing.event_time or None,
        "generation": standing.generation,
        "dry_run": standing.dry_run,
        "written": standing.at.isoformat(),
        "due": _moment(standing.due),
        "trouble_since": _moment(standing.trouble_since),
        "attempts": standing.attempts,
        "problem": standing.problem or None,
        **end_json(standing, chains or Chains()),
        "reactions": [_action_json(action, pauses, chains or Chains()) for action in standing.actions],
    }


def _action_json(action: Action, pauses: Pauses, chains: Chains) -> dict[str, object]:
    pause = pauses.get(action.reaction) or pauses.get(ALL)
    return {
        "name": action.reaction,
        "key": action.key,
        "decision": action.decision,
        "reason": action.reason,
        "kind": action.kind,
        "effect": action.name or None,
        "link": action.link or None,
        "state": action.state,
        "note": action.note or None,
        "letter": action.letter or None,
        "sent_at": _moment(action.sent_at),
        "due": _moment(action.due),
        "ended": ended_json(chains.ends.get(action.name)),
        "paused": pause.reason if pause else None,
    }


def _head(standing: Standing) -> Iterator[str]:
    yield standing.label or standing.row
    yield standing.family or "of no known family"
    yield _short(standing.workspace)
    yield f"{happened(standing).astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"
    if standing.generation:
        yield f"repeated on purpose, generation {standing.generation}"
    if standing.dry_run:
        yield "a dry run: decided, not done"


def _facts(standing: Standing, now: datetime) -> Iterator[tuple[str, str]]:
    yield "event", f"{standing.event_type.rpartition('.')[2]} {standing.event_id}"
    if standing.identity != standing.label:
        yield "about", standing.identity.replace("|", " · ")
    if standing.due:
        lost = "; overdue: is the app running?" if standing.overdue(now) else ""
        yield "waits", f"until {_clock(standing.due)}, put back {standing.attempts} times so far{lost}"
    if standing.trouble_since:
        yield "trouble", f"since {_clock(standing.trouble_since)}"
    if standing.problem:
        yield "problem", standing.problem
    elif not standing.actions:
        yield "", "there was no reaction to such events when it was told"


def _lines(action: Action) -> Iterator[tuple[str, str, str]]:
    if action.kind:
        sent = f", first sent {_clock(action.sent_at)}" if action.sent_at and action.state != "done" else ""
        yield action.kind, f"{action.name}: {action.state}{sent}", STATES[action.state or "done"]
        yield "studio", action.link, ""
    if action.due:
        yield "waits", f"until {_clock(action.due)}", STATES["waits"]
    yield "because", action.note, ""
    if action.letter:
        yield "remedy", f"mend the cause, then: python -m ops dead-letters replay {action.letter}", ""


def _line(out: Console, label: str, text: str, *, indent: int, style: str = "") -> None:
    if text:
        head = Text(f"{'':{indent}}{label:<{LABEL}}", style="dim")
        out.print(head.append(f"  {plain(text)}", style=style), soft_wrap=True)


def _clock(at: datetime) -> str:
    return f"{at.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"


def _moment(at: datetime | None) -> str | None:
    return at.isoformat() if at else None


def _short(workspace: str) -> str:
    return workspace.rstrip("/").rpartition("/")[2]
