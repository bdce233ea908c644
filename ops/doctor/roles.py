"""Checks of roles: what the identities of the app and the topics may do, action by action, whatever role gives it."""

from collections.abc import Iterable, Iterator

from ops.doctor.finding import CannotLookError, Finding, failed, ok, warning
from ops.doctor.look import EVENT_GRID, Look
from ops.doctor.mail import resource
from ops.doctor.remedies import DEPLOY, assign
from ops.doctor.rights import Need, boundless, missing
from ops.doctor.storage import container_ids, queue_ids, table_ids
from ops.doctor.subscriptions import by_identity, into_queue
from shared.settings import names_of, outcome_topic, read_only

_MESSAGES = "Microsoft.Storage/storageAccounts/queueServices/queues/messages"
_BLOBS = "Microsoft.Storage/storageAccounts/blobServices/containers/blobs"
_ROWS = "Microsoft.Storage/storageAccounts/tableServices/tables/entities"
_ML = "Microsoft.MachineLearningServices/workspaces"
PUT = f"{_MESSAGES}/write|{_MESSAGES}/add/action"
WRITE = f"{_BLOBS}/write|{_BLOBS}/add/action"
#: The schema of a topic that takes outcome events.
CLOUD_EVENTS = "CloudEventSchemaV1_0"
#: What a job may refer to; without the right to read it Azure ML refuses the job.
REFERRED = ("components", "environments", "data", "models")


def queues(look: Look) -> Iterator[Finding]:
    """Receive, hide, delete and add messages."""
    receive = (f"{_MESSAGES}/read", f"{_MESSAGES}/process/action|{_MESSAGES}/delete", f"{_MESSAGES}/write")
    for scope in queue_ids(look.account):
        yield _held(look, look.principal, _need("use the queue", scope, "Storage Queue Data Contributor", receive))


def table(look: Look) -> Iterator[Finding]:
    """Read, insert and merge rows."""
    rows = (f"{_ROWS}/read", f"{_ROWS}/write|{_ROWS}/add/action", f"{_ROWS}/write|{_ROWS}/update/action")
    for scope in table_ids(look.account):
        yield _held(look, look.principal, _need("use the table", scope, "Storage Table Data Contributor", rows))


def containers(look: Look) -> Iterator[Finding]:
    """Write and read blobs."""
    for scope in container_ids(look.account):
        need = _need("use the container", scope, "Storage Blob Data Contributor", (f"{_BLOBS}/read", WRITE))
        yield _held(look, look.principal, need)


def host(look: Look) -> Iterator[Finding]:
    """Read and write what the Functions host keeps for itself."""
    need = _need("use its own storage", look.host_account, "Storage Blob Data Owner", (f"{_BLOBS}/read", WRITE))
    yield _held(look, look.principal, need)


def workspaces(look: Look) -> Iterator[Finding]:
    """Start jobs and read them."""
    for workspace in look.workspaces:
        actions = (f"{_ML}/jobs/write", f"{_ML}/jobs/read")
        need = Need(what="start jobs in", scope=workspace.id, role="AzureML Data Scientist", actions=actions)
        yield _held(look, look.principal, need)


def referred(look: Look) -> Iterator[Finding]:
    """Read what jobs refer to: components, environments, data, models, compute."""
    for workspace in look.workspaces:
        actions = (f"{_ML}/read", *(f"{_ML}/{kind}/versions/read" for kind in REFERRED), f"{_ML}/computes/read")
        need = Need(what="read what jobs use in", scope=workspace.id, role="AzureML Data Scientist", actions=actions)
        found = _held(look, look.principal, need)
        yield found if found.status == "ok" else warning(f"{found.told}: a job that uses it is refused", found.remedy)


def tags(look: Look) -> Iterator[Finding]:
    """Write verdicts as tags of models, where that is not ruled out."""
    spared = read_only(look.settings)
    for workspace in look.workspaces:
        if spared & names_of(workspace.id):
            yield ok(f"no tags are written in {workspace.id.rpartition('/')[2]}")
            continue
        actions = (f"{_ML}/models/versions/read", f"{_ML}/models/versions/write")
        need = Need(what="tag models in", scope=workspace.id, role="AzureML Data Scientist", actions=actions)
        found = _held(look, look.principal, need)
        yield found if found.status == "ok" else warning(f"{found.told}: no verdict is written there", found.remedy)


def mail(look: Look) -> Iterator[Finding]:
    """Send mail."""
    provider = "Microsoft.Communication"
    actions = (
        f"{provider}/CommunicationServices/Read",
        f"{provider}/CommunicationServices/Write",
        f"{provider}/EmailServices/Write",
    )
    found = resource(look)
    role = "Communication and Email Service Owner"
    yield _held(look, look.principal, Need(what="send mail with", scope=str(found["id"]), role=role, actions=actions))


def outcomes(look: Look) -> Iterator[Finding]:
    """Publish to the topic for others, where there is one that takes what is sent."""
    endpoint = outcome_topic(look.settings)
    if not endpoint:
        yield ok("nobody is told of outcomes (OUTCOME_TOPIC_ENDPOINT is not set)")
        return
    for one in look.arm.listed(f"{look.subscription}/providers/Microsoft.EventGrid/topics", EVENT_GRID):
        if str(one["properties"].get("endpoint")).casefold() == endpoint.casefold():
            schema = one["properties"].get("inputSchema")
            if schema != CLOUD_EVENTS:
                yield failed(
                    f"{one['name']} takes {schema}, and refuses CloudEvents", "a topic keeps its schema: " + DEPLOY
                )
            need = _need(
                "publish to", str(one["id"]), "EventGrid Data Sender", ("Microsoft.EventGrid/events/send/action",)
            )
            yield _held(look, look.principal, need)
            return
    problem = f"no topic that your login sees in the app's subscription is {endpoint}"
    raise CannotLookError(
        problem, "is OUTCOME_TOPIC_ENDPOINT right? Else your login needs the role Reader on the topic"
    )


def topics(look: Look) -> Iterator[Finding]:
    """Let each topic write dead letters, and events where it puts them into the queue."""
    dead_letters, queue = container_ids(look.account)[0], queue_ids(look.account)[0]
    for topic in look.topics.values():
        principal = (topic.resource.get("identity") or {}).get("principalId")
        if not principal:
            continue  # check topics says so, and what to do
        needs = [_need("write dead letters to", dead_letters, "Storage Blob Data Contributor", (WRITE,))]
        if any(into_queue(one, look.account) and by_identity(one) for one in topic.subscriptions):
            needs.append(_need("put events into", queue, "Storage Queue Data Message Sender", (PUT,)))
        for need in needs:
            yield _held(look, str(principal), need, who=f"the topic of {topic.workspace}")


def bounded(look: Look) -> Iterator[Finding]:
    """Look whether the app may do anything at all somewhere: no role here needs to be so wide."""
    scopes = [look.account, *(workspace.id for workspace in look.workspaces)]
    wide = [scope for scope in scopes if boundless(look.permissions(look.principal, scope))]
    for scope in wide:
        told = f"the app has a role for everything (Owner or Contributor) on {scope}"
        yield warning(
            told,
            f"take it away: az role assignment list --assignee {look.principal} --scope {scope} --include-inherited",
        )
    if not wide:
        yield ok("no role of the app is for everything")


def _need(what: str, scope: str, role: str, actions: Iterable[str]) -> Need:
    return Need(what=what, scope=scope, role=role, data_actions=tuple(actions))


def _held(look: Look, principal: str, need: Need, *, who: str = "the app") -> Finding:
    lacking = missing(need, look.permissions(principal, need.scope))
    told = f"{need.what} {need.scope.rpartition('/')[2]}"
    if not lacking:
        return ok(f"{who} may {told}")
    names = ", ".join(action.partition("|")[0] for action in lacking)
    return failed(f"{who} may not {told}: {names}", assign(principal, need.role, need.scope))
