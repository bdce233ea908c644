"""docs/deploy.md holds to what it names: files, parameters and outputs of the templates, and what an event takes."""

import json
import logging
import os
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pytest

import handlers
from shared.settings import SERVICES
from shared.telemetry import LOGGER
from tests.fakes.events import sample
from tests.fakes.service import FakeService
from tests.markdown import DOCS, ROOT, blocks, code, prose, section, table

PAGE = (DOCS / "deploy.md").read_text(encoding="utf-8")
COMMANDS = "".join(block.text for block in blocks(PAGE) if block.info == "sh")
PATH = re.compile(r"(?:infra|pipelines|\.github)/[\w./-]+\.\w+|azure\.yaml")
DECLARED = re.compile(r"^(?P<kind>param|output) (?P<name>\w+) ", re.MULTILINE)
#: So many events of 100 (the page's assumption), in the order of the table.
SHARES = (97, 1, 1, 1)
MONTHS = (1_000, 100_000, 10_000_000)
#: Put, get, delete.
REQUESTS = 3
GIGABYTES = 2


def declared(template: str, kind: str) -> set[str]:
    """Return the parameters or outputs of a template."""
    text = (ROOT / "infra" / template).read_text(encoding="utf-8")
    return {found["name"] for found in DECLARED.finditer(text) if found["kind"] == kind}


def test_files_that_are_named_exist() -> None:
    """In text and commands, and those that the package is made of."""
    found = set(PATH.findall(PAGE))
    assert found
    assert [name for name in sorted(found) if not (ROOT / name).exists()] == []
    (packed,) = re.findall(r"app\.zip HEAD ([^\n]+)", COMMANDS)
    assert [name for name in packed.split() if not (ROOT / name).exists()] == []


def test_parameters_that_are_named_exist() -> None:
    """Names in camel case are parameters of main.bicep, or of its types, or properties of Azure."""
    types = (ROOT / "infra/types.bicep").read_text(encoding="utf-8")
    known = declared("main.bicep", "param") | set(re.findall(r"^  (\w+): ", types, re.MULTILINE))
    known |= {f"groups.{name}" for name in re.findall(r"^  (\w+): string\?", types, re.MULTILINE)}
    known |= {"allowSharedKeyAccess", "dataScientist", "builtIn"}  # a property, and values
    text = prose(PAGE)
    named = {name for name in code(text) if re.fullmatch(r"[a-z]+[A-Z]\w*|groups\.\w+", name)}
    named |= set(re.findall(r"`(\w+)`(?= = )", text))
    assert {"eventDelivery", "networking", "groups.operators", "systemTopicId"} <= named
    assert named - known == set()


def test_the_second_deployment_gets_every_parameter() -> None:
    """And no other."""
    (given,) = re.findall(r"subscriptions\.bicep \\\n  --parameters (.*?)\n```", PAGE, re.DOTALL)
    assert set(re.findall(r"(\w+)=\"", given)) == declared("subscriptions.bicep", "param")


def test_fields_that_are_read_exist() -> None:
    """Of the one output that is an object, which the scripts read too."""
    types = (ROOT / "infra/types.bicep").read_text(encoding="utf-8")
    (target,) = re.findall(r"^type pushTarget = \{\n(.*?)^\}", types, re.MULTILINE | re.DOTALL)
    fields = set(re.findall(r"^  (\w+): ", target, re.MULTILINE)) | {"@"}
    named = set(re.findall(r"deployed \$RG main (\S+) (?:tsv|json)", COMMANDS))
    assert {"functionAppId", "stateStorageId"} <= named <= fields
    assert "PUSH" in declared("main.bicep", "output")


def test_scripts_are_executable_and_values_of_azd_are_read() -> None:
    """`infra/main.bicepparam` reads what `azd env set` names."""
    scripts = re.findall(r"^(infra/\S+\.sh) ", COMMANDS, re.MULTILINE)
    assert scripts
    assert [name for name in scripts if not os.access(ROOT / name, os.X_OK)] == []
    read = set(re.findall(r"readEnvironmentVariable\('(\w+)'", (ROOT / "infra/main.bicepparam").read_text()))
    given = set(re.findall(r"^azd env set (\w+) ", COMMANDS, re.MULTILINE))
    assert given
    assert given <= read


def test_each_way_is_that_of_its_environment() -> None:
    """Push, queue and private begin with the file that says so."""
    ways, files = (table(PAGE, "")[row] for row in (0, -1))
    for words, file in zip(ways[1:], files[1:], strict=True):
        text = (ROOT / code(file)[0]).read_text(encoding="utf-8")
        for name, value in re.findall(r"`(\w+)` = `(\w+)`", words):
            assert f"param {name} = '{value}'" in text
        assert ("'private'" in text) == ("private" in words)


@dataclass(frozen=True, slots=True, kw_only=True)
class Taken:
    """What an event took, one way or the other."""

    deliveries: int
    executions: int
    messages: int
    table_requests: int
    log_bytes: int
    mails: int


class Lines(logging.Handler):
    """Counts the bytes of log lines."""

    total = 0

    def emit(self, record: logging.LogRecord) -> None:
        """See Handler."""
        self.total += len(record.getMessage())


def play(name: str, *, push: bool) -> Taken:
    """Let a sample come, by push or by queue, and count."""
    event, service, lines = sample(name), FakeService(rationed=True), Lines()
    families = [family for family in handlers.PUSHED if event["eventType"] in family.event_types]
    service.switches.paused("any")  # read once in 30 s, whatever comes
    service.post.ration.reserve("an earlier mail", service.clock.now, urgent=True)  # the count is read once per process
    service.store.calls.clear()
    level = LOGGER.level
    LOGGER.addHandler(lines)
    LOGGER.setLevel(logging.INFO)
    try:
        if push:
            for family in families:
                handlers.take_in(family, event, service)
            enqueued = [text for text, _after in service.queue.sent]
            messages = len(enqueued)
            service.queue.sent.clear()
            for text in enqueued:  # a reminder of an incident is an event of its own, an hour later
                service.deliver_text(text)
        else:
            messages = 1
            service.deliver(event)
    finally:
        LOGGER.removeHandler(lines)
        LOGGER.setLevel(level)
    deliveries = len(families) if push else 1
    return Taken(
        deliveries=deliveries,
        executions=messages + (len(families) if push else 0),
        messages=messages,
        table_requests=len(service.store.calls),
        log_bytes=round(lines.total, -2),  # words of reasons change; what a month costs does not
        mails=len(service.mail.posts),
    )


def rows() -> list[list[str]]:
    """Return the table of one event."""
    return table(section(PAGE, "What it costs"), "event")


def both(cell: str) -> tuple[float, ...]:
    """Read two figures, of push and of queue: a comma and a space stand between them."""
    return tuple(float(figure.replace(",", "")) for figure in cell.split(", "))


@pytest.mark.parametrize("row", rows(), ids=lambda row: code(row[1])[0])
def test_what_one_event_takes(row: Sequence[str]) -> None:
    """Measured here and now, on the service itself."""
    push, queue = (play(code(row[1])[0], push=way) for way in (True, False))
    for cell, name in zip(row[2:5], ("deliveries", "executions", "messages"), strict=True):
        assert both(cell) == (getattr(push, name), getattr(queue, name)), name
    assert both(row[5]) == (push.table_requests,) == (queue.table_requests,)
    assert both(row[6]) == (push.log_bytes, queue.log_bytes)


def quantities(events: int) -> Iterator[tuple[str, Mapping[bool, float]]]:
    """Do the arithmetic of the page for a number of events."""
    names = [code(row[1])[0] for row in rows()]
    taken = {way: [play(name, push=way) for name in names] for way in (True, False)}

    def of(name: str, way: bool) -> float:  # noqa: FBT001 - a key
        shares = zip(SHARES, taken[way], strict=True)
        total: int = sum(share * getattr(one, name) for share, one in shares)
        return total * events / 100

    ways = (True, False)
    yield "Event Grid operations", {way: events + of("deliveries", way) for way in ways}
    yield "function executions", {way: of("executions", way) for way in ways}
    yield "GB-s on demand, at most", {way: of("executions", way) * GIGABYTES for way in ways}
    yield "queue requests, at most", {way: of("messages", way) * REQUESTS for way in ways}
    yield "table requests", {way: of("table_requests", way) for way in ways}
    yield "mails", {way: of("mails", way) for way in ways}
    yield "log lines of the app, MB", {way: round(of("log_bytes", way) / 1e6, 1) for way in ways}


@pytest.mark.parametrize(("column", "events"), list(enumerate(MONTHS, start=2)))
def test_the_arithmetic_of_a_month(column: int, events: int) -> None:
    """Every figure of the table follows from the table of one event and the shares."""
    told = {row[0]: both(row[column]) for row in table(section(PAGE, "What it costs"), "quantity")}
    assert told == {name: (values[True], values[False]) for name, values in quantities(events)}
    (assumed,) = re.findall(r"of 100 events (\d+) concern no reaction and 1 is of each other kind", PAGE)
    assert int(assumed) == SHARES[0]


def test_what_is_always_there() -> None:
    """Instances, polling and private endpoints, as templates and host.json have them."""
    host = json.loads((ROOT / "host.json").read_text())
    prod: Any = json.loads((ROOT / "infra/environments/prod.snapshot.json").read_text())
    kinds = [resource["type"] for resource in prod["resources"]]
    (app,) = (one for one in prod["resources"] if one["type"] == "Microsoft.Web/sites")
    scale = app["properties"]["functionAppConfig"]["scaleAndConcurrency"]
    month, poll = 30 * 24 * 3600, int(host["extensions"]["queues"]["maxPollingInterval"].rpartition(":")[2])
    assert scale["instanceMemoryMB"] == GIGABYTES * 1024
    assert [one["instanceCount"] for one in scale["alwaysReady"]] == [1]
    assert f"{month:,} s = {GIGABYTES * month:,} GB-s" in PAGE
    assert f"every {poll} s at most: up to {2 * month // poll:,} requests a month" in PAGE
    endpoints, zones = (kinds.count(f"Microsoft.Network/{name}") for name in ("privateEndpoints", "privateDnsZones"))
    assert f"{endpoints} private endpoints and {zones} DNS zones" in PAGE
    assert zones == len(SERVICES)
    topics = kinds.count("Microsoft.EventGrid/systemTopics")
    logs, metrics = (kinds.count(f"Microsoft.Insights/{name}") for name in ("scheduledQueryRules", "metricAlerts"))
    assert f"{logs} rules on the log, and {metrics // topics} on the metrics of each topic" in PAGE
    queues = host["extensions"]["queues"]
    assert f"up to {queues['batchSize'] + queues['newBatchThreshold']} messages share" in PAGE
