"""Threads: the mails of one incident belong together, whatever is lost, late or hostile."""

import re
from typing import Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from local.mail_samples import DRIFT, FAILED, REMINDER, RESOLVED
from shared.mail.threads import thread_headers
from shared.notices import Incident, Notice

SENDER = "reactor@contoso.com"
MESSAGE_ID = re.compile(r"<[0-9a-f]{32}@contoso\.com>")


def of(thread: str, stage: Literal["opened", "reminder", "resolved"] = "opened") -> Notice:
    """A notice of that thread."""
    return Notice(
        kind="pipeline-failed", headline="", workspace="", experiment="", run="", status="", time="", reaction="",
        incident=Incident(stage=stage, thread=thread),
    )  # fmt: skip


def test_all_mails_of_an_incident_name_the_same_message() -> None:
    """Which none of them is: the first may be lost, and a reminder may overtake it."""
    every = [thread_headers(one, sender=SENDER) for one in (FAILED, REMINDER, RESOLVED)]
    assert every[0] == every[1] == every[2]
    assert set(every[0]) == {"References", "In-Reply-To"}
    assert len(set(every[0].values())) == 1


def test_other_incidents_have_other_threads() -> None:
    """Also of the same pipeline, later."""
    assert thread_headers(of("a"), sender=SENDER) != thread_headers(of("b"), sender=SENDER)


@pytest.mark.parametrize("notice", [DRIFT, of("")])
def test_what_is_no_incident_has_no_thread(notice: Notice) -> None:
    """Nor has one without a name for it."""
    assert thread_headers(notice, sender=SENDER) == {}


@given(st.text(st.characters(exclude_categories=()), min_size=1))
def test_a_header_is_a_message_id_whatever_the_thread(thread: str) -> None:
    """One line, in the form of RFC 5322."""
    for value in thread_headers(of(thread), sender=SENDER).values():
        assert MESSAGE_ID.fullmatch(value)
