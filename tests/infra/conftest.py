"""The compiler of a session, and the infrastructure as it evaluates it."""

import shutil
from collections.abc import Callable, Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from tests.infra import kql
from tests.infra.compiler import INFRA, MISSING, Compiler, find
from tests.infra.evaluated import Evaluated
from tests.infra.kql import Parsed
from tests.infra.snapshots import evaluate, subscribe

#: Queries in which the parser must find something: its silence means something.
WRONG = {
    "wrong column": "AppTraces | where Massage has 'x'",
    "wrong table": "AppTrace | take 1",
    "wrong word": "AppTraces | wher Message has 'x'",
}

type Evaluate = Callable[[str], Evaluated]


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Keep these tests on one worker: one compiler process, and each environment evaluated once."""
    for item in items:
        if item.path.parent == Path(__file__).parent:
            item.add_marker(pytest.mark.xdist_group("bicep"))


@pytest.fixture(scope="session")
def compiler() -> Iterator[Compiler]:
    """Give the one compiler process of the session."""
    executable = find()
    if executable is None:
        pytest.skip(MISSING)
    with Compiler(executable) as running:
        yield running


@pytest.fixture(scope="session")
def infra(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give a copy of infra/, where tests may write parameters files."""
    return Path(shutil.copytree(INFRA, tmp_path_factory.mktemp("project") / "infra"))


@pytest.fixture(scope="session")
def environment(compiler: Compiler, infra: Path) -> Evaluate:
    """Give what an environment deploys, evaluated once."""

    @cache
    def evaluated(name: str) -> Evaluated:
        return Evaluated(evaluate(compiler, name, infra))

    return evaluated


@pytest.fixture(scope="session")
def variant(compiler: Compiler, infra: Path) -> Callable[..., Evaluated]:
    """Give what an environment deploys with other parameters, which are Bicep expressions."""

    @cache
    def evaluated(base: str, **parameters: str) -> Evaluated:
        lines = ["using 'main.bicep'", f"extends 'environments/{base}.bicepparam'"]
        lines += [f"param {name} = {expression}" for name, expression in parameters.items()]
        path = infra / "variant.bicepparam"
        path.write_text("\n".join(lines), encoding="utf-8")
        return Evaluated(compiler.snapshot(path))

    return evaluated


@pytest.fixture(scope="session")
def compiled_types(compiler: Compiler) -> dict[str, Any]:
    """Give the values that types.bicep exports."""
    _said, template = compiler.compile(INFRA / "types.bicep")
    variables: dict[str, Any] = template["variables"]
    return variables


@pytest.fixture(scope="session")
def pushed(compiler: Compiler, infra: Path, environment: Evaluate) -> Evaluated:
    """Give the second deployment of dev, with the outputs of the first as its parameters."""
    return Evaluated(subscribe(compiler, environment("dev").outputs, infra))


@pytest.fixture(scope="session")
def parsed() -> Mapping[str, Parsed]:
    """Give what Microsoft's parser says about every query, and about wrong ones."""
    if not kql.LIBRARY.is_dir():
        pytest.skip(kql.MISSING)
    return kql.parse({**kql.QUERIES, **WRONG})
