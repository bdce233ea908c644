"""Mails as people see them (golden files), and that no field of an event can change what they are."""

import re
import unicodedata
from dataclasses import asdict
from html.parser import HTMLParser
from pathlib import Path
from typing import Any, Literal

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from local.mail_samples import (
    BARE,
    BETTER,
    DRIFT,
    FAILED,
    MAILS,
    MONITOR,
    REGISTERED,
    REMINDER,
    RESOLVED,
    UNREAD,
    WORKSPACE,
)  # fmt: skip
from shared.mail import TEXT_WIDTH, Content, render, studio_link
from shared.mail.kinds import KINDS
from shared.mail.links import https_link
from shared.mail.overrides import SAMPLES
from shared.mail.view import view
from shared.mail.wording import line, lines
from shared.notices import Change, Diagnosis, DigestEntry, Incident, Measurement, Notice

#: One mail with nearly everything, and one with what that does not have; the text is kept of all.
HTML = {"pipeline-failed", "data-drift"}
STUDIO = studio_link(WORKSPACE, FAILED.run)
TITLES = {
    "Error", "Cause", "Changed since the last success", "The run", "The event", "The digest", "This mail",
    "Inputs", "Tags", "Failed runs, newest first", "Could not be read", "What to do next", "On the command line",
}  # fmt: skip
GOLDEN = Path(__file__).parent / "golden"

#: Every character there is, lone surrogates too, with the dangerous ones more often.
HOSTILE = st.one_of(
    st.text(st.characters(exclude_categories=())),
    st.lists(
        st.sampled_from(
            ["\r\nBcc: x@y.z", "\n\n", "<script>alert(1)</script>", '"><a href="https://x.y">', "{{ 7*7 }}", "{% x %}",
             "\u202e", "\u2066", "\u200b", "\u2028", "\x85", "\0", "\x1b[31m", "\ud800", "&#13;", "<!--", "-->", "]]>",
             "</td></tr></table>", "javascript:alert(1)", "https://ml.azure.com/", "%0d%0a", "'", "\u00a0", "é", "漢"]
        )
    ).map("".join),
)  # fmt: skip
MEASUREMENTS = st.builds(
    Measurement,
    metric=HOSTILE,
    feature=HOSTILE,
    value=st.one_of(st.none(), st.floats(allow_nan=False, allow_infinity=False)),
    threshold=st.one_of(st.none(), st.floats(allow_nan=False, allow_infinity=False)),
    better=st.booleans(),
)
DIAGNOSES = st.builds(
    Diagnosis,
    step=HOSTILE,
    step_name=HOSTILE,
    code=HOSTILE,
    error=HOSTILE,
    started_by=HOSTILE,
    last_success=HOSTILE,
    last_success_at=HOSTILE,
    changes=st.lists(st.builds(Change, what=HOSTILE, before=HOSTILE, after=HOSTILE), max_size=3).map(tuple),
    inputs=st.dictionaries(HOSTILE, HOSTILE, max_size=15),
    unread=st.lists(HOSTILE, max_size=3).map(tuple),
)
INCIDENTS = st.builds(
    Incident,
    stage=st.sampled_from(["opened", "reminder", "resolved"]),
    thread=HOSTILE,
    failures=st.integers(1, 5),
    since=HOSTILE,
    runs=st.lists(HOSTILE, max_size=3).map(tuple),
    until=HOSTILE,
)
ENTRIES = st.builds(
    DigestEntry,
    subject=HOSTILE,
    headline=HOSTILE,
    failures=st.integers(1, 5),
    since=HOSTILE,
    run=HOSTILE,
    workspace=st.one_of(HOSTILE, st.just(WORKSPACE)),
)
NOTICES = st.builds(
    Notice,
    kind=st.one_of(st.sampled_from([*KINDS, "../../secret", "mail", "_look"]), HOSTILE),
    headline=HOSTILE,
    workspace=st.one_of(HOSTILE, st.just(WORKSPACE)),
    experiment=HOSTILE,
    run=HOSTILE,
    status=HOSTILE,
    time=HOSTILE,
    reaction=HOSTILE,
    job=HOSTILE,
    why=HOSTILE,
    cause=HOSTILE,
    measurements=st.lists(MEASUREMENTS, max_size=4).map(tuple),
    tags=st.dictionaries(HOSTILE, HOSTILE, max_size=15),
    studio=st.one_of(HOSTILE, st.just(STUDIO)),
    runbook=st.one_of(HOSTILE, st.just(FAILED.runbook)),
    diagnosis=st.one_of(st.none(), DIAGNOSES),
    incident=st.one_of(st.none(), INCIDENTS),
    entries=st.lists(ENTRIES, max_size=3).map(tuple),
)


class Structure(HTMLParser):
    """Everything of a document but its text: tags with attributes, comments, declarations; the text apart."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.parts: list[object] = []
        self.text: list[str] = []
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Keep the tag."""
        self.parts.append((tag, attrs))

    def handle_endtag(self, tag: str) -> None:
        """Keep the end."""
        self.parts.append(tag)

    def handle_comment(self, data: str) -> None:
        """Keep the comment."""
        self.parts.append(("comment", data))

    def handle_decl(self, decl: str) -> None:
        """Keep the declaration."""
        self.parts.append(("declaration", decl))

    def handle_pi(self, data: str) -> None:
        """Keep the instruction."""
        self.parts.append(("instruction", data))

    def unknown_decl(self, data: str) -> None:
        """Keep the declaration."""
        self.parts.append(("unknown", data))

    def handle_data(self, data: str) -> None:
        """Keep the text, that of style sheets and the document's title apart."""
        if self.lasttag not in {"style", "title"}:
            self.text.append(data)

    def links(self) -> list[str]:
        """Addresses in the order they come."""
        tags = [part for part in self.parts if isinstance(part, tuple) and part[0] == "a"]
        return [dict(attributes)["href"] for _, attributes in tags]


def twin[T: msgspec.Struct](notice: T) -> T:
    """Harmless facts that fill the same places."""
    return msgspec.structs.replace(
        notice, **{name: _twin(name, getattr(notice, name)) for name in notice.__struct_fields__}
    )


def _twin(name: str, value: Any) -> Any:  # noqa: PLR0911 - a case for each type
    match value:
        case msgspec.Struct():
            return twin(value)
        case tuple():
            return tuple(_twin(name, one) for one in value)
        case dict():
            return {f"{number:05}": "x" if shown(one) else "" for number, one in enumerate(value.values())}
        case str() if name in {"kind", "stage", "studio", "runbook", "run", "job", "step", "last_success"}:
            return value  # links are made of them; what stands in those is looked at by itself
        case str() if name == "workspace":
            return value if value == WORKSPACE else "x" if shown(value.rstrip("/").rpartition("/")[2]) else ""
        case str() if name in {"cause", "error"}:
            return "\n".join(name for _ in value.strip() and lines(value, limit=1000, width=9))
        case str():
            return "x" if shown(value) else ""
    return value


def links(notice: Notice) -> list[str]:
    """Every link that a mail of *notice* may have."""
    runs = [notice.run, notice.job]
    runs += [notice.diagnosis.step, notice.diagnosis.last_success] if notice.diagnosis else []
    pages = [studio_link(WORKSPACE, run) for run in runs if run and notice.workspace == WORKSPACE]
    pages += [studio_link(WORKSPACE, one.run) for one in notice.entries if one.run and one.workspace == WORKSPACE]
    return [
        link
        for link in (
            https_link(notice.runbook),
            *(https_link(page, host="ml.azure.com") for page in (notice.studio, *pages)),
        )
        if link
    ]


def shown(text: str) -> str:
    """What is left of a field in one line."""
    return line(text, 1000)


def golden(name: str, content: Content) -> dict[Path, bytes]:
    """The files a mail is kept in."""
    text = f"Subject: {content.subject}\n\n{content.text}"
    html = {GOLDEN / f"{name}.html": content.html.encode()} if name in HTML else {}
    return {**html, GOLDEN / f"{name}.txt": text.encode()}


@pytest.mark.parametrize("name", MAILS)
def test_golden(name: str) -> None:
    """Mails look as they were agreed; renew with `python -m tests.unit.test_mail_rendering` and look at them."""
    for path, content in golden(name, render(MAILS[name])).items():
        assert path.read_bytes() == content, f"{path.name} differs"


def test_no_golden_file_is_left_over() -> None:
    """Every golden file belongs to a mail."""
    expected = {path for name, notice in MAILS.items() for path in golden(name, render(notice))}
    assert {path for path in GOLDEN.iterdir() if path.is_file()} == expected


def test_same_notice_same_bytes() -> None:
    """The order in which tags were told does not matter, nor how often a notice is rendered."""
    turned = msgspec.structs.replace(FAILED, tags=dict(sorted(FAILED.tags.items(), reverse=True)))
    assert asdict(render(FAILED)) == asdict(render(FAILED)) == asdict(render(turned))


def test_subject() -> None:
    """Where, what, which: in one line."""
    assert render(BARE).subject == "[mlw-prod] Pipeline failed: nightly-scoring (run calm_parrot_8fk2)"
    assert render(UNREAD).subject == "[mlw-prod] Job failed: nightly-scoring (run calm_parrot_8fk2)"
    assert render(REGISTERED).subject == "[mlw-prod] Model registered: churn:7"


def test_an_incident_has_one_subject() -> None:
    """Opened, reminded and resolved: without run and time, which would tear the thread; the stage is in the mail."""
    subjects = {render(one).subject for one in (FAILED, REMINDER, RESOLVED)}
    assert subjects == {"[mlw-prod] Pipeline failed: credit-training"}
    assert [render(one).text.splitlines()[0] for one in (FAILED, REMINDER, RESOLVED)] == [
        "Pipeline failed: credit-training",
        "Still failing: credit-training",
        "Resolved: credit-training",
    ]


def test_a_resolved_incident_asks_nothing_of_anybody() -> None:
    """No error, nothing to do next, and nothing to be silenced."""
    told = " ".join(render(msgspec.structs.replace(RESOLVED, diagnosis=FAILED.diagnosis)).text.split())
    assert "It has succeeded again. Before that it had failed 4 times since 20 Nov 2026, 05:00:00 UTC." in told
    for words in ("What to do next", "silence", "Changed since", "Open failed step", "FileNotFoundError"):
        assert words not in told


@pytest.mark.parametrize("stage", ["opened", "reminder"])
def test_a_failure_names_the_step(stage: Literal["opened", "reminder"]) -> None:
    """In the first sentence, whether or not its error could be read."""
    assert FAILED.diagnosis
    assert FAILED.incident
    silent = msgspec.structs.replace(FAILED.diagnosis, error="", step_name="prepare")
    incident = msgspec.structs.replace(FAILED.incident, stage=stage)
    for found in (FAILED.diagnosis, silent):
        told = render(msgspec.structs.replace(FAILED, diagnosis=found, incident=incident))
        assert "The step prepare failed first." in " ".join(told.text.split())
        assert "UserError" in told.text


def test_what_could_not_be_read_is_said() -> None:
    """With the reason: nobody takes it for nothing."""
    assert (
        "Could not be read\n-----------------\n  - the run's steps: http 403 AuthorizationFailed\n"
        in render(UNREAD).text
    )


@pytest.mark.parametrize("name", MAILS)
def test_text_and_html_say_the_same(name: str) -> None:
    """Every piece of the HTML is in the text, and every word of the text in the HTML."""
    content = render(MAILS[name])
    html = Structure(content.html)
    text = squeezed(content.text)
    preview = str(view(MAILS[name], KINDS[MAILS[name].kind])["preview"])
    for piece in html.text:
        assert squeezed(piece) in text or piece == preview or piece.strip() in {"Metric", "Value", "Threshold"}, piece
    every = squeezed(" ".join((*html.text, *html.links(), "Sent by", "threshold")))
    for word in content.text.split():
        assert squeezed(word.strip(":,")) in every, word


def squeezed(text: str) -> str:
    """*text* without white space and the marks that are of the text alone."""
    return re.sub(r"[\s|*()=,\u2013\u00b7-]|(?<=\d)\.(?=$)", "", text).casefold()


def test_a_mail_beside_a_job_leads_to_it() -> None:
    """By its name, and a link to its page in studio."""
    content = render(UNREAD)
    for text in (content.text, content.html):
        assert "rescore-9a59f9f8d0aa" in text
    assert studio_link(WORKSPACE, UNREAD.job) in content.text


@settings(max_examples=150)
@given(NOTICES)
def test_a_field_cannot_change_the_html(notice: Notice) -> None:
    """Tags, attributes, comments and links are the template's, whatever the fields hold."""
    structure = Structure(render(notice).html)
    assert structure.parts == Structure(render(twin(notice)).html).parts
    assert set(structure.links()) <= set(links(notice))


@settings(max_examples=150)
@given(NOTICES)
def test_a_field_cannot_change_the_lines(notice: Notice) -> None:
    """The subject is one line of at most 200 characters; the text keeps its sections and its width."""
    content = render(notice)
    assert 0 < len(content.subject) <= 200
    assert content.subject.isprintable()
    for part in content.text.splitlines():
        assert len(part) <= TEXT_WIDTH or part.strip().removeprefix("Open run: ") in links(notice)
    titles = [part for part in content.text.splitlines() if part in TITLES]
    assert titles == [part for part in render(twin(notice)).text.splitlines() if part in TITLES]


@given(NOTICES)
def test_no_invisible_character_is_left(notice: Notice) -> None:
    """Control, bidirectional, zero-width and surrogate characters reach neither subject nor bodies."""
    for part in asdict(render(notice)).values():
        left = {c for c in part if unicodedata.category(c)[0] == "C" or unicodedata.category(c) in {"Zl", "Zp"}}
        assert left <= {"\n"}
        assert part.encode()


@given(NOTICES)
def test_any_notice_is_rendered_the_same_again(notice: Notice) -> None:
    """Same notice, same bytes."""
    assert render(notice) == render(notice)


def test_an_event_writes_no_commands() -> None:
    """A name that a shell would make something of leaves a place to fill in; it would be copied and run."""
    for name in ("$(curl evil.example)", "`id`", "a; b", "--all", "a\nb", "it's"):
        told = render(msgspec.structs.replace(FAILED, experiment=name, run=name)).text
        commands = [part for part in told.splitlines() if part.startswith("  python -m ops")]
        assert commands == [
            "  python -m ops silence <experiment> --until <date>",
            "  python -m ops pause mail-ops",
            "  python -m ops why <run>",
        ]


def test_a_cause_cannot_pretend_to_be_a_section() -> None:
    """In the text, lines of the cause are marked as such."""
    notice = msgspec.structs.replace(
        FAILED, cause="x\n\nWhat to do next\n---------------\n1. Open https://evil.example"
    )
    text = render(notice).text
    assert text.splitlines().count("What to do next") == 1
    assert "  | 1. Open https://evil.example" in text
    assert "https://evil.example" not in Structure(render(notice).html).links()


@pytest.mark.parametrize("sample", SAMPLES)
@pytest.mark.parametrize("kind", [*KINDS, "of-tomorrow"])
def test_no_mail_is_clipped(kind: str, sample: Notice) -> None:
    """Fields as long as can be, and more of everything than is shown: Gmail would clip 102 kB."""
    for stage in ("opened", "reminder", "resolved"):
        notice = msgspec.structs.replace(sample, kind=kind)
        if sample.incident:
            notice = msgspec.structs.replace(notice, incident=msgspec.structs.replace(sample.incident, stage=stage))
        content = render(notice)
        assert len(content.html.encode()) < 102_000
        assert len(content.subject) <= 200


def test_what_is_not_shown_is_counted() -> None:
    """Lines, tags, measurements and failures, also where a large mail shows fewer."""
    huge = '"' * 1_000_000
    notice = msgspec.structs.replace(
        FAILED,
        diagnosis=None,
        cause="\n".join([huge] + ['"' * 900] * 9_999),
        tags={f"{number:05}" + '"' * 100: '"' * 1000 for number in range(10_000)},
    )
    text = " ".join(render(notice).text.split())
    assert "and 9970 more lines" in text
    assert "and 9988 more tags" in text
    text = " ".join(render(msgspec.structs.replace(SAMPLES[-1], more_entries=5)).text.split())
    shown = text.count("Unnamed") + text.count('* "')
    assert f"and {105 - shown} more" in text


@pytest.mark.parametrize(
    ("tags", "left_out", "told"),
    [
        (12, 0, ""),
        (13, 0, "and 1 more tag"),
        (12, 3, "and 3 more tags"),
        (14, 3, "and 5 more tags"),
        (0, 1, "1 tag, too large to be shown"),
        (0, 7, "7 tags, too large to be shown"),
    ],
)
def test_tags_that_are_not_shown_are_counted(tags: int, left_out: int, told: str) -> None:
    """Those past the limit of the mail, and those that the ledger did not keep."""
    shown = {f"tag-{number:02}": "x" for number in range(tags)}
    content = render(msgspec.structs.replace(FAILED, tags=shown, more_tags=left_out))
    text = " ".join(content.text.split())
    for place in (text, content.html):
        assert told in place
        assert ("more tag" in place) == ("more" in told)
        assert ("too large" in place) == ("too large" in told)
    assert text.count("Tags ") == 1


def test_drift_is_told_feature_by_feature() -> None:
    """What is bad in bold, what is not told with a dash, what is left out counted; in text a line for each."""
    content = render(DRIFT)
    assert "  - tenure: PopulationStabilityIndex 0.41 (threshold 0.2)\n" in content.text
    assert "  - Custom -1.23457e-05\n" in content.text
    assert "  - tenure: NullValueRate 0.01 (threshold 0.05), on the good side\n" in content.text
    for place in (content.text, content.html):
        assert "and 3 more" in place
        assert "beyond their thresholds" in place
    assert content.html.count('font-weight:700">0.41<') == 1
    assert content.html.count('font-weight:400">0.01<') == 1
    assert "nothing needs to be done" in " ".join(render(BETTER).text.split())
    untold = render(msgspec.structs.replace(DRIFT, measurements=(), more_measurements=0))
    assert "The event does not tell in what" in untold.text
    assert "Threshold</th>" not in untold.html


def test_twenty_measurements_are_shown() -> None:
    """The others are counted, with those that the ledger did not keep."""
    many = tuple(Measurement(metric=f"Metric{number}") for number in range(25))
    text = render(msgspec.structs.replace(DRIFT, measurements=many)).text
    assert ("Metric19" in text, "Metric20" in text, "and 8 more" in text) == (True, False, True)


def test_links() -> None:
    """To the step, the run, the runbook and the last success, each once in the HTML, and where they say."""
    assert FAILED.diagnosis
    runs = (FAILED.diagnosis.step, FAILED.run, FAILED.diagnosis.last_success)
    step, run, success = (studio_link(WORKSPACE, one) for one in runs)
    assert Structure(render(FAILED).html).links() == [step, run, FAILED.runbook, success]
    for link in (step, run, FAILED.runbook, success):
        assert (
            render(FAILED).text.splitlines().count(link) + render(FAILED).text.splitlines().count(" " * 16 + link) == 1
        )


def test_a_notice_that_names_run_and_workspace_needs_no_link() -> None:
    """The studio's page of a run follows from the workspace's ARM id and the run's id."""
    monitor = msgspec.structs.replace(MONITOR, studio=studio_link(WORKSPACE, MONITOR.run))
    assert render(monitor) == render(MONITOR)
    assert Structure(render(msgspec.structs.replace(MONITOR, run="")).html).links() == []


@given(HOSTILE, HOSTILE)
def test_any_studio_link_is_a_studio_link(workspace: str, run: str) -> None:
    """Whatever the ids, the link is https on the studio's host, or too long and left out."""
    link = studio_link(workspace, run)
    assert https_link(link, host="ml.azure.com") == ("" if len(link) > 2000 else link)


@pytest.mark.parametrize("name", MAILS)
def test_nothing_is_fetched(name: str) -> None:
    """No image, font, style sheet or script: opening a mail tells nobody."""
    html = render(MAILS[name]).html
    assert not re.search(r"<(img|link|script|iframe|object|embed|form|base)|url\(|@import|\ssrc=|background=", html)
    assert 'name="color-scheme" content="light dark"' in html
    assert "prefers-color-scheme: dark" in html


if __name__ == "__main__":
    for mail, told in MAILS.items():
        for file, current in golden(mail, render(told)).items():
            file.write_bytes(current)
