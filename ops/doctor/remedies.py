"""Commands that mend what a check finds, to paste."""

import shlex


def az(*words: str) -> str:
    """Return an `az` command, its words quoted for a shell."""
    return shlex.join(("az", *words))


def setting(app: str, name: str, value: str) -> str:
    """Return the command that sets an app setting; *value* may be words in angle brackets."""
    return az("functionapp", "config", "appsettings", "set", "--ids", app, "--settings", f"{name}={value}")


def without_setting(app: str, name: str) -> str:
    """Return the command that takes an app setting away."""
    return az("functionapp", "config", "appsettings", "delete", "--ids", app, "--setting-names", name)


def assign(principal: str, role: str, scope: str) -> str:
    """Return the command that gives an identity a role."""
    who = ("--assignee-object-id", principal, "--assignee-principal-type", "ServicePrincipal")
    return az("role", "assignment", "create", *who, "--role", role, "--scope", scope)


def update(resource: str, *changes: str) -> str:
    """Return the command that changes properties of a resource."""
    return az("resource", "update", "--ids", resource, "--set", *changes)


def create(resource: str) -> str:
    """Return the command that makes a queue, table or container, by its ARM id."""
    parts = resource.split("/")
    kind, name, account = (
        {"queues": "queue", "tables": "table", "containers": "container"}[parts[-2]],
        parts[-1],
        parts[8],
    )
    return az("storage", kind, "create", "--name", name, "--account-name", account, "--auth-mode", "login")


def unsubscribe(topic: str) -> str:
    """Return the command that deletes an event subscription of a system topic."""
    _, _, subscription, _, group, *_, name = topic.split("/")
    where = ("--subscription", subscription, "--resource-group", group, "--system-topic-name", name)
    return az("eventgrid", "system-topic", "event-subscription", "delete", "--name", "<NAME>", *where)


DEPLOY = "deploy the infrastructure once more: it puts this right (docs/deploy.md)"
SUBSCRIBE = "subscribe once more: infra/subscribe.sh with push, infra/main.bicep with the queue (docs/deploy.md)"
