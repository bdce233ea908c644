"""A diagnosis in a mail: every fact is in the text and in the HTML, in its place, and made harmless like all else."""

import msgspec
import pytest

from shared.mail import render
from shared.mail.diagnosed import diagnosed
from shared.notices import Change, Diagnosis, Notice

FOUND = Diagnosis(
    step="s-3",
    step_name="train",
    code="UserError",
    error="Traceback:\n  KeyError: 'tenure'",
    started_by="reaction retrain",
    last_success="job-0",
    last_success_at="2026-11-23T05:10:00+00:00",
    changes=(Change(what="input data", before="churn:41", after="churn:42"),),
    inputs={"data": "churn:42"},
    unread=("last success: azure-ml 503",),
)
NOTICE = Notice(
    kind="pipeline-failed", headline="Pipeline failed: churn", workspace="mlw", experiment="churn", run="job-1",
    status="Failed", time="2026-11-24T05:00:00Z", reaction="mail-ops", diagnosis=FOUND,
)  # fmt: skip


def test_every_fact_has_a_line() -> None:
    """With its name."""
    assert diagnosed(FOUND) == [
        ("Failed step", "train (s-3)"),
        ("Error code", "UserError"),
        ("Started by", "reaction retrain"),
        ("Last good", "job-0 at 23 Nov 2026, 05:10:00 UTC"),
        ("Changed", "input data: churn:41 → churn:42"),
        ("Input", "data: churn:42"),
        ("Not read", "last success: azure-ml 503"),
    ]


@pytest.mark.parametrize("found", [None, Diagnosis()])
def test_nothing_found_is_no_line(found: Diagnosis | None) -> None:
    """And the mail is the same as without."""
    assert diagnosed(found) == []
    bare = msgspec.structs.replace(NOTICE, diagnosis=None)
    assert render(msgspec.structs.replace(NOTICE, diagnosis=found)) == render(bare)


def test_that_nothing_changed_is_told_only_where_it_is_known() -> None:
    """Not where something could not be read."""
    same = msgspec.structs.replace(FOUND, changes=(), unread=())
    assert ("Changed", "nothing that Azure ML tells") in diagnosed(same)
    assert "Changed" not in dict(diagnosed(msgspec.structs.replace(same, unread=("what changed: x",))))
    assert "Changed" not in dict(diagnosed(msgspec.structs.replace(same, last_success="")))


def test_text_and_html_say_the_same() -> None:
    """The error is the cause; after one that the event tells."""
    mail = render(msgspec.structs.replace(NOTICE, cause="The model monitor could not run"))
    for words in ("train (s-3)", "churn:41 → churn:42", "last success: azure-ml 503", "could not run"):
        assert words in mail.text
        assert words in mail.html
    assert mail.text.index("could not run") < mail.text.index("KeyError: 'tenure'")
    assert "KeyError: &#39;tenure&#39;" in mail.html


def test_markup_in_it_is_text() -> None:
    """Wherever it stands."""
    evil = "<script>alert(1)</script>\r\nBcc: x@y"
    found = Diagnosis(
        step=evil, step_name=evil, code=evil, error=evil, started_by=evil, last_success=evil, last_success_at=evil,
        changes=(Change(what=evil, before=evil, after=evil),), inputs={evil: evil}, unread=(evil,),
    )  # fmt: skip
    mail = render(msgspec.structs.replace(NOTICE, diagnosis=found))
    assert "<script" not in mail.html
    assert "Bcc" not in mail.subject
    assert all(not line.startswith("Bcc") for line in mail.text.splitlines())
