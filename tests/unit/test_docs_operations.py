"""docs/operations.md holds to the code: log lines, figures, host.json, sizes, and how a dead letter is put back."""

import ast
import importlib
import json
from collections.abc import Iterator
from datetime import timedelta

import msgspec
import pytest
import responses
from azure.core.pipeline.transport import RequestsTransport

import handlers
from local.host.host_json import queue_options
from local.samples import sample
from shared.actions import Failed
from shared.gateways.jobs import ArmJobs
from shared.reactions.guard_rules import duration
from shared.telemetry import Facts
from tests.fakes.arm_jobs import URL, Credential, submit
from tests.fakes.service import FakeService
from tests.fakes.store import row_bytes
from tests.markdown import DOCS, ROOT, blocks, code, section, table

PAGE = (DOCS / "operations.md").read_text(encoding="utf-8")


def test_host_json_is_told_as_it_is() -> None:
    """Key by key, with the value."""
    host = json.loads((ROOT / "host.json").read_text())
    told = {code(key)[0]: code(value)[0] for key, value, _why in table(section(PAGE, "host.json"), "key")}
    queues = {key: str(value) for key, value in host["extensions"]["queues"].items()}
    assert told == {**queues, "functionTimeout": host["functionTimeout"]}


def test_host_json_bridges_storage_trouble() -> None:
    """A quarter of an hour without storage poisons nothing, polling is quick, and text is never thrown away unread."""
    options = queue_options(ROOT)
    window = timedelta(seconds=options.max_dequeue_count * options.visibility_timeout)
    assert window >= timedelta(minutes=15)
    assert options.max_polling_interval <= 2
    assert not options.base64
    assert f"{window // timedelta(minutes=1)} minutes of storage trouble" in PAGE
    assert f"at most {options.batch_size + options.new_batch_threshold} messages at once" in PAGE


def figures() -> Iterator[tuple[str, str]]:
    """Return every figure of the page with the constant it stands in."""
    for _what, values, places in table(section(PAGE, "Figures"), "figure"):
        yield from zip(code(places), values.split(", "), strict=True)


@pytest.mark.parametrize(("place", "value"), list(figures()))
def test_figures_are_those_of_the_code(place: str, value: str) -> None:
    """A figure is the value of the constant that the page names."""
    module, _, name = place.rpartition(".")
    constant = getattr(importlib.import_module(module), name)
    number, _, unit = value.partition(" ")
    if not unit:
        assert constant == int(number.replace(",", ""))
        return
    span = constant if isinstance(constant, timedelta) else timedelta(seconds=constant)
    assert span == duration(f"{number}{unit.removesuffix('in')}")


def emitted() -> Iterator[str]:
    """Return the verbs of all log lines in the code."""
    for path in [*(ROOT / "handlers").rglob("*.py"), *(ROOT / "shared").rglob("*.py")]:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "emit":
                verb = node.args[0]
                yield (
                    verb.value if isinstance(verb, ast.Constant) and isinstance(verb.value, str) else ast.unparse(verb)
                )


def test_log_lines_are_those_of_the_code() -> None:
    """Every verb and every fact is told, and no other."""
    rows = table(section(PAGE, "Log lines"), "`did`")
    assert {code(verb)[0] for verb, *_ in rows} == set(emitted())
    assert {fact for *_, facts in rows for fact in code(facts)} == set(Facts.__annotations__)


@pytest.mark.parametrize("name", ["model-registered", "monitor-breach", "pipeline-failed"])
def test_row_sizes_are_those_measured(name: str) -> None:
    """The sizes on the page are those of the rows that the samples make."""
    service = FakeService()
    service.deliver(sample(name))
    (size,) = (row_bytes(row) for row in service.store.rows if "event" in row.values)
    (told,) = (size for row, size in table(section(PAGE, "Sizes"), "row") if f"{name}.json" in code(row))
    assert told == f"{size:,}"


def test_a_dead_letter_is_put_back_as_the_page_says() -> None:
    """The message that names the failure it reopens starts the job; the bare event does not."""
    service = FakeService()
    service.jobs.script = [Failed(reason="refused")]
    service.deliver(sample("model-registered"))
    (letter,) = service.letters.letters()
    service.deliver(letter)
    assert service.jobs.jobs == {}
    command = next(block.text for block in blocks(PAGE) if "reopen" in block.text)
    assert "{event: .}" in command
    assert "{reopen: .reactorFailure, generation: (.reactorGeneration // 0)}" in command
    message = {"event": letter, "reopen": letter["reactorFailure"], "generation": letter.get("reactorGeneration", 0)}
    handlers.dispatch(msgspec.json.encode(message), service)
    assert len(service.jobs.jobs) == 1


def test_a_404_of_azure_ml_is_final_and_its_replay_starts_the_job() -> None:
    """As the page says: one request, a dead letter at once that says `not-found`, and the remedy works."""
    service = FakeService()
    with responses.RequestsMock() as cloud, RequestsTransport() as transport:
        cloud.put(URL, status=404, json={"error": {"code": "ResourceNotFound"}})
        service.jobs.script = [submit(ArmJobs(transport=transport, credential=Credential(), folder=ROOT))]
    service.deliver(sample("model-registered"))
    assert (len(service.jobs.puts), service.queue.sent, service.jobs.jobs) == (1, [], {})
    (letter,) = service.letters.letters()
    assert str(letter["deadLetterReason"]).startswith("not-found (ResourceNotFound)")
    handlers.dispatch(msgspec.json.encode({"event": letter, "reopen": letter["reactorFailure"]}), service)
    assert len(service.jobs.jobs) == 1
    told = section(PAGE, "What waits and why")
    assert "A 404 of Azure ML is final at once" in told
    assert "(`not-found`" in told
    assert "replay the dead letter" in told
