"""docs/workbook.svg: an outline of the workbook. Its questions, how each is shown, and the columns of the answer."""

import json
import textwrap
from collections.abc import Mapping
from typing import Any

from tests.infra.drawing import GAP, Card, Text, column, document, frame
from tests.infra.evaluated import Evaluated
from tests.infra.kql import Parsed

WIDTH = 600
SHOWN = {"table": "table", "timechart": "chart over time", "barchart": "bar chart"}


def draw(evaluated: Evaluated, parsed: Mapping[str, Parsed]) -> str:
    """Return the outline of a deployment's workbook."""
    book = evaluated.one("Microsoft.Insights/workbooks")["properties"]
    data = book["serializedData"]
    items: list[Any] = (json.loads(data) if isinstance(data, str) else data)["items"]
    body = [f'<text class="head ink" x="20" y="34">{book["displayName"]}: what the workbook asks (an outline)</text>']
    ends = [60, 60]
    for title, questions in _chapters(items):
        at = ends.index(min(ends))
        x, y = 20 + at * (WIDTH + 20), ends[at]
        drawn, _middles, end = column([_card(one, parsed) for one in questions], x + 20, y + 44, WIDTH - 40)
        body += [frame(title, x, y, WIDTH, end - y), drawn]
        ends[at] = end + GAP
    told = "The questions of the workbook by chapter, each with how it is shown and the columns of its answer."
    return document(body, width=2 * WIDTH + 60, height=max(ends) + 4, title="The workbook, in outline", told=told)


def _chapters(items: list[Any]) -> list[tuple[str, list[Any]]]:
    chapters: list[tuple[str, list[Any]]] = []
    for item in items:
        if item["type"] == 1:
            chapters.append((item["name"], []))
        elif item["type"] == 3:
            chapters[-1][1].append(item)
    return chapters


def _card(item: Any, parsed: Mapping[str, Parsed]) -> Card:
    content = item["content"]
    columns = ", ".join(parsed[f"workbook/{item['name']}.kql"].columns)
    lines = [Text(f"{SHOWN[content['visualization']]} of")]
    lines += [Text(line, "mono ink", 14) for line in textwrap.wrap(columns, 64, break_on_hyphens=False)]
    return Card(content["title"], "azure", tuple(lines))
