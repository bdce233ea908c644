"""Every Bicep file: the compiler and its linter have nothing to say, and every name is explained."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

from tests.infra.compiler import INFRA, ROOT, Compiler

TEMPLATES = sorted(path.relative_to(INFRA).as_posix() for path in INFRA.rglob("*.bicep"))
PARAMETERS = sorted(
    path.relative_to(INFRA).as_posix() for path in INFRA.rglob("*.bicepparam") if path.name != "base.bicepparam"
)
SECRET = re.compile(r"key|secret|password|token|connectionstring|sas", re.IGNORECASE)
#: Suffix of names, and a string that is no secret because only identities may write.
NO_SECRETS = {"token", "appInsightsConnectionString", "connectionString", "principalKey"}


@pytest.fixture(scope="session")
def compiled(compiler: Compiler) -> dict[str, tuple[list[str], Any]]:
    """Give what the compiler makes of every template."""
    return {name: compiler.compile(INFRA / name) for name in TEMPLATES}


@pytest.mark.parametrize("name", TEMPLATES)
def test_nothing_to_say_about_a_template(name: str, compiled: dict[str, tuple[list[str], Any]]) -> None:
    """No error, no warning, no hint: a warning would exit 0 and deploy what is wrong."""
    said, template = compiled[name]
    assert said == []
    assert template


@pytest.mark.parametrize("name", PARAMETERS)
def test_nothing_to_say_about_parameters(name: str, compiler: Compiler) -> None:
    """The same for the files of the environments and of azd."""
    assert compiler.compile_params(INFRA / name) == []


@pytest.mark.parametrize("name", TEMPLATES)
def test_every_parameter_and_output_is_explained(name: str, compiled: dict[str, tuple[list[str], Any]]) -> None:
    """A description each, and no secret in either."""
    _said, template = compiled[name]
    for kind in ("parameters", "outputs"):
        for called, declared in template.get(kind, {}).items():
            assert declared["metadata"]["description"].endswith((".", ":")), f"{kind}: {called}"
            assert not declared.get("type", "").lower().startswith("secure"), called
            assert called in NO_SECRETS or not SECRET.search(called), called


def test_the_compiler_would_say_something(compiler: Compiler, tmp_path: Path) -> None:
    """A parameter without a description, and a property that does not exist, are told: silence means something."""
    (tmp_path / "bicepconfig.json").write_bytes((INFRA / "bicepconfig.json").read_bytes())
    wrong = tmp_path / "wrong.bicep"
    wrong.write_text(
        "param name string\n"
        "resource account 'Microsoft.Storage/storageAccounts@2026-04-01' = {\n"
        "  name: name\n  location: 'westeurope'\n  kind: 'StorageV2'\n  sku: { name: 'Standard_LRS' }\n"
        "  properties: { allowSharedKeys: false }\n}\n",
        encoding="utf-8",
    )
    said, _template = compiler.compile(wrong)
    codes = " ".join(said)
    assert all(code in codes for code in ("use-description-params", "BCP037", "no-hardcoded-location")), said


def test_lint_rules_are_errors() -> None:
    """Every rule that is named is an error, none is turned off."""
    text = re.sub(r"^\s*//.*$", "", (INFRA / "bicepconfig.json").read_text(encoding="utf-8"), flags=re.MULTILINE)
    rules = json.loads(text)["analyzers"]["core"]["rules"]
    assert {rule["level"] for rule in rules.values()} == {"error"}
    assert len(rules) >= 40
    disabled = [line for path in ROOT.glob("infra/**/*.bicep") for line in re.findall("#disable.*", path.read_text())]
    assert {line.split()[1] for line in disabled} <= {"use-recent-api-versions"}
