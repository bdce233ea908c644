"""Checks of the way of an event to the app: workspaces, system topics, event subscriptions."""

from collections import Counter
from collections.abc import Iterator

from ops.doctor.arm import Json
from ops.doctor.finding import Finding, failed, ok, warning
from ops.doctor.look import Look, Topic
from ops.doctor.remedies import DEPLOY, SUBSCRIBE, az, unsubscribe, update
from ops.doctor.subscriptions import WANTED, dead_letters_of, destination, leads_to
from shared.gateways.blobs import DEAD_LETTERS
from shared.gateways.queue import QUEUE

#: Event Grid's own defaults, and its most: how often, and how many minutes long.
ATTEMPTS, MINUTES = 30, 1440
SCHEMAS = ("EventGridSchema", "CloudEventSchemaV1_0")
#: The functions that events are pushed to.
PUSHED = frozenset(WANTED) - {QUEUE}
#: A message that never expires.
FOR_EVER = -1


def workspaces(look: Look) -> Iterator[Finding]:
    """Look for every workspace of the settings."""
    absent = [workspace for workspace in look.workspaces if workspace.resource is None]
    for workspace in absent:
        told = f"there is no workspace {workspace.id}, or your login may not see it"
        yield failed(told, "correct WORKSPACES: az ml workspace show --name <NAME> --resource-group <GROUP> --query id")
    if not absent:
        yield ok(", ".join(workspace.name for workspace in look.workspaces))


def topics(look: Look) -> Iterator[Finding]:
    """Look for the system topic of each workspace, and for its identity."""
    for workspace in look.workspaces:
        topic = look.topics.get(workspace.id.casefold())
        if topic is None:
            yield failed(f"{workspace.name} has no Event Grid system topic: its events go nowhere", DEPLOY)
            continue
        if not (topic.resource.get("identity") or {}).get("principalId"):
            told = f"the topic of {workspace.name} has no identity: it cannot write dead letters"
            yield failed(
                told, az("eventgrid", "system-topic", "update", "--ids", topic.id, "--identity", "systemassigned")
            )
        elif (state := topic.resource["properties"].get("provisioningState")) != "Succeeded":
            yield failed(f"the topic of {workspace.name} is {state}", DEPLOY)
        else:
            yield ok(f"{workspace.name}: {topic.id.rpartition('/')[2]}")


def subscriptions(look: Look) -> Iterator[Finding]:
    """Look whether every event has exactly one way to the app: pushed to each function, or put into the queue once."""
    for topic in look.topics.values():
        found = Counter(leads_to(one, look.app, look.account) for one in topic.subscriptions)
        del found[""]
        functions = [name for name in WANTED if name != QUEUE]
        absent = [name for name in functions if name not in found]
        twice = [name for name, count in found.items() if count > 1]
        if not found:
            yield failed(f"no subscription of {topic.workspace} leads to the app: no event comes", SUBSCRIBE)
        elif QUEUE in found and len(found) > 1:
            told = f"events of {topic.workspace} are pushed and put into the queue: each is told twice"
            names = ", ".join(
                str(one["name"]) for one in topic.subscriptions if leads_to(one, look.app, look.account) in PUSHED
            )
            yield warning(told, f"keep one way, for example without {names}: {unsubscribe(topic.id)}")
        elif twice:
            told = f"several subscriptions of {topic.workspace} lead to {', '.join(twice)}: events are told twice"
            yield warning(told, SUBSCRIBE)
        elif QUEUE not in found and absent:
            yield failed(f"no subscription of {topic.workspace} leads to {', '.join(absent)}", SUBSCRIBE)
        else:
            yield ok(f"{topic.workspace}: {'into the queue' if QUEUE in found else 'pushed to each function'}")


def ready(look: Look) -> Iterator[Finding]:
    """Look whether each subscription is in force, for good, and tells events in a form that is read."""
    for topic, one, name in _ours(look):
        properties = one["properties"]
        state = properties.get("provisioningState")
        if state != "Succeeded":
            yield failed(f"the subscription {name} is {state}", SUBSCRIBE)
        elif expires := properties.get("expirationTimeUtc"):
            yield warning(f"the subscription {name} expires at {expires}", SUBSCRIBE)
        elif (schema := properties.get("eventDeliverySchema") or SCHEMAS[0]) not in SCHEMAS:
            yield failed(f"the subscription {name} tells events in {schema}, which is not read", SUBSCRIBE)
        else:
            yield ok(f"{topic.workspace}: {name}")


def event_types(look: Look) -> Iterator[Finding]:
    """Compare the event types of each subscription with those of the handlers."""
    for topic, one, name in _ours(look):
        wanted = WANTED[leads_to(one, look.app, look.account)]
        types = (one["properties"].get("filter") or {}).get("includedEventTypes")
        if types is None:
            yield warning(f"{name} delivers every event type: more events, nothing else", SUBSCRIBE)
            continue
        absent, more = sorted(wanted - set(types)), sorted(set(types) - wanted)
        short = ", ".join(text.rpartition(".")[2] for text in absent or more)
        if absent:
            yield failed(f"{name} does not deliver {short}", SUBSCRIBE)
        elif more:
            yield warning(f"{name} also delivers {short}, which nothing reacts to", SUBSCRIBE)
        else:
            yield ok(f"{topic.workspace}: {name}")


def filters(look: Look) -> Iterator[Finding]:
    """Look for filters by anything but the event type: they lose events that the reactions want."""
    for topic, one, name in _ours(look):
        found = one["properties"].get("filter") or {}
        narrow = [key for key in ("subjectBeginsWith", "subjectEndsWith", "advancedFilters") if found.get(key)]
        if narrow:
            told = f"{name} filters by {', '.join(narrow)}: events are lost that reactions.yaml may want"
            yield failed(told, update(str(one["id"]), *(f"properties.filter.{key}=null" for key in narrow)))
        else:
            yield ok(f"{topic.workspace}: {name} filters by event type only")


def dead_lettering(look: Look) -> Iterator[Finding]:
    """Look whether what cannot be delivered comes to the dead letters, by the topic's identity."""
    for topic, one, name in _ours(look):
        to, by_identity = dead_letters_of(one)
        where = to.get("properties") or {}
        ours = str(where.get("resourceId") or "").casefold() == look.account.casefold()
        if not to:
            yield failed(f"{name} has no dead-letter destination: what cannot be delivered is lost", SUBSCRIBE)
        elif not ours or where.get("blobContainerName") != DEAD_LETTERS:
            yield failed(f"dead letters of {name} go elsewhere: nobody sees them here", SUBSCRIBE)
        elif not by_identity:
            yield warning(f"dead letters of {name} are written with a key of the account", SUBSCRIBE)
        else:
            yield ok(f"{topic.workspace}: {name}")


def retries(look: Look) -> Iterator[Finding]:
    """Look how long Event Grid tries, and how long a message stays in the queue."""
    for topic, one, name in _ours(look):
        policy = one["properties"].get("retryPolicy") or {}
        attempts = policy.get("maxDeliveryAttempts", ATTEMPTS)
        minutes = policy.get("eventTimeToLiveInMinutes", MINUTES)
        where = destination(one).get("properties") or {}
        lives = where.get("queueMessageTimeToLiveInSeconds")
        if attempts < ATTEMPTS or minutes < MINUTES:
            yield warning(f"{name} gives up after {attempts} attempts or {minutes} minutes", SUBSCRIBE)
        elif where.get("queueName") and lives not in {FOR_EVER, None}:
            yield warning(f"{name}: a message expires after {lives} s, read or not", SUBSCRIBE)
        else:
            yield ok(f"{topic.workspace}: {name}")


def _ours(look: Look) -> Iterator[tuple[Topic, Json, str]]:
    for topic in look.topics.values():
        for one in topic.subscriptions:
            if leads_to(one, look.app, look.account) in WANTED:
                yield topic, one, str(one["name"])
