"""Who may do what: the exact table of roles and scopes, and nothing beside it."""

import re
from collections.abc import Callable
from typing import Any

import pytest

from shared.gateways.blobs import DEAD_LETTERS, LARGE_EVENTS
from shared.gateways.queue import QUEUE
from shared.store import TABLE
from tests.infra.conftest import Evaluate
from tests.infra.evaluated import ASSIGNMENT, DEFINITION, Evaluated, short
from tests.infra.roles import DEPLOYERS, OPERATORS, READERS, ROLES

POISON = f"{QUEUE}-poison"
BLOBS = (f"containers {DEAD_LETTERS}", f"containers {LARGE_EVENTS}")
QUEUES = (f"queues {QUEUE}", f"queues {POISON}")

#: What the app may do in every environment, but for the workspaces, the mail and the outcome topic.
APP = {
    *(("Storage Blob Data Contributor", blob) for blob in BLOBS),
    *(("Storage Queue Data Contributor", queue) for queue in QUEUES),
    ("Storage Table Data Contributor", f"tables {TABLE}"),
    ("Storage Blob Data Owner", "storageAccounts host"),
    ("Monitoring Metrics Publisher", "components appi"),
    ("Workspace Reactor mail", "communicationServices acs"),
}
PEOPLE = {
    OPERATORS: {
        *(("Storage Blob Data Contributor", blob) for blob in BLOBS),
        *(("Storage Queue Data Contributor", queue) for queue in QUEUES),
        ("Storage Table Data Contributor", f"tables {TABLE}"),
        ("Reader", "resourceGroups rg"),
    },
    READERS: {
        *(("Storage Blob Data Reader", blob) for blob in BLOBS),
        *(("Storage Queue Data Reader", queue) for queue in QUEUES),
        ("Storage Table Data Reader", f"tables {TABLE}"),
        ("Reader", "resourceGroups rg"),
    },
    DEPLOYERS: {("Website Contributor", "sites func")},
}
KINDS = {"streactor": "state", "sthost": "host", "appi-": "appi", "acs-": "acs", "rg-reactor": "rg", "func-": "func"}
#: May be given away or take what is not theirs: never in a role of ours.
FORBIDDEN = re.compile(r"\*|delete|listkeys|listsecrets|secrets|roleassignments|/action$", re.IGNORECASE)


def told(evaluated: Evaluated) -> dict[str, set[tuple[str, str]]]:
    """Return the roles of every principal, with names that do not depend on the environment."""
    table: dict[str, set[tuple[str, str]]] = {}
    for principal, role, scope in evaluated.accesses():
        kind, _, name = short(scope).partition(" ")
        (generic,) = [word for prefix, word in KINDS.items() if name.startswith(prefix)] or [name]
        shown = re.sub(r" (dev|test|prod) \(.*\)$", "", ROLES.get(role, role))
        table.setdefault(short(principal).rpartition(" ")[2], set()).add((shown, f"{kind} {generic}"))
    return table


def of(table: dict[str, set[tuple[str, str]]], prefix: str) -> set[tuple[str, str]]:
    """Return the roles of the principal whose name begins so."""
    (found,) = (roles for name, roles in table.items() if name.startswith(prefix))
    return found


def test_dev_is_the_app_and_a_topic_that_leaves_dead_letters(environment: Evaluate) -> None:
    """Push: the topic writes dead letters only, because it calls functions."""
    table = told(environment("dev"))
    assert table.keys() == {name for name in table if name.startswith(("id-reactor", "evgt-mlw-dev"))}
    assert of(table, "id-") == APP | {("Workspace Reactor", "workspace mlw-dev")}
    assert of(table, "evgt-") == {("Storage Blob Data Contributor", f"containers {DEAD_LETTERS}")}


def test_test_has_people_an_outcome_topic_and_a_queue(environment: Evaluate) -> None:
    """Queue: the topic may also send messages, to the one queue. Operators and readers look at the topic."""
    table = told(environment("test"))
    assert of(table, "id-") == APP | {
        ("Workspace Reactor", "workspace mlw-test"),
        ("EventGrid Data Sender", f"topics {environment('test').one('Microsoft.EventGrid/topics')['name']}"),
    }
    assert of(table, "mlw-test-events") == {
        ("Storage Blob Data Contributor", f"containers {DEAD_LETTERS}"),
        ("Storage Queue Data Message Sender", f"queues {QUEUE}"),
    }
    looks = {("Reader", "systemTopics mlw-test-events")}
    for group, roles in PEOPLE.items():
        assert of(table, group) == roles | (looks if group != DEPLOYERS else set())


def test_prod_has_the_same_in_every_workspace(environment: Evaluate) -> None:
    """Three workspaces, one role each; one definition for each of the two groups they are in, and one for mail."""
    prod = environment("prod")
    names = ("mlw-churn", "mlw-fraud", "mlw-us")
    assert of(told(prod), "id-") == APP | {("Workspace Reactor", f"workspace {name}") for name in names}
    assert len(prod.of(DEFINITION)) == 3


@pytest.mark.parametrize("name", ["dev", "test", "prod"])
def test_nobody_owns_or_contributes(name: str, environment: Evaluate) -> None:
    """Every role is one of the table; Owner, Contributor and roles over roles are not in it."""
    evaluated = environment(name)
    own = {role["properties"]["roleName"] for role in evaluated.of(DEFINITION)}
    assert {role for _who, role, _scope in evaluated.accesses()} <= own | ROLES.keys()
    for role in evaluated.of(DEFINITION):
        (permissions,) = role["properties"]["permissions"]
        assert permissions.keys() == {"actions"}
        assert [action for action in permissions["actions"] if FORBIDDEN.search(action)] == []


def test_the_workspace_role_writes_jobs_and_tags_and_nothing_else(environment: Evaluate) -> None:
    """Everything else in it is to read."""
    (role,) = (r for r in environment("dev").of(DEFINITION) if "mail" not in r["properties"]["roleName"])
    actions = {
        action.removeprefix("Microsoft.MachineLearningServices/workspaces/")
        for action in role["properties"]["permissions"][0]["actions"]
    }
    assert {action for action in actions if not action.endswith("read")} == {"jobs/write", "models/versions/write"}
    assert {"read", "jobs/read", "experiments/runs/read", "models/versions/read"} <= actions
    assert role["properties"]["assignableScopes"] == [role["id"].partition("/providers/")[0]]


@pytest.mark.parametrize("name", ["dev", "test", "prod"])
def test_names_of_assignments_do_not_depend_on_the_run(name: str, environment: Evaluate) -> None:
    """A second deployment meets its own assignments; what-if knows them."""
    for assignment in environment(name).of(ASSIGNMENT):
        assert re.fullmatch(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", assignment["name"])


def test_built_in_roles_where_nobody_may_create_any(variant: Callable[..., Evaluated]) -> None:
    """The documented way round: no definition is created."""
    evaluated = variant("dev", workspaceRole="'dataScientist'", mailRole="'builtIn'")
    assert evaluated.of(DEFINITION) == []
    roles = of(told(evaluated), "id-")
    assert ("AzureML Data Scientist", "workspace mlw-dev") in roles
    assert ("Communication and Email Service Owner", "communicationServices acs") in roles


def test_the_roles_are_those_of_azure(compiled_types: dict[str, Any]) -> None:
    """The ids in types.bicep are the ones of this table."""
    assert set(compiled_types["builtInRoles"].values()) == ROLES.keys()
