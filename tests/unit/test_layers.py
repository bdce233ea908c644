"""What import-linter cannot say: which file alone may import a subpackage, and how long a module may be."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from local.samples import SAMPLES

ROOT = SAMPLES.parent
DEPLOYED = ("function_app.py", "handlers", "shared")
LONGEST = 200
#: With a reason each: the ledger is one class, and the page of the triggers is a page.
OTHER_LENGTHS = {"function_app.py": 60, "shared/ledger.py": 250}


def modules() -> Iterator[Path]:
    """Return every module that is deployed."""
    for name in DEPLOYED:
        path = ROOT / name
        yield from [path] if path.is_file() else sorted(path.rglob("*.py"))


@pytest.mark.parametrize(
    ("package", "users"),
    [("azure.functions", {"function_app.py"}), ("azure.ai.ml", {"shared/job_templates/rehearsal.py"})],
)
def test_who_imports_a_package(package: str, users: set[str]) -> None:
    """azure.functions stays on one page, azure-ai-ml in the rehearsal: everything else starts fast without them."""
    statement = re.compile(rf"^\s*(import|from) {re.escape(package)}\b", re.MULTILINE)
    found = {path.relative_to(ROOT).as_posix() for path in modules() if statement.search(path.read_text())}
    assert found == users


def test_modules_stay_small() -> None:
    """A file that needs a table of contents is two files."""
    lengths = {path.relative_to(ROOT).as_posix(): len(path.read_text().splitlines()) for path in modules()}
    assert {name: lines for name, lines in lengths.items() if lines > OTHER_LENGTHS.get(name, LONGEST)} == {}
