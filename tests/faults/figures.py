"""Figures of the fault tests: what was done to the service, and what came of it; docs/reliability.md is made of them.

A test calls ``figures.record("1", kills=24, effects=72, worst_run_s=1.4)``: the bar it stands for, and plain numbers by
name. Several records of one bar are united: numbers are added, those named ``worst_…`` or ``most_…`` are maxima.
`make figures` runs the fault tests and writes the page.
"""

import json
from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path

FOLDER = Path(__file__).parents[2] / ".local" / "figures"
MAXIMA = ("worst_", "most_")

type Numbers = dict[str, float]


class Figures:
    """Appends records to the file of one test process."""

    def __init__(self, file: Path) -> None:
        self._file = file

    def record(self, bar: str, **numbers: float) -> None:
        """Record *numbers* for *bar* (its number in docs/reliability.md, as text)."""
        self._file.parent.mkdir(parents=True, exist_ok=True)
        with self._file.open("a", encoding="utf-8") as file:
            file.write(json.dumps({"bar": bar, **numbers}) + "\n")


def united(files: Iterable[Path]) -> dict[str, Numbers]:
    """Unite the records of all processes, by bar."""
    bars: dict[str, Numbers] = defaultdict(dict)
    for file in sorted(files):
        for line in file.read_text(encoding="utf-8").splitlines():
            numbers = json.loads(line)
            bar = bars[numbers.pop("bar")]
            for name, number in numbers.items():
                bar[name] = max(bar.get(name, 0), number) if name.startswith(MAXIMA) else bar.get(name, 0) + number
    return dict(bars)
