"""Settings, ids, keys and log lines."""

import json
import re
from datetime import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.actions import Operation
from shared.errors import ConfigurationError
from shared.records import event_key, partition_key
from shared.settings import load, load_storage
from shared.telemetry import Facts, line
from tests.fakes.service import WORKSPACE

JOB_NAME = re.compile(r"^[a-zA-Z0-9][a-zA-Z0-9\-_]{0,254}$")
ENVIRON = {
    "WORKSPACES": f"{WORKSPACE}, {WORKSPACE}-2",
    "OPS_EMAIL": "ops@example.com",
    "MAIL_ENDPOINT": "https://acs-churn.communication.azure.com/",
    "MAIL_SENDER": "reactor@example.com",
    "INSTALLATION": "prod",
    "StateStorage": "UseDevelopmentStorage=true",
}


def test_one_error_names_every_missing_setting() -> None:
    """Nobody wants to find them one deployment at a time."""
    with pytest.raises(ConfigurationError) as error:
        load({}, folder=Path())
    told = " ".join(error.value.problems)
    names = ["WORKSPACES", "OPS_EMAIL", "MAIL_ENDPOINT", "MAIL_SENDER", "INSTALLATION", "StateStorage__queueServiceUri"]
    assert all(name in told for name in names)
    assert "WORKSPACES" in str(error.value)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("WORKSPACES", "mlw-churn"),
        ("WORKSPACES", f"{WORKSPACE}, https://example.com"),
        ("OPS_EMAIL", "ops"),
        ("OPS_EMAIL", "ops@example.com; dev@example.com"),
        ("MAIL_ENDPOINT", "http://acs.communication.azure.com"),
        ("INSTALLATION", "Prod 1"),
        ("DRY_RUN", "yes"),
        ("MAIL_PER_MINUTE", "five"),
        ("MAIL_PER_HOUR", "201"),
        ("MAIL_PER_HOUR", "-1"),
        ("MAIL_PER_HOUR", "\u0663"),
        ("MAIL_PER_HOUR", "9" * 5000),
        ("MAIL_DIGEST_AT", "24:00"),
        ("MAIL_DIGEST_AT", "7am"),
        ("OUTCOME_TOPIC_ENDPOINT", "http://evgt.westeurope-1.eventgrid.azure.net/api/events"),
        ("READ_ONLY_WORKSPACES", "mlw-chrun"),
        ("READ_ONLY_WORKSPACES", f"mlw-churn, {WORKSPACE}-3"),
    ],
)
def test_wrong_settings_are_named(name: str, value: str) -> None:
    """Wrong shapes are told by name, and without their value: it may be a secret in the wrong place."""
    with pytest.raises(ConfigurationError) as error:
        load({**ENVIRON, name: value}, folder=Path())
    assert name in str(error.value)
    assert value not in str(error.value)


def test_settings_are_typed() -> None:
    """Lists are split, ids compared without case, paths under the folder."""
    settings = load({**ENVIRON, "DRY_RUN": "True"}, folder=Path("app"))
    assert WORKSPACE.casefold() in settings.workspaces
    assert (settings.mail_endpoint, settings.dry_run) == ("https://acs-churn.communication.azure.com", True)
    assert settings.reactions_file == Path("app/reactions.yaml")
    assert (settings.mail_per_minute, settings.mail_per_hour, settings.mail_digest_at) == (5, 10, time(6))
    settings = load(
        {**ENVIRON, "MAIL_PER_MINUTE": "30", "MAIL_PER_HOUR": " 100 ", "MAIL_DIGEST_AT": "05:30"}, folder=Path()
    )
    assert (settings.mail_per_minute, settings.mail_per_hour, settings.mail_digest_at) == (30, 100, time(5, 30))
    settings = load({**ENVIRON, "READ_ONLY_WORKSPACES": f"MLW-churn , {WORKSPACE}-2/"}, folder=Path())
    assert settings.read_only == {"mlw-churn", f"{WORKSPACE}-2".casefold()}
    assert (settings.outcome_topic, load(ENVIRON, folder=Path()).read_only) == ("", frozenset())


def test_identity_based_storage() -> None:
    """The Functions convention: one URI per service, the identity of the app unless another is named."""
    uris = {
        f"StateStorage__{service}ServiceUri": f"https://x.{service}.core.windows.net"
        for service in ("queue", "table", "blob")
    }
    environ = {**ENVIRON, **uris, "StateStorage": "", "AZURE_CLIENT_ID": "app-id"}
    assert load_storage(environ).client_id == "app-id"
    assert load_storage({**environ, "StateStorage__clientId": "own"}).client_id == "own"


def operation(**changes: str | int) -> Operation:
    """Return an operation that differs in some parts."""
    parts = {
        "installation": "prod",
        "workspace": WORKSPACE,
        "identity": "x|churn:7",
        "reaction": "test",
        "generation": 0,
    }
    return Operation(**{**parts, **changes})  # type: ignore[arg-type] # the keys are its fields


def test_ids_change_with_every_part_and_with_nothing_else() -> None:
    """Two installations, workspaces, events, reactions or generations never share an id; case of the workspace does."""
    changes: list[dict[str, str | int]] = [
        {},
        {"installation": "test"},
        {"workspace": WORKSPACE + "2"},
        {"identity": "x|churn:8"},
        {"reaction": "test2"},
        {"generation": 1},
    ]
    assert len({operation(**change).job_name("churn-7") for change in changes}) == len(changes)
    assert len({operation(**change).mail_id() for change in changes}) == len(changes)
    assert operation(workspace=WORKSPACE.upper()).digest == operation().digest


def test_ids_of_the_first_release_stay() -> None:
    """Pinned: another derivation would start every job and send every mail once more."""
    assert operation().job_name("churn:7") == "test-churn-7-58b762e81330"
    assert operation().mail_id() == "c06e20ec-6767-527c-9053-430997ec5728"


@given(st.text(max_size=300))
def test_any_subject_makes_a_valid_job_name(subject: str) -> None:
    """The rule of Azure ML for job names holds whatever the subject is called."""
    assert JOB_NAME.match(operation().job_name(subject))


@given(st.text(max_size=300), st.text(max_size=300))
def test_any_subject_makes_a_valid_partition(one: str, other: str) -> None:
    """Only characters that table keys allow; different subjects never share a partition."""
    keys = [partition_key(WORKSPACE, subject) for subject in (one, other)]
    assert all(re.fullmatch(r"[a-z0-9._|-]{1,120}", key) for key in keys)
    assert (keys[0] == keys[1]) == (one == other)


def test_keys_are_pinned() -> None:
    """Rows of today are found tomorrow."""
    assert (
        partition_key(WORKSPACE.upper(), "churn")
        == partition_key(WORKSPACE, "churn")
        == "mlw-churn.churn|176e57746a0acacd"
    )
    assert partition_key(WORKSPACE, "churn" * 20) == f"mlw-churn.{'churn' * 10}|6ccecf619f030e03"
    assert event_key("model-registered", "churn:7", 0) == "event|5754ec5011a4389e71f2c7b43fd5c83b"
    assert event_key("model-registered", "churn:7", 2) == "event|5754ec5011a4389e71f2c7b43fd5c83b|2"


@given(st.text(max_size=2000))
def test_a_log_line_is_one_short_line_whatever_is_in_it(text: str) -> None:
    """No line end, no control character and no escape sequence of a payload reaches the log."""
    facts = {name: text for name, kind in Facts.__annotations__.items() if kind is str}
    told = line("x", facts)  # type: ignore[arg-type] # built from its own keys
    assert re.fullmatch(r"[ -~]{1,8192}", told)
    assert text.startswith(json.loads(told)["event"])


@pytest.mark.parametrize("character", ["x", "\0", "\U0001f600", "\\", "\u2028"])
def test_the_longest_facts_make_no_longer_line(character: str) -> None:
    """Every text fact at its longest, whatever its escapes cost."""
    facts = {name: character * 5000 for name, kind in Facts.__annotations__.items() if kind is str}
    told = line("x", facts)  # type: ignore[arg-type] # built from its own keys
    assert len(told) <= 8192
    assert json.loads(told)["reason"]
