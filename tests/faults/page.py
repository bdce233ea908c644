"""Writes docs/reliability.md from the bars and the figures of the last run: ``python -m tests.faults.page``."""

import sys
from pathlib import Path

from tests.faults.bars import BARS, Bar
from tests.faults.figures import FOLDER, Numbers, united

PAGE = Path(__file__).parents[2] / "docs" / "reliability.md"
HEAD = """\
# Reliability

An accepted event ends **done**, **skipped** with a reason, or as a **dead letter**. A job is started once for each
event and reaction. A mail is sent at least once, and once wherever the mail service can be asked what became of it;
where operations cannot be looked up, one lost answer may cost one more mail after the service's 5-minute window, and
each further lost answer one more. An event that is told again after its row was [purged](ops.md#purge) starts no
second job, but may be mailed once more. Below is what is done to the service to show it. The figures are those of each
bar's last run; `make figures` writes this page; [the decisions](adr/README.md) say why it holds, and
[the mutants](mutants.md) which changes of the code tests notice.

Kills are SIGKILLs of processes that run the app under Microsoft's worker runtime, against Azurite and the
[offline twin](the-offline-twin.md)'s Azure.

| bar | what is done | what holds | shown by | figures of the last run |
|---|---|---|---|---|
"""


def told(numbers: Numbers) -> str:
    """Return the figures as words: ``kills 24, worst run s 1.4``."""
    return ", ".join(f"{name.replace('_', ' ')} {_figure(number)}" for name, number in numbers.items())


def _figure(number: float) -> str:
    """Whole numbers whole, others with four digits."""
    return f"{number:,.0f}" if number == int(number) else f"{number:,.4g}"


def page(figures: dict[str, Numbers]) -> str:
    """Return the page."""
    return HEAD + "".join(row(bar, figures.get(bar.number, {})) for bar in BARS)


def row(bar: Bar, numbers: Numbers) -> str:
    """Return one row of the table."""
    cells = (bar.number, bar.name, bar.promise, f"[`{bar.test}`](../tests/{bar.test})", told(numbers))
    return f"| {' | '.join(cells)} |\n"


def main() -> int:
    """Write the page; 1 when a bar has no figures, i.e. its test did not run."""
    figures = united(FOLDER.glob("*.jsonl"))
    missing = [bar.number for bar in BARS if bar.number not in figures]
    if missing:
        sys.stderr.write(f"no figures of bars {', '.join(missing)}: run `make figures`\n")
        return 1
    PAGE.write_text(page(figures), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
