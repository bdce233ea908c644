"""`python -m ops outcome-schema`: the JSON Schema of the events for others, from the types that make them."""

from typing import Annotated, Any

import msgspec
import typer

from ops.generated import ROOT, keep
from ops.terminal import json_text
from shared.published import TYPES

SCHEMA = ROOT / "docs" / "outcome-events.schema.json"
HEADERS = ("specversion", "id", "source", "type", "subject", "datacontenttype")


def command(
    check: Annotated[bool, typer.Option("--check", help="Write nothing; exit 1 when the schema is stale.")] = False,  # noqa: FBT002 - a flag
) -> None:
    """Write docs/outcome-events.schema.json, which a receiver of outcome events may check them with."""
    raise keep(SCHEMA, f"{json_text(build())}\n", command="outcome-schema", check=check)


def build() -> dict[str, Any]:
    """Return the schema: what *data* holds depends on the type."""
    kinds, definitions = msgspec.json.schema_components(TYPES.values(), ref_template="#/definitions/{name}")
    return {
        "$schema": "http://json-schema.org/draft-07/schema#",
        "title": "Outcome events of Workspace Reactor: CloudEvents 1.0 in JSON",
        "type": "object",
        "required": [*HEADERS, "data"],
        "properties": {
            **{name: {"type": "string"} for name in HEADERS},
            "specversion": {"const": "1.0"},
            "time": {"type": "string", "format": "date-time"},
            "type": {"enum": list(TYPES)},
        },
        "allOf": [
            {"if": {"properties": {"type": {"const": name}}}, "then": {"properties": {"data": kind}}}
            for name, kind in zip(TYPES, kinds, strict=True)
        ],
        "definitions": definitions,
    }
