"""`python -m ops send-test-mail`: a mail through the app itself, and what came of it."""

import secrets
import time
from typing import Annotated

import typer

from ops.connection import State
from ops.dead_letters import Account, ConnectionString, command_session
from ops.options import AsJson
from ops.problems import DONE, NOT_ALL
from ops.terminal import console, plain, put_json, say
from shared.mail_probe import TEST_MAIL, Answer, probe_key, read_answer
from shared.messages import wrap
from shared.ration import MAILS
from shared.transport import deadline

OPERATION_SECONDS = 60.0
#: How often the answer is asked for, in seconds.
ASK = 2.0
#: An answer comes within seconds, from a cold app within a minute.
WAIT = 120
NO_ANSWER = (
    "no answer: the app is stopped, does not take messages from this account, or cannot use its settings. Look for "
    "`configuration.error` in its log. The message stays in the queue and is answered when the app takes it"
)


def send_test_mail(
    *,
    to: Annotated[str, typer.Option("--to", metavar="NAME", help="Under `recipients`; else those of OPS_EMAIL.")] = "",
    wait: Annotated[
        int, typer.Option("--wait", metavar="SECONDS", min=1, help="How long to wait for an answer.")
    ] = WAIT,
    account: Account = None,
    connection_string: ConnectionString = None,
    as_json: AsJson = False,
) -> None:
    """Have the app send a mail, and tell what came of it: the way that every mail goes, from the queue on.

    It counts in the allowance, before all others but critical ones.
    """
    with command_session(account, connection_string, as_json=as_json) as state:
        name = secrets.token_hex(8)
        with deadline(OPERATION_SECONDS):
            state.queue.send(_message(name, to, state.who()))
        say("Asked through the queue; waiting for the app.")
        answer = _answer(state, name, wait)
        if as_json:
            put_json(answer_json(name, answer))
        elif answer is None:
            say(f"error: {NO_ANSWER}.")
        else:
            words = {"done": "accepted by the mail service", "failed": "refused", "deferred": "waits"}[answer.outcome]
            when = f"{answer.at:%Y-%m-%d %H:%M:%S} UTC"
            told = f"{words} at {when}, version {answer.version}: {answer.reason}"
            console().print(plain(told), soft_wrap=True)
            if answer.outcome == "done":
                say("Accepted is not arrived: look into the mailbox, and its junk folder.")
    raise typer.Exit(DONE if answer and answer.outcome == "done" else NOT_ALL)


def answer_json(name: str, answer: Answer | None) -> dict[str, object]:
    """Return the answer for scripts; the keys are told in docs/ops.md and stay."""
    return {
        "id": name,
        "outcome": answer.outcome if answer else None,
        "reason": answer.reason if answer else NO_ANSWER,
        "at": answer.at.isoformat() if answer else None,
        "version": answer.version if answer else None,
    }


def _message(name: str, to: str, by: str) -> bytes:
    told = {"id": name, "eventType": TEST_MAIL, "topic": "ops", "subject": "test mail"}
    return wrap({**told, "data": {"id": name, "to": to, "by": by[:200]}}).encode()


def _answer(state: State, name: str, wait: int) -> Answer | None:
    """Ask until there is a final answer, or the time is over; then the last one counts."""
    answer = None
    for _ in range(max(1, round(wait / ASK))):
        with deadline(OPERATION_SECONDS):
            rows = state.store.query(MAILS, [probe_key(name)]).rows
        answer = read_answer(rows[0]) if rows else None
        if answer is not None and answer.final:
            return answer
        time.sleep(ASK)
    return answer
