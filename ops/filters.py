"""`python -m ops filters`: what the event subscriptions deliver, generated from the registry of families."""

from typing import Annotated

import typer

import handlers
from ops.generated import ROOT, keep
from ops.terminal import json_text

FILTERS = ROOT / "infra" / "filters.json"


def command(
    check: Annotated[bool, typer.Option("--check", help="Write nothing; exit 1 when the filters are stale.")] = False,  # noqa: FBT002 - a flag
) -> None:
    """Write infra/filters.json, from which the Bicep makes the event subscriptions of both modes of delivery."""
    raise keep(FILTERS, f"{json_text(build())}\n", command="filters", check=check)


def build() -> list[dict[str, object]]:
    """Return each family with its function and the event types to deliver to it."""
    return [
        {"family": family.name, "function": family.function, "eventTypes": list(family.event_types)}
        for family in handlers.PUSHED
    ]
