"""Holds docs/mutants.md to the last run of mutmut, so that no mutant survives unnoticed: ``python -m tests.mutants``.

Mutants are numbered anew with every edit; the page, and so this module, knows them by function and changed line.
"""

import re
import sys
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from tests.markdown import DOCS, code, section, table, tables

PAGE = DOCS / "mutants.md"


@dataclass(frozen=True, slots=True, order=True)
class Change:
    """What one mutant changes: *function* as ``shared.ledger:Ledger.admit``, *line* and *becomes* in one line each."""

    function: str
    line: str
    becomes: str

    def row(self) -> str:
        """Return it as a row of the page."""
        return f"| {' | '.join(_cell(text) for text in (self.function, self.line, self.becomes))} |"


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """What a run of mutmut found: how many mutants each module has, and those that no test notices."""

    mutants: Mapping[str, int]
    survivors: tuple[Change, ...]


def change(mutant: str, diff: str) -> Change:
    """Return what *mutant* changes, from its name and the diff that ``mutmut show`` prints."""
    module, _, mangled = mutant.partition("__mutmut_")[0].rpartition(".")
    function = mangled.removeprefix("x_") if mangled.startswith("x_") else mangled.removeprefix("xǁ").replace("ǁ", ".")
    lines = [line for line in diff.splitlines() if not line.startswith(("---", "+++"))]
    was, becomes = (" ".join(" ".join(line[1:] for line in lines if line[:1] == sign).split()) for sign in "-+")
    return Change(function=f"{module}:{function}", line=was, becomes=becomes)


def listed(page: str) -> Counter[Change]:
    """Return the survivors that *page* gives a reason for."""
    rows = [row for found in tables(section(page, "Survivors")) for row in found[1:]]
    return Counter(Change(*(_text(cell) for cell in row)) for row in rows)


def figures(page: str) -> dict[str, tuple[int, int]]:
    """Return what *page* says of each module: how many mutants it has, and how many of them survive."""
    return {code(module)[0]: (int(mutants), int(survive)) for module, mutants, survive in table(page, "module")}


def problems(page: str, run: Run) -> Iterator[str]:
    """Say what *page* has to learn from *run*."""
    if not any(run.mutants.values()):
        yield "there is no run to compare it with: `make mutants`"
        return
    known, found = listed(page), Counter(run.survivors)
    for one in sorted((found - known).elements()):
        yield f"survives, and the page gives no reason: kill it by a test, or list it\n  {one.row()}"
    for one in sorted((known - found).elements()):
        yield f"is listed, and does not survive any more: take it from the page\n  {one.row()}"
    survive = Counter(one.function.partition(":")[0] for one in run.survivors)
    told = figures(page)
    for module in sorted(run.mutants.keys() | told.keys()):
        counted = (run.mutants.get(module, 0), survive[module])
        if told.get(module) != counted:
            yield f"{module}: the figures of this run are\n  | `{module}` | {counted[0]} | {counted[1]} |"


def last_run() -> Run:
    """Read the last run in the folder ``mutants``: whatever no test killed is a survivor, also when it was not run."""
    from mutmut.mutation.data import SourceFileMutationData  # noqa: PLC0415 - slow, and no use to this module's tests
    from mutmut.mutation.diff_apply import get_diff_for_mutant  # noqa: PLC0415 - as above
    from mutmut.stats import status_by_exit_code  # noqa: PLC0415 - as above
    from mutmut.utils.file_utils import walk_mutatable_files  # noqa: PLC0415 - as above

    mutants: dict[str, int] = {}
    survivors: list[Change] = []
    for path in walk_mutatable_files():
        module = SourceFileMutationData(path=path)
        module.load()
        mutants[".".join(path.with_suffix("").parts)] = len(module.exit_code_by_key)
        names = [name for name, ended in module.exit_code_by_key.items() if status_by_exit_code[ended] != "killed"]
        survivors += [change(name, get_diff_for_mutant(name, path=path)) for name in names]
    return Run(mutants=mutants, survivors=tuple(survivors))


def tell(found: Iterable[str]) -> int:
    """Print the problems; 1 when there are any."""
    lines = list(found)
    for line in lines:
        sys.stderr.write(f"docs/mutants.md: {line}\n")
    return 1 if lines else 0


def _cell(text: str) -> str:
    """Return *text* as code in a cell of a table."""
    fence = "`` " if "`" in text else "`"
    return f"{fence}{text}{fence[::-1]}".replace("|", r"\|") if text else ""


def _text(cell: str) -> str:
    """Return what :func:`_cell` was given."""
    found = re.fullmatch(r"(`+ ?)(.*?)( ?`+)", cell)
    return found[2].replace(r"\|", "|") if found else cell


if __name__ == "__main__":
    sys.exit(tell(problems(PAGE.read_text(encoding="utf-8"), last_run())))
