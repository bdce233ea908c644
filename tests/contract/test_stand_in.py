"""The stand-in for Azure: identity, unknown URLs, the journal and the wire, through the SDKs as they are."""

import base64
import json
import socket
import ssl
import time
from collections.abc import Iterator

import pytest
import requests
from azure.identity import CredentialUnavailableError, ManagedIdentityCredential

from local.azure import StandIn, Workspace
from tests.fakes.azure import ARM, Arm, pipeline, stand_in


@pytest.fixture
def azure(monkeypatch: pytest.MonkeyPatch) -> Iterator[StandIn]:
    """A stand-in."""
    with stand_in(monkeypatch) as running:
        yield running


@pytest.fixture
def workspace(azure: StandIn) -> Workspace:
    """A workspace with one registered component."""
    made = azure.workspace("mlw-demo")
    made.register("components", "offline_test:1")
    return made


@pytest.fixture
def arm(azure: StandIn) -> Iterator[Arm]:
    """A client of Azure Resource Manager."""
    client = Arm(azure)
    with client.client:
        yield client


def test_identity_gives_a_token_for_the_resource(azure: StandIn) -> None:
    """The token decodes; its audience is the resource without the slash at the end."""
    credential = ManagedIdentityCredential(client_id=azure.environment["AZURE_CLIENT_ID"])
    token = credential.get_token("https://communication.azure.com//.default")
    middle = token.token.split(".")[1]
    claims = json.loads(base64.urlsafe_b64decode(middle + "=" * (-len(middle) % 4)))
    assert claims["aud"] == "https://communication.azure.com"
    assert claims["tid"]
    assert abs(claims["exp"] - token.expires_on) <= 2  # MSAL counts from the start of its request


@pytest.mark.usefixtures("azure")
def test_an_identity_that_does_not_exist_is_refused() -> None:
    """A wrong client id is 400, which the SDK calls unavailable."""
    with pytest.raises(CredentialUnavailableError):
        ManagedIdentityCredential(client_id="another", retry_total=0).get_token(f"{ARM}/.default")


def test_a_wrong_identity_header_is_401(azure: StandIn) -> None:
    """Only the app knows the header."""
    url = f"{azure.environment['IDENTITY_ENDPOINT']}?api-version=2019-08-01&resource={ARM}"
    with requests.get(url, headers={"X-IDENTITY-HEADER": "guessed"}, timeout=5) as answer:
        assert answer.status_code == 401


@pytest.mark.parametrize(
    "url",
    [
        "https://login.microsoftonline.com/common",
        f"{ARM}/subscriptions?api-version=2022-12-01",
        "https://nowhere.example/x",
    ],
)
def test_an_unknown_url_is_a_loud_404(azure: StandIn, url: str) -> None:
    """Whatever the stand-in does not know is refused by name, and the journal says so."""
    with requests.get(url, timeout=5) as answer:
        assert answer.status_code == 404
        assert url in answer.json()["error"]["message"]
    assert [entry.url for entry in azure.journal.unknown()] == [url]


def test_an_unknown_path_of_a_known_workspace_is_unknown(azure: StandIn, workspace: Workspace, arm: Arm) -> None:
    """A resource type that the stand-in lacks is not taken for one that is missing."""
    assert arm.send("GET", f"{workspace.id}/schedules/x").status_code == 404
    assert len(azure.journal.unknown()) == 1
    assert arm.send("GET", f"{workspace.id}/jobs/x").status_code == 404
    assert len(azure.journal.unknown()) == 1


def test_every_answer_has_the_usual_headers(workspace: Workspace, arm: Arm) -> None:
    """Content-Length, Date and a request id of its own."""
    first, second = (arm.send("GET", workspace.id).headers for _ in range(2))
    assert {"Content-Length", "Date", "x-ms-request-id"} <= {*first}
    assert first["x-ms-request-id"] != second["x-ms-request-id"]


def test_paths_match_in_any_case(workspace: Workspace, arm: Arm) -> None:
    """ARM ids are compared without regard to case."""
    assert arm.send("GET", workspace.id.upper()).json()["name"] == "mlw-demo"


def test_a_workspace_that_is_not_there_is_404(azure: StandIn, workspace: Workspace, arm: Arm) -> None:
    """It is Azure's own 404, not an unknown URL."""
    answer = arm.send("GET", workspace.id + "-other")
    assert (answer.status_code, answer.json()["error"]["code"]) == (404, "ResourceNotFound")
    assert azure.journal.unknown() == ()


def test_arm_needs_a_token_for_arm(workspace: Workspace, arm: Arm) -> None:
    """No token and a token for something else are 401 with a challenge."""
    url = f"{ARM}{workspace.id}?api-version=2024-01-01-preview"
    other = arm.credential.get_token("https://communication.azure.com/.default").token
    for headers in ({}, {"Authorization": f"Bearer {other}"}):
        with requests.get(url, headers=headers, timeout=5) as answer:
            assert answer.status_code == 401
            assert answer.headers["WWW-Authenticate"].startswith("Bearer authorization_uri=")


def test_the_journal_keeps_requests_without_secrets(azure: StandIn, workspace: Workspace, arm: Arm) -> None:
    """Body, status and connection are there; of the tokens only that there were some."""
    arm.send("PUT", f"{workspace.id}/jobs/one", pipeline(workspace))
    (entry,) = azure.journal.jobs_put()
    assert (entry.method, entry.host, entry.status) == ("PUT", "management.azure.com", 201)
    assert entry.json() == pipeline(workspace)
    assert entry.headers["authorization"] == "Bearer"
    assert "." not in entry.headers["x-azureml-token"]
    (msi, *_) = azure.journal.entries
    assert azure.environment["IDENTITY_HEADER"] not in msi.headers.values()


def test_connections_are_kept_alive(azure: StandIn, workspace: Workspace, arm: Arm) -> None:
    """Ten requests come on one connection through the proxy, each without the 40 ms that Nagle's algorithm costs."""
    arm.send("PUT", f"{workspace.id}/jobs/warm", pipeline(workspace))
    times = []
    for number in range(10):
        started = time.perf_counter()
        arm.send("PUT", f"{workspace.id}/jobs/job-{number}", pipeline(workspace))
        times.append(time.perf_counter() - started)
    assert len({entry.connection for entry in azure.journal.jobs_put()}) == 1
    assert min(times) < 0.035


def test_the_certificates_are_strict_enough(azure: StandIn) -> None:
    """Python 3.13 verifies strictly (RFC 5280); each host, however deep, gets a certificate of its own name."""
    context = ssl.create_default_context(cafile=azure.authority)
    assert context.verify_flags & ssl.VERIFY_X509_STRICT
    for host in ("management.azure.com", "mail-demo.europe.communication.azure.com"):
        with (
            socket.create_connection(("127.0.0.1", azure.port), timeout=5) as raw,
            context.wrap_socket(raw, server_hostname=host) as secured,
        ):
            certificate = secured.getpeercert() or {}
            assert certificate["subjectAltName"] == (("DNS", host),)
