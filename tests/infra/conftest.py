"""The compiler of a session, and the infrastructure as it evaluates it."""

import shutil
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path

import pytest

from tests.infra.compiler import INFRA, MISSING, Compiler, find
from tests.infra.evaluated import Evaluated

type Evaluate = Callable[[str], Evaluated]


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
        path = infra / "environments" / f"{name}.bicepparam"
        return Evaluated(compiler.snapshot(path, resource_group=f"rg-reactor-{name}"))

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
