"""What `preview` tells, for people and for scripts."""

from collections.abc import Mapping
from dataclasses import dataclass

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from ops.backtest import Tellings
from ops.comparison import Change, Comparison, Reason
from ops.terminal import plain

STYLES = {"comes": "green", "goes": "red", "changes": "yellow"}
VALUE_CHARACTERS = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Preview:
    """A comparison: *against* names the old reactions, *events* counts what happened, however often it was told."""

    against: str
    events: int
    tellings: Tellings
    comparison: Comparison

    @property
    def summary(self) -> str:
        """What there is on either side, in one sentence."""
        told, passed = len(self.tellings.all), self.tellings.passed
        before, after = self.comparison.before, self.comparison.after
        counts = ", ".join(f"{kind}s {before[kind]} → {after[kind]}" for kind in ("job", "mail"))
        others = f", {passed} more that are of no family" if passed else ""
        return f"{_count(self.events, 'event')}, told {_count(told, 'time')}{others}: {counts}."


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def tell_preview(out: Console, preview: Preview) -> None:
    """Print the table of what differs, and the reasons that do."""
    found = preview.comparison
    out.print(Text(f"Against {plain(preview.against)}: {preview.summary}"), soft_wrap=True)
    if found.changes:
        table = _table("", "event", "reaction", "what")
        for change in found.changes:
            what = "\n".join(plain(detail, VALUE_CHARACTERS) for detail in change.details)
            row = (_event(change), f"{change.reaction}\n{change.kind} {plain(change.what)}", what)
            table.add_row(Text(change.how, style=STYLES[change.how]), *map(Text, row))
        out.print(table)
    else:
        out.print(Text("No job and no mail comes, goes or changes."))
    if found.reasons:
        table = _table("event", "reaction", "does nothing, because before", "and now")
        for reason in found.reasons:
            table.add_row(*map(Text, (_event(reason), reason.reaction, plain(reason.before), plain(reason.after))))
        out.print(table)


def _table(*columns: str) -> Table:
    table = Table(box=box.SIMPLE, pad_edge=False, show_edge=False)
    for column in columns:
        table.add_column(column, overflow="fold")
    return table


def _event(one: Change | Reason) -> str:
    return f"{plain(one.event)}\n{plain(one.workspace)}, {one.at:%Y-%m-%d %H:%M}"


def preview_json(preview: Preview) -> Mapping[str, object]:
    """Return it for scripts; the keys are told in docs/ops.md and stay."""
    found = preview.comparison
    return {
        "against": preview.against,
        "events": preview.events,
        "tellings": len(preview.tellings.all),
        "passed": preview.tellings.passed,
        "refused": list(preview.tellings.refused),
        "jobs": {"before": found.before["job"], "after": found.after["job"]},
        "mails": {"before": found.before["mail"], "after": found.after["mail"]},
        "changes": [change_json(change) for change in found.changes],
        "reasons": [reason_json(reason) for reason in found.reasons],
    }


def change_json(change: Change) -> Mapping[str, object]:
    """Return a job or mail that comes, goes or changes, for scripts."""
    return {
        "how": change.how,
        "kind": change.kind,
        "event": change.event,
        "family": change.family,
        "workspace": change.workspace,
        "at": change.at.isoformat(),
        "reaction": change.reaction,
        "what": change.what,
        "details": list(change.details),
    }


def reason_json(reason: Reason) -> Mapping[str, object]:
    """Return a changed reason for scripts."""
    return {
        "event": reason.event,
        "family": reason.family,
        "workspace": reason.workspace,
        "at": reason.at.isoformat(),
        "reaction": reason.reaction,
        "before": reason.before,
        "after": reason.after,
    }
