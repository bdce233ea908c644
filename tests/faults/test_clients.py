"""Bar 13, by inspection: every Azure client of the app is bounded in the same way, and none is built elsewhere."""

import ast
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from azure.core.pipeline import Pipeline
from azure.core.pipeline.policies import RedirectPolicy
from azure.core.pipeline.transport import HttpTransport

import handlers
from local.azurite import ACCOUNT, KEY
from shared.bootstrap import Service
from shared.transport import CONNECT_SECONDS, READ_SECONDS
from tests.fakes.events import SAMPLES
from tests.fakes.service import WORKSPACE
from tests.faults.figures import Figures

ROOT = SAMPLES.parent
ENVIRON = {
    "WORKSPACES": WORKSPACE,
    "OPS_EMAIL": "ops@example.com",
    "MAIL_ENDPOINT": "https://acs.europe.communication.azure.com",
    "MAIL_SENDER": "reactor@example.com",
    "INSTALLATION": "test",
    "AZURE_CLIENT_ID": "00000000-0000-0000-0000-000000000001",
}
KEYED = {
    "StateStorage": f"DefaultEndpointsProtocol=http;AccountName={ACCOUNT};AccountKey={KEY};"
    + "".join(f"{kind}Endpoint=http://127.0.0.1:1/{ACCOUNT};" for kind in ("Blob", "Queue", "Table"))
}
BY_IDENTITY = {
    f"StateStorage__{kind}ServiceUri": f"https://st.{kind}.core.windows.net" for kind in ("blob", "queue", "table")
}
#: Where clients and credentials are built; nowhere else.
BUILDERS = {
    "shared/bootstrap.py": {"ManagedIdentityCredential"},
    "shared/gateways/jobs.py": {"ARMPipelineClient"},
    "shared/gateways/mail.py": {"EmailClient"},
    "shared/job_templates/rehearsal.py": {"MLClient", "NobodysCredential"},
}


@pytest.fixture(params=[KEYED, BY_IDENTITY], ids=["by connection string", "by identity"])
def service(request: pytest.FixtureRequest) -> Service:
    """Return the app's service; nothing is sent."""
    return Service(environ={**ENVIRON, **request.param}, folder=ROOT, vocabularies=handlers.VOCABULARIES)


def parts(thing: object, seen: set[int]) -> Iterator[Any]:
    """Walk everything that an object of ours or of an SDK is made of."""
    if id(thing) in seen or isinstance(thing, (str, bytes, int, float, type(None), type)):
        return
    seen.add(id(thing))
    yield thing
    inner: list[object] = []
    if isinstance(thing, dict):
        inner = list(thing.values())
    elif isinstance(thing, (list, tuple, set, frozenset)):
        inner = list(thing)
    elif type(thing).__module__.split(".")[0] in {"azure", "shared", "msal"}:
        inner = list(vars(thing).values()) if hasattr(thing, "__dict__") else []
    for one in inner:
        yield from parts(one, seen)


def clients(service: Service) -> dict[str, Any]:
    """Return every edge of the service that holds a client, built."""
    mail, jobs = service.mail, service.jobs
    return {
        "store": service.store,
        "queue": service.queue,
        "large events": service.large_events,
        "dead letters": service.dead_letters,
        "jobs": jobs._client(),
        "mail": mail._client(),
        "credential": service._credential("some-id"),
    }


def test_every_client_is_bounded(service: Service, figures: Figures) -> None:
    """One transport for all, with the run's deadline; no retries, not on POST and not on Retry-After; no redirects."""
    shared_transport = service._transport
    assert type(shared_transport).__name__ == "DeadlineTransport"
    for name, client in clients(service).items():
        found = list(parts(client, set()))
        transports = {id(one) for one in found if isinstance(one, HttpTransport)}
        assert transports == {id(shared_transport)}, f"{name} has a transport of its own, or none"
        # What a pipeline runs; a generated client also keeps a configuration of its own that nobody uses.
        used = [policy for one in found if isinstance(one, Pipeline) for policy in one._impl_policies]
        retries: list[Any] = [policy for policy in used if hasattr(policy, "total_retries")]
        assert retries, f"{name}: no retry policy found"
        assert {one.total_retries for one in retries} <= {0}, f"{name} retries by itself"
        redirects = [policy for policy in used if isinstance(policy, RedirectPolicy)]
        assert not any(one.allow for one in redirects), f"{name} follows redirects"
    assert (CONNECT_SECONDS, READ_SECONDS) == (3.0, 12.0)
    figures.record("13", clients=len(clients(service)))


def built(path: Path) -> set[str]:
    """Return the names of the clients and credentials that a module builds."""
    calls = [node.func for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Call)]
    names = {call.id for call in calls if isinstance(call, ast.Name)} | {
        call.attr for call in calls if isinstance(call, ast.Attribute)
    }
    return {name for name in names if name.endswith(("Client", "Credential")) or name == "from_connection_string"}


def test_no_client_is_built_elsewhere() -> None:
    """A new client belongs into the list above, and into the test above it."""
    modules = [path for folder in ("shared", "handlers") for path in (ROOT / folder).rglob("*.py")]
    found = {path.relative_to(ROOT).as_posix(): built(path) for path in [*modules, ROOT / "function_app.py"]}
    connected = {"shared/state_storage.py": {"from_connection_string"}}
    assert {name: names for name, names in found.items() if names} == {**BUILDERS, **connected}
