"""The documentation holds to the code, and the code to the documentation: links, settings, deployment, libraries."""

import re
import tomllib
from pathlib import Path

import pytest

import handlers
from shared.errors import ConfigurationError
from shared.gateways.blobs import DEAD_LETTERS, LARGE_EVENTS
from shared.gateways.queue import QUEUE
from shared.settings import load
from shared.store import TABLE
from tests.fakes.environ import Environ
from tests.markdown import DOCS, ROOT, anchors, code, links, pages, section, table

DEPLOYMENT = (DOCS / "deploy.md").read_text(encoding="utf-8")
#: Example and "when missing" of each setting that the app reads.
SETTINGS = {
    code(name)[0]: (code(example)[0], missing)
    for name, _meaning, example, missing in table(
        section((DOCS / "settings.md").read_text(encoding="utf-8"), "Read by the app"), "name"
    )
}


def examples(**other: str) -> Environ:
    """Return the examples of docs/settings.md, by managed identity, but for *other*."""
    values = {name: example for name, (example, _missing) in SETTINGS.items() if name != "StateStorage"}
    return Environ({**values, **other})


@pytest.mark.parametrize("page", [pytest.param(page, id=page.relative_to(ROOT).as_posix()) for page in pages()])
def test_links_resolve(page: Path) -> None:
    """Every link within the project points to a file that is there, and to a heading in it."""
    for target in links(page.read_text(encoding="utf-8")):
        if re.match(r"[a-z]+:", target):
            continue
        name, _, anchor = target.partition("#")
        other = (page.parent / name).resolve() if name else page
        assert other.exists(), target
        assert not anchor or anchor in anchors(other.read_text(encoding="utf-8")), target


def test_settings_are_those_of_the_code() -> None:
    """Every setting that is read is documented, nothing else is, and the examples can be used."""
    environ = examples()
    load(environ, folder=ROOT)
    assert environ.asked == SETTINGS.keys()
    other = examples(StateStorage=SETTINGS["StateStorage"][0])
    load(other, folder=ROOT)
    assert other.asked <= SETTINGS.keys()


@pytest.mark.parametrize("name", SETTINGS)
def test_what_happens_without_a_setting(name: str) -> None:
    """The page says "error" exactly where the code wants the setting."""
    environ = examples(**{name: ""})
    if SETTINGS[name][1].startswith("error"):
        with pytest.raises(ConfigurationError) as raised:
            load(environ, folder=ROOT)
        assert [name in problem for problem in raised.value.problems] == [True]
    else:
        load(environ, folder=ROOT)


def test_deployment_names_what_the_code_uses() -> None:
    """Functions, families, event types and the names in storage."""
    rows = table(section(DEPLOYMENT, "Event subscriptions"), "function")
    told = {
        (code(function)[0], family, types)
        for function, families, kinds in rows
        for family in code(families)
        for types in [frozenset(code(kinds))]
    }
    assert told == {(family.function, family.name, frozenset(family.event_types)) for family in handlers.HANDLERS}
    needs = table(section(DEPLOYMENT, "What it needs"), "resource")
    (storage,) = (form for resource, form in needs if resource == "storage account for state")
    assert set(code(storage)) == {QUEUE, f"{QUEUE}-poison", TABLE, DEAD_LETTERS, LARGE_EVENTS}


@pytest.mark.parametrize("title", ["Deployed", "Development"])
def test_every_library_has_its_reason(title: str) -> None:
    """The decision record and pyproject.toml name the same libraries."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    wanted = project["project"]["dependencies"] if title == "Deployed" else project["dependency-groups"]["dev"]
    page = (DOCS / "adr" / "0005-libraries.md").read_text(encoding="utf-8")
    told = [code(library)[0] for library, reason in table(section(page, title), "library") if reason]
    assert sorted(told) == sorted(re.split(r"[<>=!~ ]", requirement)[0] for requirement in wanted)


def test_every_decision_is_in_the_index() -> None:
    """The index names each decision record once, under its own title."""
    rows = re.findall(r"^\| \[(\d+)\]\((\S+)\) \| (.+) \|$", (DOCS / "adr" / "README.md").read_text(), re.MULTILINE)
    records = {path.name: path.read_text(encoding="utf-8") for path in sorted((DOCS / "adr").glob("0*.md"))}
    assert [name for _number, name, _title in rows] == list(records)
    assert [f"# {number}. {title}" for number, _name, title in rows] == [
        text.splitlines()[0] for text in records.values()
    ]
