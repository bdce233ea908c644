"""The bench's own arithmetic, its page and its pictures; docs/performance.md is what it wrote."""

import base64
import os
import re
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from tests.bench import cold
from tests.bench.__main__ import PROCESSES, write
from tests.bench.budgets import REASONS, budgets
from tests.bench.caches import cached, evict, only_standard_library
from tests.bench.cold import COLD, CONDITIONS, WARM
from tests.bench.counting import Wire
from tests.bench.growth import EACH, ONE
from tests.bench.page import COLD_HEAD, EVENTS_HEAD, GROWTH_HEAD, HEAD, METHOD, RATES_HEAD, page
from tests.bench.player import Sent
from tests.bench.recorded import storage_calls
from tests.bench.results import Events, Growth, Rate, Results, Start, Starts, Step
from tests.bench.stats import middle, percentile, rate, ratio
from tests.markdown import DOCS, links, section, table

MB = 1 << 20


def start(indexed: float, effect: float) -> Start:
    """Return a start that took so long."""
    return Start(runtime=0.1, indexed=indexed, taken_in=indexed, effect=effect, modules=400, memory=34 * MB)


def results(**more: object) -> Results:
    """Return what a good run finds: the app is ten times as fast as the peer."""
    seconds = {"floor": 0.001, "app": 0.003, "peer": 0.1}
    starts = [
        Starts(contestant=name, effect=effect, conditions=condition, runs=[start(indexed, 2 * indexed)] * 3)
        for condition in CONDITIONS
        for effect in ("job", "mail")
        for name, indexed in (("app", 0.2), ("app as deployed", 0.25), ("peer", 2.0))
        if condition == WARM or name != "app as deployed"
    ]
    events = [
        Events(contestant=name, effect=effect, seconds=[seconds[name]] * 4, cpu=seconds[name])
        for name, effects in (
            ("app", ("intake", "PUT", "intake of a mail")),
            ("floor", ("intake", "job", "mail", "storage of a job")),
        )
        for effect in effects
    ]
    before, after = 34 * MB, 60 * MB
    events += [
        Events(
            contestant="app",
            effect="job",
            seconds=[0.01] * 4,
            cpu=0.01,
            azure=1,
            storage=3,
            memory_before=before,
            memory_after=after,
        ),
        Events(contestant="app", effect="mail", seconds=[0.01] * 4, cpu=0.01, azure=5, storage=4),
        Events(contestant="peer", effect="job", seconds=[0.1] * 4, cpu=0.1, azure=4, connections=2),
        Events(contestant="peer", effect="mail", seconds=[30.0], cpu=0.02, accepted=[0.1]),
    ]
    rates = [
        Rate(contestant=name, processes=processes, rate=events_a_second, cpu=0.01)
        for processes in PROCESSES
        for name, events_a_second in (("app", 75.0), ("floor", 100.0), ("peer", 7.0))
    ]
    steps = [Step(number=number, seconds=0.01, requests=3, sent=5000) for number in (20, 40, 60)]
    grown = [Growth(story=story, steps=steps) for story in (EACH, ONE)]
    found = Results(date="2026-11-29", cores=2, python="3.13.0", seconds=200, cold=0.05)
    found.starts, found.events, found.rates, found.growth = starts, events, rates, grown
    for name, value in more.items():
        setattr(found, name, value)
    return found


def test_percentiles_are_values_that_were_measured() -> None:
    """By nearest rank; the median of an even number lies between two."""
    values = [5.0, 1.0, 4.0, 2.0, 3.0]
    assert [percentile(values, share) for share in (0.01, 0.2, 0.21, 0.99, 1)] == [1, 1, 2, 5, 5]
    assert percentile([float(number) for number in range(1, 201)], 0.99) == 198
    assert (middle([4.0, 1.0, 3.0, 2.0]), middle(values)) == (2.5, 3.0)
    for wrong in ([], 0.5), ([1.0], 0), ([1.0], 1.1):
        with pytest.raises(ValueError, match="percentile"):
            percentile(*wrong)


def test_a_rate_leaves_out_how_a_run_begins() -> None:
    """Ten a second, after a slow start that is a fifth of all."""
    slow = [0.0, 5.0]
    steady = [10 + number / 10 for number in range(8)]
    assert rate([*reversed(steady), *slow]) == pytest.approx(10)
    assert rate([*slow, *steady], skipped=0) < 1
    for wrong in ([], [1.0], [1.0, 1.0]):
        with pytest.raises(ValueError, match="two moments"):
            rate(wrong)


def test_a_ratio_to_nothing_is_none() -> None:
    """It says so, and divides by no zero."""
    assert ratio(6, 2) == 3
    with pytest.raises(ValueError, match="ratio"):
        ratio(1, 0)


def test_a_good_run_keeps_every_budget() -> None:
    """And a reason is written for each that might be missed but those of exact counts."""
    assert [one.what for one in budgets(results()) if not one.met] == []
    assert all(one.reason == "" for one in budgets(results()))
    assert {one.what for one in budgets(results())} >= REASONS.keys()


def test_a_missed_budget_says_why() -> None:
    """An app as slow as the peer misses what is relative to it; the page shows it in bold, with the reason."""
    slow = results()
    for one in slow.starts:
        one.runs = [start(2.0, 4.0)]
    missed = [one for one in budgets(slow) if not one.met]
    assert [one.what for one in missed] == ["process start to functions indexed", "process start to first job"]
    assert all(one.reason == REASONS[one.what] for one in missed)
    rows = {row[0]: row[3:] for row in table(page(slow), "budget")}
    assert [rows[one.what] for one in missed] == [["**missed**", one.reason] for one in missed]


def test_a_machine_without_a_cold_page_cache_is_told_of() -> None:
    """The page says that there are no such starts; it does not just leave them out."""
    without = results(cold=None)
    without.starts = [one for one in without.starts if one.conditions != COLD]
    assert "does not let a process drop files from the page cache" in page(without)
    assert "does not let a process drop" not in page(results())


def test_the_page_is_what_the_bench_writes() -> None:
    """Every section, a row for every budget, contestant and number of processes; only numbers differ."""
    written = (DOCS / "performance.md").read_text(encoding="utf-8")
    assert written.startswith(HEAD)
    for part in (COLD_HEAD, EVENTS_HEAD, RATES_HEAD, GROWTH_HEAD, METHOD):
        assert part in written
    expected = page(results())
    for head, key in (("budget", 1), ("contestant", 3)):
        for title in ("Budgets",) if head == "budget" else ("Cold start", "Each event", "Throughput"):
            columns = 2 if title != "Cold start" else key
            rows, wanted = (table(section(text, title), head) for text in (written, expected))
            assert [row[:columns] for row in rows] == [row[:columns] for row in wanted], title
    assert all(row[4] for row in table(written, "budget") if row[3] == "**missed**")
    assert re.search(
        r"^Last run: \d{4}-\d\d-\d\d, \d+ cores, Python 3\.13\.\d+, \d+ s in all\.$", written, re.MULTILINE
    )


def test_the_pictures_can_be_read(tmp_path: Path) -> None:
    """They are XML, linked from the page, and say in words what they show."""
    write(results(), tmp_path)
    told = {}
    for name in ("cold-start.svg", "cost-growth.svg"):
        assert name in links((tmp_path / "performance.md").read_text())
        root = ET.fromstring((tmp_path / name).read_text())  # noqa: S314 - our own file
        told[name] = root.findtext("{http://www.w3.org/2000/svg}desc") or ""
        assert ET.fromstring((DOCS / name).read_text()).tag == root.tag  # noqa: S314 - our own file
    assert f"first job of the peer, {WARM}: 4.00 s" in told["cold-start.svg"]
    assert f"{ONE}: 10.0 ms at first, 10.0 ms after 60 events" in told["cost-growth.svg"]


def test_stages_are_stacked(tmp_path: Path) -> None:
    """The bars of a row lie end to end, and their lengths are in proportion to the seconds."""
    write(results(), tmp_path)
    root = ET.fromstring((tmp_path / "cold-start.svg").read_text())  # noqa: S314 - our own file
    bars = [one.attrib for one in root.iter("{http://www.w3.org/2000/svg}rect") if one.get("height") == "22"]
    first = [(float(bar["x"]), float(bar["width"])) for bar in bars if bar["y"] == bars[0]["y"]]
    assert len(first) == 3  # no intake: it took no time
    assert [x for x, _width in first[1:]] == pytest.approx([x + width for x, width in first[:-1]], abs=0.2)
    assert [width / first[0][1] for _x, width in first] == pytest.approx([1, 1, 2], rel=0.02)


def test_pages_in_memory_are_counted(tmp_path: Path) -> None:
    """All of a file that was written, none of one that nobody has touched, half of both."""
    written, untouched = tmp_path / "written.py", tmp_path / "untouched.py"
    written.write_bytes(b"#" * (1 << 20))
    with untouched.open("wb") as file:
        file.truncate(1 << 20)
    assert [cached(files) for files in ([written], [untouched], [written, untouched], [])] == [1, 0, 0.5, 0]


def test_the_kernel_is_asked_to_drop_each_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """From its start to its end."""
    asked: list[tuple[int, int, int, int]] = []

    def fadvise(descriptor: int, offset: int, length: int, advice: int) -> None:
        asked.append((os.fstat(descriptor).st_ino, offset, length, advice))

    monkeypatch.setattr(os, "posix_fadvise", fadvise)
    files = [tmp_path / name for name in ("a.py", "b.py")]
    for file in files:
        file.touch()
    evict(files)
    assert asked == [(file.stat().st_ino, 0, 0, os.POSIX_FADV_DONTNEED) for file in files]


@pytest.mark.parametrize(("left", "told"), [(0.05, 0.05), (0.9, None), (OSError("mincore"), None)])
def test_a_cold_start_is_tried_where_files_leave_memory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, left: float | OSError, told: float | None
) -> None:
    """Where they stay, or nobody can tell, there is no such condition, and the page is told so."""

    def share(_files: object) -> float:
        if isinstance(left, OSError):
            raise left
        return left

    monkeypatch.setattr(cold, "evict", lambda _files: None)
    monkeypatch.setattr(cold, "cached", share)
    monkeypatch.setattr(cold, "code", lambda _place: ())
    tried, found = cold.conditions(tmp_path)
    assert found == told
    assert (COLD in [condition.name for condition in tried]) == (told is not None)
    assert [condition.name for condition in tried if condition.evicting] == [COLD] * (told is not None)


def test_only_the_standard_library_is_compiled(tmp_path: Path) -> None:
    """Python finds its own modules compiled under the prefix, and no package."""
    prefix = only_standard_library(tmp_path)
    names = [path.relative_to(prefix) for path in prefix.rglob("*.pyc")]
    assert len(names) > 300
    assert not [name for name in names if "site-packages" in name.parts]
    assert all((prefix / name).resolve().exists() for name in names)


def test_requests_are_counted_as_they_are_sent() -> None:
    """A body in another piece belongs to its request; what is not of http.client does not count."""

    class Connection:
        port = 10002

    one, other = Connection(), Connection()
    wire = Wire.__new__(Wire)
    wire._pieces = []
    for connection, data in (
        (one, b"PUT /a HTTP/1.1\r\n\r\n"),
        (other, b"GET /b HTTP/1.1\r\n\r\n"),
        (one, "body"),
        (one, b"GET /c HTTP/1.1\r\n\r\n"),
    ):
        wire._hear("http.client.send", (connection, data))
    wire._hear("open", ("file", "r", 0))
    sent = wire.taken()
    assert [len(one["bytes"]) * 3 // 4 >= 15 for one in sent] == [True] * 3
    assert base64.b64decode(sent[0]["bytes"]) == b"PUT /a HTTP/1.1\r\n\r\nbody"
    assert wire.taken() == []


def test_a_recorded_request_is_signed_anew() -> None:
    """The old signature goes, whatever version it was read at goes, and nothing else of it changes."""
    raw = (
        b"PATCH /devstoreaccount1/state(PartitionKey='a')?timeout=3 HTTP/1.1\r\nHost: x\r\n"
        b'Authorization: SharedKey a:b\r\nIf-Match: W/"1"\r\nContent-Length: 2\r\n\r\n{}'
    )
    storage = "TableEndpoint=http://127.0.0.1:3/a;QueueEndpoint=http://127.0.0.1:2/a"
    (call,) = storage_calls([Sent(port=3, bytes=raw), Sent(port=9, bytes=raw)], storage, "sig=s")
    assert base64.b64decode(call.raw) == (
        b"PATCH /devstoreaccount1/state(PartitionKey='a')?timeout=3&sig=s HTTP/1.1\r\nHost: x\r\n"
        b"If-Match: *\r\nContent-Length: 2\r\n\r\n{}"
    )
