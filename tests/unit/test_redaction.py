"""What looks like a secret does not reach a mail; what a person needs to find the cause does."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.redaction import LONGEST, REDACTED, redact, redact_line

HEX, LETTERS = "0123456789abcdef", "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
#: Put together here, so that no scanner of secrets takes this file for one.
KEY = LETTERS + LETTERS[:24] + "=="
TOKENS = {
    "github": "gh" + "p_" + LETTERS[:36],
    "github, fine-grained": "github" + "_pat_" + LETTERS[:60],
    "gitlab": "gl" + "pat-" + LETTERS[:20],
    "slack": "xo" + "xb-1234567890-" + LETTERS[:20],
    "slack webhook": "https://hooks.slack" + ".com/services/T000/B000/" + LETTERS[:24],
    "aws": "AK" + "IA" + LETTERS[26:42].upper(),
    "google": "AI" + "za" + LETTERS[:35],
    "hugging face": "hf" + "_" + LETTERS[:34],
    "openai": "sk" + "-proj-" + LETTERS[:40],
    "databricks": "dap" + "i" + HEX * 2,
    "npm": "np" + "m_" + LETTERS[:36],
    "pypi": "py" + "pi-" + LETTERS,
    "entra client secret": "abc8" + "Q~" + LETTERS[:34],
    "azure devops": LETTERS + LETTERS[:14] + "AZ" + "DO" + "a1b2",
    "storage account key": KEY,
    "service bus key": LETTERS[:43] + "=",
    "jwt": "ey" + "J" + LETTERS[:20] + ".ey" + LETTERS[:30] + "." + LETTERS[:30],
    "private key": f"-----BEGIN RSA PRIVATE KEY-----\n{KEY}\n-----END RSA PRIVATE KEY-----",
    "private key, cut off": f"-----BEGIN PRIVATE KEY-----\n{KEY}\n{KEY}",
}
S = "hunter2"
NAMED = {
    f"password={S}": "password={}",
    f"PASSWORD: '{S} and more'": "PASSWORD: {}",
    f'{{"clientSecret": "{S}", "x": 1}}': '{{"clientSecret": {}, "x": 1}}',
    f"https://st.blob.core.windows.net/c/x.csv?sv=2024&sig={S}%3D&se=1": "https://st.blob.core.windows.net/c/x.csv?sv=2024&sig={}&se=1",
    f"AccountName=st;AccountKey={S}==;EndpointSuffix=core": "AccountName=st;AccountKey={};EndpointSuffix=core",
    f"Endpoint=sb://x/;SharedAccessKeyName=r;SharedAccessKey={S}": "Endpoint=sb://x/;SharedAccessKeyName=r;SharedAccessKey={}",
    f"Server=tcp:x;Uid=a;Pwd={S};Database=d": "Server=tcp:x;Uid=a;Pwd={};Database=d",
    f"InstrumentationKey={S};IngestionEndpoint=https://x": "InstrumentationKey={};IngestionEndpoint=https://x",
    f"Authorization: Bearer {S}": "Authorization: {}",
    f"curl -H 'Bearer {S}.{S}'": "curl -H 'Bearer {}'",
    "Basic dXNlcjpwYXNzd29yZA==": "Basic {}",
    f"postgresql://me:{S}@host:5432/db": "postgresql://{}@host:5432/db",
    f"https://me:{S}@x@pypi.example.com/simple": "https://{}@pypi.example.com/simple",
    f"MY_SIGNING_KEY={S}": "MY_SIGNING_KEY={}",
    f"export AZURE_OPENAI_API_KEY='{S}'": "export AZURE_OPENAI_API_KEY={}",
    f"az storage blob list --account-key {S} --name st": "az storage blob list --account-key {} --name st",
    f"train.py --db-password {S} --epochs 3": "train.py --db-password {} --epochs 3",
    f"x-functions-key: {S}": "x-functions-key: {}",
    f"db.credentials => {S}": "db.credentials => {}",
    f"the key is {HEX * 2}": "the key is {}",
    f"invalid token '{LETTERS[:40]}0'": "invalid token '{}'",
}
LOOK_ALIKES = (
    "KeyError: 'tenure'",
    "ValueError: column 'tenure' is missing in azureml:churn-train:42",
    f"commit {HEX}{HEX}{HEX[:8]}",
    f"git checkout {HEX[:12]}",
    f"sha256:{HEX * 4}",
    "integrity sha256-" + LETTERS[:43] + "=",
    "integrity sha512-" + KEY,
    f"pandas==2.2.3 --hash=sha256:{HEX * 4}",
    "mcr.microsoft.com/azureml/openmpi4.1.0-ubuntu20.04:20250101.v1",
    "run AutoML_9c41e0b7-1111-2222-3333-444444444444",
    "run offline-test-churn-7-a216c001ba44 of churn-training",
    "/subscriptions/11111111-2222-3333-4444-555555555555/resourceGroups/rg/providers/x",
    "mail ops@example.com",
    "git@github.com:contoso/churn.git",
    "https://ml.azure.com/runs/train-1?wsid=/subscriptions/1",
    "azureml://datastores/workspaceblobstore/paths/churn/",
    "max_tokens=4096, tokenizer=bert-base, sort_keys=True",
    "primary key violated; partition_key=customer_id",
    "unexpected token '<' at line 3",
    "secret_name=db, keyvault=kv-churn",
    "basic authentication failed",
    "the bearer token has expired",
    "learning_rate: 0.01, seed=20261124",
    "-----BEGIN OF LOG-----",
)  # fmt: skip


@pytest.mark.parametrize("token", TOKENS.values(), ids=TOKENS.keys())
@pytest.mark.parametrize(
    "around", ["{}", "failed with {} in line 3", '"{}"', "<{}>", "a\n{}\nb", "x={}", "https://h/p?q={}"]
)
def test_tokens_are_known_by_their_form(token: str, around: str) -> None:
    """Wherever they stand."""
    told = redact(around.format(token))
    assert REDACTED in told
    assert token[-8:] not in told
    assert told.replace(REDACTED, "").strip() in around.replace("{}", "").strip() or "https" in told


@pytest.mark.parametrize("text", NAMED)
def test_secrets_are_known_by_their_names(text: str) -> None:
    """The name stays, and what stands beside it."""
    told = NAMED[text].format(REDACTED)
    assert redact(text) == told
    assert redact(f"before\n{text}\nafter") == f"before\n{told}\nafter"


@pytest.mark.parametrize("text", LOOK_ALIKES)
def test_what_helps_to_find_the_cause_stays(text: str) -> None:
    """Ids, commits, digests, versions, addresses, and the words themselves."""
    assert redact(text) == text


@given(st.text(), st.sampled_from(sorted(TOKENS.values())), st.text())
def test_no_text_around_it_saves_a_secret(before: str, token: str, after: str) -> None:
    """Whatever stands before and after."""
    assert token not in redact(f"{before} {token} {after}")


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (" a  b\nc\t", "a b c"),
        ("x" * 30, "x" * 30),
        ("x" * 31, "x" * 29 + "…"),
        ("word " * 40, "word word word word word word…"),
        ("password=" + "p" * 140 + "q q", f"password={REDACTED}…"),
        ("a" * 150 + "b", "a" * 29 + "…"),
        ("password=" + "p" * 120 + " " + TOKENS["aws"] + " more", f"password={REDACTED}…"),
    ],
)
def test_a_line_is_cut_after_it_is_redacted(text: str, told: str) -> None:
    """And what is looked at ends with a whole word."""
    assert redact_line(text, 30) == told


@given(st.text(alphabet=" abc\n.,;()-", max_size=200))
def test_text_without_secrets_is_left_as_it_is(text: str) -> None:
    """To the letter."""
    assert redact(text) == text


@pytest.mark.parametrize(
    "part",
    [
        "eyJ-",
        "eyJaaaaaaaa.",
        "a-",
        "-a",
        "--a-",
        "key ",
        "token" + " " * 40,
        "-----BEGIN ",
        "_KEY",
        "://a",
        "A_",
        "sk-",
    ],
)
def test_no_text_takes_long(part: str) -> None:
    """A run has 20 seconds in all; texts made to be slow take one at most. What is beyond the limit is gone."""
    started = time.process_time()
    assert len(redact(part * LONGEST)) <= LONGEST * len(REDACTED)
    assert time.process_time() - started < 1.5
