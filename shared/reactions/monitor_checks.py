"""Reads `monitors:` of reactions.yaml, and says everything that is wrong with it."""

from collections.abc import Iterator

from shared.reactions.monitors import MonitorRule, Monitors
from shared.reactions.patterns import refusal
from shared.reactions.strict import Report, convert
from shared.yaml_document import Document, Path

KEY = "monitors"
EXAMPLE = "`- { experiment: churn-weekly, monitor: churn }`"


def read_monitors(document: Document) -> Monitors:
    """Read the entries, and report every mistake in them."""
    raw = document.content.get(KEY, [])
    if not isinstance(raw, list):
        document.report((KEY,), f"`{KEY}` must be a list of entries such as {EXAMPLE}")
        return Monitors()
    entries: list[MonitorRule] = []
    for number, one in enumerate(raw):
        place: Path = (KEY, number)
        if not isinstance(one, dict):
            document.report(place, f"an entry is a mapping such as {EXAMPLE}")
            continue
        before = len(document.problems)
        entry = convert(one, MonitorRule, _reporter(document, place))
        if entry is None:
            continue
        for key in ("experiment", "signal_name"):
            if reason := refusal(getattr(entry, key)):
                document.report((*place, key), f"`{key}`: {reason}")
        if len(document.problems) == before:
            for path, problem in _mistakes(entry, entries):
                document.report((*place, *path), problem)
        entries.append(entry)
    return Monitors(tuple(entries))


def _reporter(document: Document, place: Path) -> Report:
    return lambda problem, path: document.report((*place, *path), problem)


def _mistakes(entry: MonitorRule, above: list[MonitorRule]) -> Iterator[tuple[tuple[str, ...], str]]:
    if (entry.experiment, entry.signal_name) == (None, None):
        yield (), "the entry is about no breach; write `experiment`, `signal_name`, or both"
    elif any((one.experiment, one.signal_name) == (entry.experiment, entry.signal_name) for one in above):
        yield (), "an entry above is about the same breaches, and the first that fits counts"
    if (entry.monitor, entry.signal) == (None, None):
        yield (), "the entry gives no name; write `monitor`, `signal`, or both"
    elif entry.monitor is not None and not entry.monitor.strip():
        yield ("monitor",), "`monitor`: an empty name; leave it out, and the monitor keeps its own"
