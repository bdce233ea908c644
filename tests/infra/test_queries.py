"""Alerts and workbook: their queries parse, ask for what the app tells, and are shown where a person looks."""

import json
import re
import shlex
from collections.abc import Mapping
from typing import Any

import pytest
import typer.main

from ops.__main__ import app
from shared.telemetry import Facts
from tests.infra.conftest import WRONG, Evaluate
from tests.infra.kql import QUERIES, Parsed
from tests.markdown import DOCS, code, section, table

OPERATIONS = (DOCS / "operations.md").read_text(encoding="utf-8")
COMMAND = re.compile(r"`python -m ops ([^`]+)`")


@pytest.mark.parametrize("name", QUERIES)
def test_a_query_parses(name: str, parsed: Mapping[str, Parsed]) -> None:
    """Every table and column is there, every function is called as it wants."""
    assert parsed[name].problems == []
    assert parsed[name].columns


@pytest.mark.parametrize("name", WRONG)
def test_the_parser_would_say_something(name: str, parsed: Mapping[str, Parsed]) -> None:
    """Silence means something."""
    assert parsed[name].problems


@pytest.mark.parametrize("name", QUERIES)
def test_a_query_asks_for_what_is_told(name: str) -> None:
    """Names of log lines are those of docs/operations.md, facts are those of shared/telemetry."""
    text = QUERIES[name]
    lines = {code(row[0])[0] for row in table(section(OPERATIONS, "Log lines"), "`did`")}
    verbs = r"event|reaction|action|configuration|job_file"
    assert set(re.findall(rf'"((?:{verbs})\.[a-z_]+)"', text)) <= lines
    assert set(re.findall(r"\bfact\.([a-z]+)", text)) <= Facts.__annotations__.keys() | {"did"}


def test_every_query_is_used(environment: Evaluate) -> None:
    """Each file is the query of an alert or of a question, under its own name."""
    rules = environment("prod").of("Microsoft.Insights/scheduledQueryRules")
    used = {
        f"alerts/{rule['name'].removeprefix('reactor-prod-')}.kql": rule["properties"]["criteria"]["allOf"][0]["query"]
        for rule in rules
    }
    used |= {
        f"workbook/{item['name']}.kql": item["content"]["query"] for item in items(environment) if item["type"] == 3
    }
    assert used == QUERIES


def items(environment: Evaluate) -> list[Any]:
    """Return the items of the workbook."""
    book = environment("prod").one("Microsoft.Insights/workbooks")
    found: list[Any] = json.loads(book["properties"]["serializedData"])["items"]
    return found


def test_the_workbook_answers_the_questions_of_ops(environment: Evaluate) -> None:
    """All of them about the time that is chosen, and asked of our logs."""
    kinds = [item["type"] for item in items(environment)]
    assert kinds[0] == 9
    parameter = items(environment)[0]["content"]["parameters"][0]["name"]
    questions = [item["content"] for item in items(environment) if item["type"] == 3]
    assert {question["timeContextFromParameter"] for question in questions} == {parameter}
    assert {question["resourceType"] for question in questions} == {"microsoft.operationalinsights/workspaces"}
    titles = " ".join(question["title"] for question in questions)
    assert all(word in titles for word in ("happened", "dead-lettered", "suppressed", "How long", "GB-seconds"))
    book = environment("prod").one("Microsoft.Insights/workbooks")
    assert book["properties"]["sourceId"] == environment("prod").one("Microsoft.OperationalInsights/workspaces")["id"]


@pytest.mark.parametrize("name", ["dev", "test", "prod"])
def test_alerts_reach_ops(name: str, environment: Evaluate) -> None:
    """Every alert is on, and goes to the one action group; each topic has its three."""
    evaluated = environment(name)
    group = evaluated.one("Microsoft.Insights/actionGroups")
    assert [one["emailAddress"] for one in group["properties"]["emailReceivers"]] == ["mlops@example.com"]
    assert len(group["properties"]["groupShortName"]) <= 12
    for rule in evaluated.of("Microsoft.Insights/scheduledQueryRules"):
        assert rule["properties"]["enabled"] is True
        assert rule["properties"]["actions"]["actionGroups"] == [group["id"]]
    metrics = evaluated.of("Microsoft.Insights/metricAlerts")
    assert len(metrics) == 3 * len(evaluated.outputs["SYSTEM_TOPICS"])
    for rule in metrics:
        assert rule["properties"]["actions"] == [{"actionGroupId": group["id"]}]
        (topic,) = rule["properties"]["scopes"]
        assert rule["id"].partition("/providers/")[0] == topic.partition("/providers/")[0]


def test_texts_name_commands_that_are_there(environment: Evaluate) -> None:
    """What an alert or the workbook tells a person to type is a command."""
    prod = environment("prod")
    rules = [*prod.of("Microsoft.Insights/scheduledQueryRules"), *prod.of("Microsoft.Insights/metricAlerts")]
    texts = [rule["properties"]["description"] for rule in rules]
    texts += [item["content"]["json"] for item in items(environment) if item["type"] == 1]
    named = {tuple(shlex.split(line)) for text in texts for line in COMMAND.findall(text)}
    assert named
    for words in named:
        found: Any = typer.main.get_command(app)
        for word in words:
            if word in getattr(found, "commands", {}):
                found = found.commands[word]
        assert not hasattr(found, "commands"), words


def test_silence_can_be_chosen(variant: Any) -> None:
    """No alert, or one after a day: it fires when there is no row."""
    rules = [
        {
            rule["name"].rpartition("-")[2]: rule["properties"]
            for rule in variant("dev", silenceHours=hours).of("Microsoft.Insights/scheduledQueryRules")
        }
        for hours in ("0", "24")
    ]
    assert "silence" not in rules[0]
    silence = rules[1]["silence"]
    assert (silence["windowSize"], silence["criteria"]["allOf"][0]["operator"]) == ("P1D", "LessThan")
