"""`python -m ops schema`: the JSON Schema of reactions.yaml, generated from the types that read it."""

from collections.abc import Mapping
from typing import Annotated, Any

import msgspec
import typer

import handlers
from handlers.family import Family
from ops.generated import ROOT, keep
from ops.terminal import json_text
from shared.reactions.checks import rule_type
from shared.reactions.monitors import MonitorRule
from shared.reactions.strict import SHAPES

SCHEMA = ROOT / "docs" / "reactions.schema.json"
REFERENCE = "#/definitions/{name}"
#: What an editor calls a type of the code, and what a person reads about it.
TITLES = {
    "Test": "condition",
    "Bounds": "bounds",
    "RunRule": "run",
    "MailRule": "mail",
    "OwnerRule": "owner",
    "GuardsRule": "guards",
}
#: Addresses under `recipients`, and what stands for those of the app settings.
ADDRESS = {"type": "string", "pattern": r"^(\$[A-Z_]+|[^\s@<>,;]+@[^\s@<>,;]+\.[^\s@<>,;]+)$"}


def command(
    check: Annotated[bool, typer.Option("--check", help="Write nothing; exit 1 when the schema is stale.")] = False,  # noqa: FBT002 - a flag
) -> None:
    """Write docs/reactions.schema.json, by which editors complete and check reactions.yaml."""
    raise keep(SCHEMA, f"{json_text(build())}\n", command="schema", check=check)


def build() -> dict[str, Any]:
    """Return the schema: what a rule may say depends on its `on`."""
    rule, definitions = _definitions()
    properties = rule["properties"]
    for of_a_family in ("on", "when"):
        properties[of_a_family] = {"description": properties[of_a_family]["description"]}
    properties["on"]["enum"] = [family.name for family in handlers.HANDLERS]
    rule["anyOf"] = [{"required": ["run"]}, {"required": ["mail"]}]
    rule["allOf"] = [_of_family(family) for family in handlers.HANDLERS]
    rule["dependencies"] = {"guards": ["run"]}
    monitor = definitions.pop(MonitorRule.__name__)
    monitor["allOf"] = [
        {"anyOf": [{"required": [one]} for one in pair]}
        for pair in (("experiment", "signal_name"), ("monitor", "signal"))
    ]
    recipients = {"anyOf": [ADDRESS, {"type": "array", "items": ADDRESS, "minItems": 1}]}
    return {
        "$schema": "http://json-schema.org/draft-07/schema#",
        "title": "reactions.yaml of Workspace Reactor",
        "type": "object",
        "required": ["reactions"],
        "additionalProperties": False,
        "properties": {
            "recipients": {
                "description": "names of who gets mail: an address, a list of them, or $OPS_EMAIL",
                "type": "object",
                "additionalProperties": recipients,
            },
            "owners": {
                "description": "what events say of an owner: an address, a list of them, or $OPS_EMAIL",
                "type": "object",
                "additionalProperties": recipients,
            },
            "monitors": {
                "description": "what model monitors and their signals are called, where their names do not say so",
                "type": "array",
                "items": monitor,
            },
            "reactions": {"description": "the rules", "type": "array", "items": rule},
        },
        "definitions": definitions,
    }


def _definitions() -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the schema of a rule, and those of the types in it by their names."""
    whens = [family.vocabulary.when for family in handlers.HANDLERS]
    types = [rule_type(whens[0]), *whens, MonitorRule]
    references, components = msgspec.json.schema_components(types, ref_template=REFERENCE)
    names = {reference["$ref"].rpartition("/")[2]: f"when-{family.name}" for reference, family in _whens(references)}
    named = {TITLES.get(name) or names.get(name) or name: schema for name, schema in components.items()}
    renamed = _renamed(named, {**TITLES, **names})
    for says_something in (TITLES["Test"], TITLES["Bounds"]):
        renamed[says_something]["minProperties"] = 1
    return _plain(renamed.pop("Rule")), {name: _plain(schema) for name, schema in sorted(renamed.items())}


def _whens(references: Any) -> Any:  # noqa: ANN401 - JSON
    return zip(references[1:-1], handlers.HANDLERS, strict=True)


def _renamed(node: Any, names: Mapping[str, str]) -> Any:  # noqa: ANN401 - JSON
    """Return the schema with other names behind its references."""
    if isinstance(node, dict):
        return {
            key: REFERENCE.format(name=names.get(name, name))
            if key == "$ref" and (name := value.rpartition("/")[2])
            else _renamed(value, names)
            for key, value in node.items()
        }
    return [_renamed(one, names) for one in node] if isinstance(node, list) else node


def _plain(node: Any) -> Any:  # noqa: ANN401 - JSON
    """Return the schema without null (a key is there, or it is not), and with nothing that is empty."""
    if isinstance(node, list):
        return [_plain(one) for one in node]
    if not isinstance(node, dict):
        return node
    plain = {key: _plain(value) for key, value in node.items() if (key, value) != ("default", None) and key != "title"}
    choices = [one for one in plain.pop("anyOf", []) if one != {"type": "null"}]
    choices = [inner for one in choices for inner in (one["anyOf"] if one.keys() == {"anyOf"} else [one])]
    if len(choices) == 1:
        plain = {**choices[0], **plain} if "$ref" not in choices[0] else {**plain, "allOf": choices}
    elif choices:
        plain["anyOf"] = choices
    if plain.get("type") == "array":
        plain["minItems"] = 1
    if shape := SHAPES.get(plain.get("pattern", "")):
        plain["patternErrorMessage"] = f"must be {shape}"  # editors show it in place of the pattern
    if plain.get("required") == []:
        del plain["required"]
    return plain


def _of_family(family: Family[Any]) -> dict[str, Any]:
    """Return what a rule of the family may say: its conditions, and its names in the inputs of a job."""
    names = [
        f"${{{{ {name}.<key> }}}}" if kind == "map" else f"${{{{ {name} }}}}"
        for name, kind in family.vocabulary.values.items()
    ]
    inputs = {"additionalProperties": {"anyOf": [{"enum": names}, {"type": ["string", "number", "boolean"]}]}}
    return {
        "if": {"properties": {"on": {"const": family.name}}, "required": ["on"]},
        "then": {
            "properties": {
                "when": {"$ref": REFERENCE.format(name=f"when-{family.name}")},
                "run": {"properties": {"inputs": inputs}},
            }
        },
    }
