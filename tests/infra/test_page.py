"""docs/infrastructure.md holds to the Bicep: parameters with their defaults, outputs, files, alerts."""

import json
import re
from typing import Any

from tests.infra.compiler import INFRA, ROOT, Compiler
from tests.infra.conftest import Evaluate
from tests.markdown import DOCS, code, section, table

PAGE = (DOCS / "infrastructure.md").read_text(encoding="utf-8")


def test_parameters_and_outputs(compiler: Compiler) -> None:
    """Each once, in the order of the template; defaults are the template's."""
    _said, template = compiler.compile(INFRA / "main.bicep")
    rows = table(section(PAGE, "Parameters"), "parameter")
    assert [code(name)[0] for name, _default, _meaning in rows] == list(template["parameters"])
    for name, default, _meaning in rows:
        declared: Any = template["parameters"][code(name)[0]]
        if told := code(default):
            value = declared["defaultValue"]
            assert told == [value if isinstance(value, str) else json.dumps(value)], name
        else:
            required = "defaultValue" not in declared and not declared.get("nullable")
            assert required == (default == ""), name
    outputs = [one for name, _what in table(section(PAGE, "Outputs"), "output") for one in code(name)]
    assert sorted(outputs) == sorted(template["outputs"])


def test_alerts(environment: Evaluate) -> None:
    """Names and severities."""
    prod = environment("prod")
    deployed = {
        re.sub(r"^reactor-prod-(evgt-[a-z]+-[a-z]+-[a-z0-9]{6}-)?", "", rule["name"]): rule["properties"]["severity"]
        for kind in ("scheduledQueryRules", "metricAlerts")
        for rule in prod.of(f"Microsoft.Insights/{kind}")
    }
    told = {code(name)[0]: int(severity) for name, severity, _when in table(section(PAGE, "Alerts"), "alert")}
    assert told == deployed


def test_files_are_there() -> None:
    """Everything of infra/ that the page names, and every file of infra/ is under something that it names."""
    named = {one for name, _what in table(section(PAGE, "Files"), "file") for one in code(name)}
    named |= set(re.findall(r"infra/[\w./-]+\w", PAGE)) | {"infra/outputs.sh", "infra/bicepconfig.json"}
    assert [one for one in named if not (ROOT / one).exists()] == []
    for path in INFRA.rglob("*"):
        name = path.relative_to(ROOT).as_posix()
        assert any(name == one or name.startswith(f"{one.rstrip('/')}/") for one in named), name
