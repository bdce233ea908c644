"""Bar 13, by inspection: every Azure client of the app is bounded in the same way, and none is built elsewhere."""

import ast
import importlib
import pkgutil
import sys
from collections.abc import Callable, Iterator, Mapping
from functools import cached_property, partial
from http.client import HTTPSConnection  # noqa: TID251 - to be found
from pathlib import Path
from types import FunctionType, MethodType
from typing import Any, Protocol
from urllib.request import build_opener  # noqa: TID251 - to be found

import pytest
import requests
import urllib3
from azure.core.pipeline import Pipeline
from azure.core.pipeline.policies import RedirectPolicy, RetryPolicy
from azure.core.pipeline.transport import HttpTransport, RequestsTransport

import handlers
from local.azurite import ACCOUNT, KEY
from shared import gateways, store
from shared.bootstrap import Service
from shared.edges import Edges
from shared.gateways.azure_ml import AML_SCOPE, ARM_SCOPE
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
    "OUTCOME_TOPIC_ENDPOINT": "https://evgt-outcomes.westeurope-1.eventgrid.azure.net/api/events",
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
    "shared/edges.py": {"ManagedIdentityCredential"},
    "shared/gateways/azure_ml.py": {"ARMPipelineClient"},
    "shared/gateways/mail.py": {"EmailClient"},
    "shared/gateways/outcomes.py": {"EventGridPublisherClient"},
    "shared/job_templates/rehearsal.py": {"MLClient", "NobodysCredential"},
}


@pytest.fixture(params=[KEYED, BY_IDENTITY], ids=["by connection string", "by identity"])
def service(request: pytest.FixtureRequest) -> Service:
    """Return the app's service; nothing is sent."""
    return Service(environ={**ENVIRON, **request.param}, folder=ROOT, vocabularies=handlers.VOCABULARIES)


def reading(gateway: Any) -> object:
    """Ask a gateway that reads Azure Resource Manager and run history for both of its clients."""
    return gateway, *map(gateway._reader.azure_ml.client, (ARM_SCOPE, AML_SCOPE))


#: What each property of the service is made of, by how it is asked for its client where that is made at first use.
WITH_CLIENT: Mapping[str, Callable[[Any], object]] = {
    "store": lambda store: store,
    "queue": lambda queue: queue,
    "large_events": lambda blobs: (blobs, blobs._client),
    "dead_letters": lambda letters: (letters, letters._blobs._client),
    "ledger": lambda ledger: ledger,
    "switches": lambda switches: switches,
    "jobs": lambda jobs: (jobs, jobs._azure_ml.client()),
    "lineages": reading,
    "runs": reading,
    "closer": lambda closer: (
        closer,
        reading(closer.measurements),
        closer.model_tags._reader.azure_ml.client(),
        closer.outcomes._client(),
    ),
    "mail": lambda mail: (mail, mail.service._client()),
    "post": lambda post: (post, post.service._client()),
    "_credential": lambda credential: credential("some-id"),
}
WITHOUT_CLIENT = {"settings", "reactions", "_storage", "_storage_credential", "_transport"}
#: Classes of the edges that hold no client: values, and what listens during one call.
VALUES = {f"shared.store.{name}" for name in ("Row", "Page", "Written", "Conflict", "entities.Answer")} | {
    "shared.gateways.mail_answers.Meaning",
    "shared.gateways.reading.Read",
    "shared.gateways.runs._Look",
}
#: Packages by which one may talk to the network; those of Azure come with a pipeline, which is inspected.
NETWORK = {"aiohttp", "ftplib", "http", "httpx", "requests", "smtplib", "socket", "ssl", "urllib", "urllib3"}


def parts(thing: object, seen: set[int]) -> Iterator[Any]:
    """Walk everything that an object of ours or of an SDK is made of, up to the transport."""
    if id(thing) in seen or isinstance(thing, (str, bytes, int, float, type(None), type)):
        return
    seen.add(id(thing))
    yield thing
    inner: list[object] = []
    if isinstance(thing, dict):
        inner = list(thing.values())
    elif isinstance(thing, (list, tuple, set, frozenset)):
        inner = list(thing)
    elif isinstance(thing, partial):
        inner = [thing.func, thing.args, thing.keywords]
    elif isinstance(thing, MethodType):
        inner = [thing.__self__]
    elif isinstance(thing, FunctionType):
        inner = [cell.cell_contents for cell in thing.__closure__ or ()]
    elif root(thing) in {"azure", "shared", "msal"} and not isinstance(thing, HttpTransport):
        names = {name for one in type(thing).__mro__ for name in getattr(one, "__slots__", ())}
        inner = [*getattr(thing, "__dict__", {}).values(), *(getattr(thing, name, None) for name in names)]
    for one in inner:
        yield from parts(one, seen)


def root(thing: object) -> str:
    """Return the package that a thing's class comes from."""
    return type(thing).__module__.split(".")[0]


def clients(service: Service) -> dict[str, list[Any]]:
    """Return what every edge of the service is made of, its client built."""
    edges = {name: ask(getattr(service, name)) for name, ask in WITH_CLIENT.items()}
    return {name: list(parts(edge, set())) for name, edge in edges.items()}


def check(name: str, found: list[Any], shared_transport: object) -> None:
    """Fail for a client that is not bounded as all are."""
    transports = {id(one) for one in found if isinstance(one, HttpTransport)}
    assert transports == {id(shared_transport)}, f"{name} has a transport of its own, or none"
    foreign = {type(one).__qualname__ for one in found if root(one) in NETWORK}
    assert foreign == set(), f"{name} talks to the network by itself"
    # What a pipeline runs; a generated client also keeps a configuration of its own that nobody uses.
    used = [policy for one in found if isinstance(one, Pipeline) for policy in one._impl_policies]
    retries: list[Any] = [policy for policy in used if hasattr(policy, "total_retries")]
    assert retries, f"{name}: no retry policy found"
    assert {one.total_retries for one in retries} <= {0}, f"{name} retries by itself"
    redirects = [policy for policy in used if isinstance(policy, RedirectPolicy)]
    assert not any(one.allow for one in redirects), f"{name} follows redirects"


def test_every_client_is_bounded(service: Service, figures: Figures) -> None:
    """One transport for all, with the run's deadline; no retries, not on POST and not on Retry-After; no redirects."""
    assert type(service._transport).__name__ == "DeadlineTransport"
    found = clients(service)
    for name, inside in found.items():
        check(name, inside, service._transport)
    assert (CONNECT_SECONDS, READ_SECONDS) == (3.0, 12.0)
    figures.record("13", clients=len(found))


def test_every_property_of_the_service_is_inspected(service: Service) -> None:
    """A new property belongs into one of the two lists above; one that says it has no client has none."""
    properties = (vars(kind).items() for kind in (Service, Edges))
    named = {name for each in properties for name, value in each if isinstance(value, (property, cached_property))}
    given = {"_environ", "_folder", "_vocabularies", "_preparation"}  # the last is a thread that imports
    kept = {name for name in vars(service) if name not in named} - given
    assert named | kept == WITH_CLIENT.keys() | WITHOUT_CLIENT
    for name in WITHOUT_CLIENT - {"_storage_credential", "_transport"}:  # the credential is one of `_credential`
        inside = list(parts(getattr(service, name), set()))
        assert not [one for one in inside if isinstance(one, (Pipeline, HttpTransport)) or root(one) in NETWORK], name
    if service._storage_credential is not None:
        assert isinstance(service._storage_credential, type(service._credential("some-id")))


def edge_classes() -> dict[str, type]:
    """Return every class of the edges that is no Protocol."""
    found: dict[str, type] = {}
    for package in (gateways, store):
        for one in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
            importlib.import_module(one.name)
    for name, module in sorted(sys.modules.items()):
        if name.startswith((gateways.__name__, store.__name__)):
            ours = [kind for kind in vars(module).values() if isinstance(kind, type) and kind.__module__ == name]
            found |= {f"{name}.{kind.__qualname__}": kind for kind in ours if Protocol not in kind.__bases__}
    return found


def test_every_class_of_the_edges_is_inspected(service: Service) -> None:
    """A gateway that the service does not have among its properties would be inspected by nobody."""
    seen = {type(one) for inside in clients(service).values() for one in inside}
    left = {name for name, one in edge_classes().items() if one not in seen}
    assert left == VALUES


class Sneaky:
    """An edge that talks to the network in a way of its own; each test hides another client in it."""

    def __init__(self, store: object, client: object) -> None:
        self.store, self.client = store, client


def enclosed(session: requests.Session) -> Callable[[], object]:
    """Hide a session in a closure."""
    return lambda: session.get("https://example.com")


Sneaky.__module__ = "shared.gateways.sneaky"


@pytest.mark.parametrize(
    "hidden",
    [
        requests.Session,
        lambda: requests.Session().post,
        lambda: partial(requests.Session().request, "POST"),
        lambda: enclosed(requests.Session()),
        lambda: {"a": [urllib3.PoolManager()]},
        lambda: HTTPSConnection("example.com"),
        build_opener,
        RequestsTransport,
        lambda: Pipeline(RequestsTransport(), [RetryPolicy()]),
    ],
)
def test_a_client_of_another_kind_is_found(service: Service, hidden: Callable[[], object]) -> None:
    """However it is kept: the walk finds what is no client of Azure on the one transport."""
    check("honest", list(parts(Sneaky(service.store, None), set())), service._transport)
    with pytest.raises(AssertionError):
        check("sneaky", list(parts(Sneaky(service.store, hidden()), set())), service._transport)


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
