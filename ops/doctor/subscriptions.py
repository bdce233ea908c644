"""Event subscriptions as Azure tells of them: which are ours, and where each leads."""

from collections.abc import Mapping
from typing import Any

import handlers
from ops.doctor.arm import Json
from shared.gateways.queue import QUEUE

#: What an event subscription has to deliver, by where it leads: a function of ours, or the queue.
UNION = frozenset(name for family in handlers.HANDLERS for name in family.event_types)
WANTED: Mapping[str, frozenset[str]] = {
    **{family.function: frozenset(family.event_types) for family in handlers.PUSHED},
    QUEUE: UNION,
}


def by_identity(subscription: Json) -> bool:
    """Whether it delivers as the topic's identity."""
    return bool(subscription["properties"].get("deliveryWithResourceIdentity"))


def destination(subscription: Json) -> Json:
    """Where it leads, by identity or not."""
    properties = subscription["properties"]
    found: Json = (properties.get("deliveryWithResourceIdentity") or {}).get("destination") or (
        properties.get("destination") or {}
    )
    return found


def into_queue(subscription: Json, account: str) -> bool:
    """Whether it leads into our queue."""
    to = destination(subscription)
    where = to.get("properties") or {}
    ours = _same(where.get("resourceId"), account) and where.get("queueName") == QUEUE
    return to.get("endpointType") == "StorageQueue" and ours


def function_of(subscription: Json, app: str) -> str:
    """Return the name of our function that it leads to, "" when it leads elsewhere."""
    to = destination(subscription)
    where = str((to.get("properties") or {}).get("resourceId") or "")
    owner, _, name = where.partition("/functions/")
    return name if to.get("endpointType") == "AzureFunction" and _same(owner, app) else ""


def leads_to(subscription: Json, app: str, account: str) -> str:
    """Return the function or queue of ours that it leads to, "" when it is somebody else's."""
    return QUEUE if into_queue(subscription, account) else function_of(subscription, app)


def dead_letters_of(subscription: Json) -> tuple[Json, bool]:
    """Return where it puts what it cannot deliver ({} for nowhere), and whether by identity."""
    properties = subscription["properties"]
    found: Any = (properties.get("deadLetterWithResourceIdentity") or {}).get("deadLetterDestination")
    return (found, True) if found else (properties.get("deadLetterDestination") or {}, False)


def _same(one: object, other: str) -> bool:
    return str(one or "").casefold() == other.casefold()
