"""The Bicep compiler: found, started once, asked by JSON-RPC on its standard streams."""

import json
import os
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Self

ROOT = Path(__file__).resolve().parents[2]
INFRA = ROOT / "infra"
BESIDE = ROOT.parent / "shared" / "tools" / "bicep" / "bicep"
MISSING = "no Bicep compiler: name it by BICEP, or have `bicep` on PATH"

#: Ids of a deployment that never takes place; the same everywhere, so that snapshots can be compared.
TENANT = "00000000-0000-0000-0000-00000000000f"
SUBSCRIPTION = "00000000-0000-0000-0000-000000000000"
REGION = "westeurope"


class Refused(Exception):  # noqa: N818 - the template's answer, not ours
    """The template stopped a deployment by its `fail()`."""


def find() -> str | None:
    """Return the compiler's path: BICEP, `bicep` on PATH, or the one of the tools beside the project."""
    return os.environ.get("BICEP") or shutil.which("bicep") or (str(BESIDE) if BESIDE.is_file() else None)  # noqa: TID251 - a tool's place


class Compiler:
    """One `bicep jsonrpc` process; it answers in a third of a second and writes no files."""

    def __init__(self, executable: str) -> None:
        self._process = subprocess.Popen(
            [executable, "jsonrpc", "--stdio"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env={**os.environ, "DOTNET_TieredPGO": "0"},  # noqa: TID251 - a third less work in a short life
        )
        self._calls = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_details: object) -> None:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.close()
        try:
            self._process.wait(timeout=5)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait(timeout=5)
        self._process.stdout.close()

    def compile(self, path: Path) -> tuple[list[str], Any]:
        """Return what the compiler and its linter say about a template, and the ARM template."""
        answer = self._call("bicep/compile", {"path": str(path)})
        return _said(path, answer["diagnostics"]), json.loads(answer.get("contents") or "null")

    def compile_params(self, path: Path) -> list[str]:
        """Return what the compiler says about a parameters file."""
        answer = self._call("bicep/compileParams", {"path": str(path), "parameterOverrides": {}})
        return _said(path, answer["diagnostics"])

    def snapshot(self, path: Path, *, resource_group: str | None = "rg-reactor") -> Any:
        """Return the resources, outputs and diagnostics of a parameters file; without a group for a subscription.

        Raises Refused.
        """
        metadata = {
            "tenantId": TENANT,
            "subscriptionId": SUBSCRIPTION,
            "location": REGION,
            "deploymentName": "main",
            **({"resourceGroup": resource_group} if resource_group else {}),
        }
        answer = self._call("bicep/getSnapshot", {"path": str(path), "metadata": metadata, "externalInputs": []})
        return json.loads(answer["snapshot"])

    def _call(self, method: str, parameters: Mapping[str, object]) -> Any:
        self._calls += 1
        request = {"jsonrpc": "2.0", "id": self._calls, "method": method, "params": parameters}
        body = json.dumps(request).encode()
        assert self._process.stdin is not None
        self._process.stdin.write(b"Content-Length: %d\r\n\r\n%s" % (len(body), body))
        self._process.stdin.flush()
        answer = self._answer()
        if "error" in answer:
            raise Refused((answer["error"].get("data") or {}).get("message") or answer["error"]["message"])
        return answer["result"]

    def _answer(self) -> Any:
        stream = self._process.stdout
        assert stream is not None
        length = 0
        while header := stream.readline().strip():
            name, _, value = header.partition(b":")
            if name.lower() == b"content-length":
                length = int(value)
        return json.loads(stream.read(length))


def _said(path: Path, diagnostics: list[Any]) -> list[str]:
    return [f"{path.name}: {told['level']} {told['code']}: {told['message']}" for told in diagnostics]
