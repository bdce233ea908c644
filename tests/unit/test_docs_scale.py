"""docs/scale.md and its picture are what the simulation wrote, and the simulation is still what the service does."""

import json
import re

import msgspec
import pytest

from tests.budgets import AGREED, BUDGETS, FIRST_JOB_CONNECTIONS, FIRST_MAIL_CONNECTIONS, MODULES_AT_INDEX, Agreed
from tests.markdown import DOCS, ROOT, section, table
from tests.simulate import edges, load, play
from tests.simulate.limits import ACCOUNT_REQUESTS, INSTANCES, OWN_DOMAIN_AN_HOUR, PARTITION_ENTITIES, uses
from tests.simulate.plot import plot
from tests.simulate.result import TIMES, Result, simulated
from tests.simulate.tables import refreshed

PAGE = (DOCS / "scale.md").read_text(encoding="utf-8")
RESULTS = msgspec.json.decode((DOCS / "scale.json").read_bytes(), type=list[Result])
BASE = RESULTS[0]
#: Of the average; see tests/simulate/load.py, NIGHT.
BY_DAY = 1.5
WORDS = " ".join(PAGE.split())


def test_the_tables_are_those_of_the_last_run() -> None:
    """And what one event takes is as it is budgeted; `make simulate` writes them."""
    assert refreshed(PAGE, RESULTS) == PAGE


def test_the_picture_is_of_the_last_run() -> None:
    """Drawn from the same figures."""
    assert (DOCS / "scale.svg").read_text(encoding="utf-8") == plot(RESULTS)


def test_the_last_run_was_whole_and_kept_every_promise() -> None:
    """A million events, and a tenth of it at each busier load."""
    assert [one.times for one in RESULTS] == list(TIMES)
    assert [one.events >= 1_000_000 / (1 if one.times == 1 else 10) for one in RESULTS] == [True] * len(TIMES)
    assert [list(one.broken) for one in RESULTS] == [[]] * len(TIMES)


def test_the_service_still_takes_what_it_took() -> None:
    """A short run at ten times the base load; where this fails, `make simulate` tells what has become of the rest."""
    short = simulated(10, events=20_000, seed=1, instances=INSTANCES)
    assert short.broken == []
    for name in ("storage requests", "queue messages"):
        assert short.cost[name] == pytest.approx(RESULTS[1].cost[name], rel=0.1), name


def test_assumptions_are_those_of_the_simulation() -> None:
    """Shares, storms, seconds and limits, as the page has them."""
    shares = re.search(
        r"Of 1,000 events (\d+) .*? (\d+) pipelines .*? (\d+) that failed, (\d+) .*? (\d+) .*? (\d+) ", WORDS
    )
    assert shares is not None
    kinds = ("step", "completed", "failed", "tested", "untested", "breach")
    assert [int(share) for share in shares.groups()] == [load.SHARES[kind] for kind in kinds]  # type: ignore[index]
    base = load.Load(events=1_000_000)
    assert (base.workspaces, base.storms_a_day, load.SUBSCRIPTIONS) == (200, 2, 4)
    assert "events of 200 workspaces" in WORDS
    assert "**Storms**, two a day" in WORDS
    assert "each of four subscriptions" in WORDS
    assert base.seconds == pytest.approx(30 * load.DAY)
    assert "a million events in 30 days" in WORDS
    assert f"{load.STORM_EVENTS} failures or {load.STORM_EVENTS} registrations" in WORDS
    assert f"within {load.STORM_SECONDS:.0f} s, or {load.OUTAGE_SECONDS / 60:.0f} minutes" in WORDS
    assert f"tells {(load.TWICE + load.THRICE):.1%}".replace("%", " %") in WORDS
    took = (play.STORAGE_SECONDS, play.ML_SECONDS, play.MAIL_SECONDS, play.OWN_SECONDS)
    told = "storage takes {:.0f} ms, to Azure ML {:.0f} ms, to the mail service {:.0f} ms, a delivery {:.0f} ms"
    assert told.format(*(1000 * seconds for seconds in took)) in WORDS
    assert f"has {play.AT_ONCE} messages in hand at most (`host.json`); there are {INSTANCES}" in WORDS
    assert f"{edges.WRITES} writes to Azure ML at once and {edges.WRITES_A_SECOND:.0f} more a second" in WORDS
    assert f"{edges.MAILS_A_MINUTE} mails a minute and {edges.MAILS_AN_HOUR} an hour" in WORDS


@pytest.mark.parametrize("one", AGREED, ids=lambda one: one.name)
def test_every_budget_is_held(one: Agreed) -> None:
    """By a test that is there."""
    assert "def test_" in (ROOT / "tests" / one.held_by).read_text(encoding="utf-8")


def test_numbers_in_the_text_are_those_of_the_code() -> None:
    """Modules, connections, instances and jobs a month."""
    assert f"imports** {MODULES_AT_INDEX} modules of our own" in WORDS
    numbers = {3: "three"}
    assert f"opens {numbers[FIRST_JOB_CONNECTIONS]} (table" in WORDS
    assert f"first mail {numbers[FIRST_MAIL_CONNECTIONS]} more" in WORDS
    assert f"rules start {round(BASE.ended['job started'], -3):,} jobs a month" in WORDS
    (instances,) = re.findall(r"param maximumInstances int = (\d+)", (ROOT / "infra/main.bicep").read_text())
    assert int(instances) == INSTANCES
    assert any(one.missed for one in BUDGETS)


def test_what_gives_is_what_the_page_says() -> None:
    """Jobs keep their pace at every load; summaries come half an hour later at ten times the load, then hours."""
    jobs, summaries = ([one.seconds[effect].percentiles for one in RESULTS] for effect in ("job", "digest"))
    assert max(half for half, *_ in jobs) < 2
    assert max(nearly for _half, _most, nearly, _all in jobs) < 60
    assert 20 * 60 < summaries[1][0] < 40 * 60
    assert min(half for half, *_ in summaries[2:]) > 90 * 60
    assert RESULTS[2].cost["storage requests"] / BASE.cost["storage requests"] == pytest.approx(3, abs=0.5)


def test_what_ends_first_is_what_the_limits_say() -> None:
    """Each row of the last table names limits that are reached by then, and none that was before."""
    reached = {use.limit: use.reached for use in uses(BASE)}
    assert list(reached)[:3] == [
        "mails, of a domain that Azure manages",
        "mails, of a domain of your own",
        "the setting `WORKSPACES`",
    ]
    assert reached["mails, of a domain that Azure manages"] < 1
    assert 1 < reached["mails, of a domain of your own"] < 10
    assert 1 < reached["the setting `WORKSPACES`"] < 10
    later = [use for use in uses(BASE) if use.reached > 10]
    assert later[0].limit == "messages of the queue"
    assert 0.9 < 1000 * BY_DAY / later[0].reached < 1
    assert all(one.peaks["messages in hand"] < INSTANCES * play.AT_ONCE for one in RESULTS)
    assert [row[0] for row in table(section(PAGE, "What ends first, and what to do"), "load")] == [
        "1x",
        "10x",
        "100x",
        "1,000x",
    ]
    assert all(one.peaks["entities of one partition in a second"] < PARTITION_ENTITIES for one in RESULTS)
    assert all(one.peaks["entities in a second"] < ACCOUNT_REQUESTS for one in RESULTS)
    assert str(OWN_DOMAIN_AN_HOUR) in WORDS
    assert json.loads((ROOT / "host.json").read_text())["extensions"]["queues"]["batchSize"] <= play.AT_ONCE
