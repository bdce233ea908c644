"""`python -m tests.infra.snapshots`: what each environment deploys, committed beside it, so that a review sees it."""

import json
import shutil
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tests.infra.compiler import INFRA, MISSING, Compiler, find

ENVIRONMENTS = ("dev", "test", "prod")
FOLDER = INFRA / "environments"


def text(snapshot: Any) -> str:
    """Return a snapshot in one order: the compiler's own changes from run to run. What is JSON in a string is shown."""
    resources = [_readable(resource) for resource in snapshot["predictedResources"]]
    document = {
        "resources": sorted(resources, key=lambda resource: resource["id"]),
        "outputs": snapshot["outputs"],
        "diagnostics": snapshot["diagnostics"],
    }
    return f"{json.dumps(document, indent=2, sort_keys=True)}\n"


def _readable(resource: Any) -> Any:
    properties = resource.get("properties", {})
    if "serializedData" not in properties:
        return resource
    return {**resource, "properties": {**properties, "serializedData": json.loads(properties["serializedData"])}}


def second_deployment(outputs: Mapping[str, Any]) -> str:
    """Return the parameters file of subscriptions.bicep: an output of main.bicep."""
    return f"using 'subscriptions.bicep'\nparam push = {bicep(outputs['PUSH'])}\n"


def bicep(value: Any) -> str:
    """Return a value as Bicep writes it."""
    match value:
        case dict():
            return f"{{ {', '.join(f'{key}: {bicep(one)}' for key, one in sorted(value.items()))} }}"
        case list():
            return f"[{', '.join(bicep(one) for one in value)}]"
        case _:
            return f"'{value}'"


def evaluate(compiler: Compiler, name: str, infra: Path = INFRA) -> Any:
    """Return what an environment deploys. Raises Refused."""
    return compiler.snapshot(infra / "environments" / f"{name}.bicepparam", resource_group=f"rg-reactor-{name}")


def subscribe(compiler: Compiler, outputs: Mapping[str, Any], infra: Path) -> Any:
    """Return what the second deployment of push adds; *infra* is a copy that may be written to."""
    path = infra / "second.bicepparam"
    path.write_text(second_deployment(outputs), encoding="utf-8")
    return compiler.snapshot(path, resource_group=None)


def main() -> int:
    """Write the snapshots that differ."""
    executable = find()
    if executable is None:
        sys.stderr.write(f"{MISSING}\n")
        return 1
    with Compiler(executable) as compiler, tempfile.TemporaryDirectory() as folder:
        snapshots = {name: evaluate(compiler, name) for name in ENVIRONMENTS}
        copy = Path(shutil.copytree(INFRA, Path(folder) / "infra"))
        snapshots["dev.subscriptions"] = subscribe(compiler, snapshots["dev"]["outputs"], copy)
    for name, snapshot in snapshots.items():
        path = FOLDER / f"{name}.snapshot.json"
        if not path.exists() or path.read_text(encoding="utf-8") != text(snapshot):
            path.write_text(text(snapshot), encoding="utf-8", newline="\n")
            sys.stdout.write(f"wrote infra/environments/{path.name}\n")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
