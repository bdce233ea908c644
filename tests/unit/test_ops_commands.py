"""The command line itself: options, exit codes, and what is said when there is no way to the account."""

import json
import logging
import socket
import subprocess
import sys

import pytest
from typer.testing import CliRunner

from ops.__main__ import app
from ops.connection import connected, storage_of
from ops.problems import OpsError
from shared.settings import StateStorage
from tests.markdown import ROOT

RUNNER = CliRunner()
KEY = "c2VjcmV0LWtleQ=="


def run(*words: str, **environ: str) -> tuple[int, str, str]:
    """Run a command of dead-letters; exit code, stdout, stderr."""
    settings = {"StateStorage": None, **environ}
    result = RUNNER.invoke(app, ["dead-letters", *words], env=settings)
    assert result.exception is None or isinstance(result.exception, SystemExit)
    return result.exit_code, result.stdout, result.stderr


def nowhere() -> str:
    """Return a connection string to ports on which nothing listens."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    ends = ";".join(f"{name}Endpoint=http://127.0.0.1:{port}/a" for name in ("Blob", "Queue", "Table"))
    return f"DefaultEndpointsProtocol=http;AccountName=a;AccountKey={KEY};{ends}"


@pytest.mark.parametrize("command", ["list", "show", "replay"])
def test_help_tells_the_exit_codes(command: str) -> None:
    """Of every command."""
    code, told, _ = run(command, "--help", COLUMNS="200")
    assert code == 0
    for number, meaning in enumerate(("done", "something could not be done", "usage", "cannot reach")):
        assert f"{number} {meaning}" in told


@pytest.mark.parametrize(
    "words",
    [
        ("nonsense",),
        ("list", "--nonsense"),
        ("list", "--limit", "0"),
        ("list", "--since", "soon"),
        ("show",),
        ("replay",),
        ("replay", "name", "--all"),
        ("replay", "name", "--reaction", "retrain"),
        ("replay", "name", "--since", "1d"),
        ("replay", "--all", "--since", "yesterday"),
        ("list", "--account", "NO-ACCOUNT"),
        ("list", "--account", "account", "--connection-string", nowhere()),
        ("list", "--connection-string", "nonsense"),
    ],
)
def test_wrong_usage_is_2(words: tuple[str, ...]) -> None:
    """Before anything is asked of the account: there is none."""
    code, _told, said = run(*words, StateStorage=nowhere())
    assert code == 2
    assert said


def test_without_settings_the_remedy_is_told() -> None:
    """All three ways to name the account."""
    code, told, said = run("list")
    assert (code, told) == (2, "")
    for word in ("--account", "--connection-string", "StateStorage__blobServiceUri"):
        assert word in said


@pytest.mark.parametrize("words", [("list",), ("show", "x"), ("replay", "x"), ("replay", "--all", "--again", "--yes")])
def test_an_account_that_cannot_be_reached_is_3(words: tuple[str, ...]) -> None:
    """In words on stderr and as one document on stdout; the key is in neither."""
    code, told, said = run(*words, "--json", StateStorage=nowhere())
    assert code == 3
    assert "cannot be reached" in json.loads(told)["problem"]
    assert "cannot be reached" in said
    assert KEY not in told + said


def test_without_a_login_the_remedy_is_to_log_in() -> None:
    """No request leaves without a token."""
    # The one credential that asks nobody but a program that is not on this path.
    only = {"AZURE_TOKEN_CREDENTIALS": "AzureCliCredential", "PATH": ""}
    code, _, said = run("list", "--account", "account", **only)
    assert code == 3
    assert "az login" in said


def test_the_sdks_own_words_stay_off_the_terminal() -> None:
    """They repeat a provider's answers raw; afterwards their loggers are as they were."""
    logger = logging.getLogger("azure.identity")
    before = logger.getEffectiveLevel()
    with connected(StateStorage(connection_string=nowhere())):
        assert not logger.isEnabledFor(logging.ERROR)
    assert logger.getEffectiveLevel() == before


def test_where_the_state_is() -> None:
    """Options before settings; the settings are those of the app."""
    uris = {f"StateStorage__{name}ServiceUri": f"https://x.{name}.example" for name in ("blob", "queue", "table")}
    assert storage_of(None, None, uris).table_uri == "https://x.table.example"
    assert storage_of(None, None, {**uris, "StateStorage": "text"}).connection_string == "text"
    assert storage_of("account", None, uris).queue_uri == "https://account.queue.core.windows.net"
    assert storage_of(None, "other", uris).connection_string == "other"
    with pytest.raises(OpsError) as caught:
        storage_of(None, None, {"StateStorage__blobServiceUri": "https://x.blob.example"})
    assert "StateStorage__tableServiceUri" in caught.value.problem


def test_it_starts_as_a_module() -> None:
    """`python -m ops dead-letters`, quick enough for a person: no SDK is imported for the help."""
    script = "import sys, runpy; sys.argv = ['ops', 'dead-letters', 'list', '--help']\n"
    script += "try: runpy.run_module('ops', run_name='__main__')\n"
    script += "finally: sys.stderr.write(' '.join(name for name in sys.modules if name.startswith('azure.')))"
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, timeout=60, check=True
    )
    assert "Exit codes" in done.stdout
    assert done.stderr == ""
