"""The linters hold deployed code to the one transport that the run's deadline ends; here it is shown that they do."""

import ast
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from local.samples import SAMPLES
from tests.unit.test_layers import modules

ROOT = SAMPLES.parent
TOOLS = Path(sys.executable).parent
#: What Python brings along (ruff), and what may be installed (import-linter).
BUILT_IN = ("http.client", "urllib.request", "ftplib", "smtplib")
INSTALLED = ("aiohttp", "httplib2", "httpx", "pycurl", "requests", "urllib3", "websocket", "websockets")
NETWORK = {*BUILT_IN, *INSTALLED, "socket", "asyncio", "xmlrpc", "telnetlib", "poplib", "imaplib"}


def tool(name: str, *arguments: str, folder: Path = ROOT, text: str = "") -> tuple[int, str]:
    """Run a linter, and return its exit code and what it says."""
    done = subprocess.run(
        [TOOLS / name, *arguments], cwd=folder, input=text, capture_output=True, text=True, timeout=60, check=False
    )
    return done.returncode, done.stdout + done.stderr


@pytest.mark.parametrize("statement", [f"import {module}" for module in BUILT_IN] + ["from http import client"])
@pytest.mark.parametrize("place", ["shared/gateways/new.py", "handlers/new.py", "shared/transport/new.py"])
def test_ruff_bans_what_python_brings_along(statement: str, place: str) -> None:
    """TID251 is on wherever code is deployed; the files that may read the clock are looked at below."""
    code, told = tool("ruff", "check", "--stdin-filename", place, "--output-format", "concise", "-", text=statement)
    assert code == 1
    assert "TID251" in told


def test_import_linter_bans_what_may_be_installed(tmp_path: Path) -> None:
    """In a copy of the project with a gateway that has a client of its own."""
    for name in ("handlers", "shared"):
        shutil.copytree(ROOT / name, tmp_path / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("local", "ops", "testkit"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "__init__.py").touch()
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    check = ("lint-imports", "--no-logo", "--no-cache", "--contract", "one-transport")
    assert tool(*check, folder=tmp_path)[0] == 0
    (tmp_path / "shared/gateways/new.py").write_text("".join(f"import {module}\n" for module in INSTALLED))
    code, told = tool(*check, folder=tmp_path)
    assert code == 1
    assert [module for module in INSTALLED if f"shared.gateways.new -> {module} " not in told] == []


def imported(path: Path) -> Iterator[str]:
    """Return every name that a module imports, with what stands before its dots."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        names: list[str] = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            names = [f"{node.module}.{alias.name}" for alias in node.names]
        for name in names:
            words = name.split(".")
            yield from (".".join(words[: count + 1]) for count in range(len(words)))


def test_who_reaches_the_network() -> None:
    """All deployed modules, also those that a linter lets off, on whatever line the import stands."""
    found = {path.relative_to(ROOT).as_posix(): NETWORK & set(imported(path)) for path in modules()}
    assert {name: used for name, used in found.items() if used} == {
        "shared/transport/deadline_transport.py": {"requests", "urllib3", "socket"},
        "shared/transport/watchdog.py": {"socket"},
    }
