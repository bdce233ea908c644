"""Mails as people see them (golden files), and that no field of an event can change what they are."""

import unicodedata
from dataclasses import asdict
from html.parser import HTMLParser
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.actions import Notice
from shared.mail import TEXT_WIDTH, Content, render, studio_link
from shared.mail.links import https_link
from shared.mail.wording import line, lines

GOLDEN = Path(__file__).parent / "golden"
WORKSPACE = (
    "/subscriptions/00000000-0000-0000-0000-000000000000/resourceGroups/rg-mlops"
    "/providers/Microsoft.MachineLearningServices/workspaces/mlw-demo"
)
RUN = "train-credit-20261120-001"
FULL = Notice(
    kind="pipeline-failed",
    headline="Pipeline credit-training failed",
    workspace=WORKSPACE,
    experiment="credit-training",
    run=RUN,
    status="Failed",
    time="2026-11-20T05:00:00.0000000Z",
    reaction="mail-ops",
    cause=(
        "Step prepare (attempt 2 of 2) failed with exit code 1:\n"
        "Traceback (most recent call last):\n"
        '  File "prepare.py", line 88, in <module>\n'
        "    frame = load(arguments.data)\n"
        "FileNotFoundError: no partition for 2026-11-19 in azureml://datastores/curated/paths/credit"
    ),
    tags={"team": "risk", "critical": "true", "owner": "credit-scoring"},
    studio=studio_link(WORKSPACE, RUN),
    runbook="https://wiki.example.com/runbooks/credit-training",
)
BARE = Notice(
    kind="pipeline-failed",
    headline="Pipeline nightly-scoring failed",
    workspace="mlw-prod",
    experiment="nightly-scoring",
    run="calm_parrot_8fk2",
    status="Failed",
    time="",
    reaction="mail-ops",
)
OTHER = msgspec.structs.replace(
    FULL, kind="of-tomorrow", headline="Model credit:8 was registered", status="Registered", cause=""
)
BESIDE = msgspec.structs.replace(
    BARE,
    kind="job-failed",
    headline="Job failed: nightly-scoring",
    workspace=WORKSPACE,
    job="rescore-9a59f9f8d0aa",
    why="every condition holds, within the budget",
)
MAILS = {"pipeline-failed": FULL, "pipeline-failed-bare": BARE, "plain": OTHER, "beside-a-job": BESIDE}

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
NOTICES = st.builds(
    Notice,
    kind=st.one_of(st.sampled_from(["pipeline-failed", "../../secret", "layout"]), HOSTILE),
    headline=HOSTILE,
    workspace=st.one_of(HOSTILE, st.just(WORKSPACE)),
    experiment=HOSTILE,
    run=HOSTILE,
    status=HOSTILE,
    time=HOSTILE,
    reaction=HOSTILE,
    why=HOSTILE,
    cause=HOSTILE,
    tags=st.dictionaries(HOSTILE, HOSTILE, max_size=15),
    studio=st.one_of(HOSTILE, st.just(FULL.studio)),
    runbook=st.one_of(HOSTILE, st.just(FULL.runbook)),
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
        """Keep the text."""
        self.text.append(data)

    def links(self) -> list[str]:
        """Addresses in the order they come."""
        tags = [part for part in self.parts if isinstance(part, tuple) and part[0] == "a"]
        return [dict(attributes)["href"] for _, attributes in tags]


def twin(notice: Notice) -> Notice:
    """A harmless notice that fills the same places."""
    places = ("headline", "workspace", "experiment", "run", "status", "time", "reaction", "why")
    filled = {name: "x" if shown(getattr(notice, name)) else "" for name in places}
    filled["workspace"] = "x" if shown(notice.workspace.rstrip("/").rpartition("/")[2]) else ""
    tags = {f"{number:05}": "x" for number in range(len(notice.tags))}
    cause = "\n".join("x" for _ in notice.cause.strip() and lines(notice.cause, limit=1000, width=9))
    return msgspec.structs.replace(notice, **filled, tags=tags, cause=cause, studio=studio(notice))


def studio(notice: Notice) -> str:
    """The link to the studio that a mail of *notice* should have."""
    derived = studio_link(WORKSPACE, notice.run) if notice.workspace == WORKSPACE and notice.run else ""
    return https_link(notice.studio or derived, host="ml.azure.com")


def shown(text: str) -> str:
    """What is left of a field in one line."""
    return line(text, 1000)


def golden(name: str, content: Content) -> dict[Path, bytes]:
    """The files a mail is kept in."""
    text = f"Subject: {content.subject}\n\n{content.text}"
    return {GOLDEN / f"{name}.html": content.html.encode(), GOLDEN / f"{name}.txt": text.encode()}


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
    turned = msgspec.structs.replace(FULL, tags=dict(sorted(FULL.tags.items(), reverse=True)))
    assert asdict(render(FULL)) == asdict(render(FULL)) == asdict(render(turned))


def test_subject() -> None:
    """Where, what, which: in one line."""
    assert render(FULL).subject == f"[mlw-demo] Pipeline failed: credit-training (run {RUN})"
    assert render(OTHER).subject == f"[mlw-demo] Model credit:8 was registered: credit-training (run {RUN})"
    assert render(BESIDE).subject == "[mlw-demo] Job failed: nightly-scoring (run calm_parrot_8fk2)"


def test_a_mail_beside_a_job_leads_to_it() -> None:
    """By its name, and a link to its page in studio."""
    content = render(BESIDE)
    for text in (content.text, content.html):
        assert "rescore-9a59f9f8d0aa" in text
    assert studio_link(WORKSPACE, BESIDE.job) in content.text


@given(NOTICES)
def test_a_field_cannot_change_the_html(notice: Notice) -> None:
    """Tags, attributes, comments and links are the template's, whatever the fields hold."""
    structure = Structure(render(notice).html)
    assert structure.parts == Structure(render(twin(notice)).html).parts
    assert structure.links() == [link for link in (studio(notice), https_link(notice.runbook)) if link]


@given(NOTICES)
def test_a_field_cannot_change_the_lines(notice: Notice) -> None:
    """The subject is one line of at most 200 characters; the text keeps its sections and its width."""
    content = render(notice)
    assert 0 < len(content.subject) <= 200
    assert content.subject.isprintable()
    for part in content.text.splitlines():
        assert len(part) <= TEXT_WIDTH or part.strip() in {studio(notice), notice.runbook}
    titles = [part for part in content.text.splitlines() if part in {"Cause", "What to do next", "Subject:"}]
    assert titles == [part for part in render(twin(notice)).text.splitlines() if part in {"Cause", "What to do next"}]


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


def test_a_cause_cannot_pretend_to_be_a_section() -> None:
    """In the text, lines of the cause are marked as such."""
    notice = msgspec.structs.replace(FULL, cause="x\n\nWhat to do next\n---------------\n1. Open https://evil.example")
    text = render(notice).text
    assert text.splitlines().count("What to do next") == 1
    assert "  | 1. Open https://evil.example" in text
    assert "https://evil.example" not in Structure(render(notice).html).links()


def test_huge_fields_are_bounded() -> None:
    """10,000 tags and fields of a million characters make a mail that Gmail does not clip (102 kB)."""
    huge = '"' * 1_000_000
    notice = Notice(
        kind="pipeline-failed",
        headline=huge,
        workspace=huge,
        experiment=huge,
        run=huge,
        status=huge,
        time=huge,
        reaction=huge,
        cause="\n".join([huge] + ['"' * 900] * 9_999),
        tags={f"{number:05}" + '"' * 100: '"' * 1000 for number in range(10_000)},
        studio="https://ml.azure.com/" + "x" * 1_000_000,
        runbook="https://x.example/" + "x" * 1_000_000,
    )
    content = render(notice)
    assert len(content.html.encode()) < 102_000
    assert len(content.subject) == 200
    plain = render(msgspec.structs.replace(notice, kind="of-tomorrow")).subject
    assert len(plain) == 200
    assert plain.endswith("…")
    assert "and 9970 more lines" in content.text
    assert "and 9988 more tags" in " ".join(content.text.split())
    assert "and 9988 more tags" in content.html
    assert Structure(content.html).links() == []


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
    content = render(msgspec.structs.replace(FULL, tags=shown, more_tags=left_out))
    text = " ".join(content.text.split())
    for place in (text, content.html):
        assert told in place
        assert ("more tag" in place) == ("more" in told)
        assert ("too large" in place) == ("too large" in told)
    assert text.count("Tags ") == 1


def test_links() -> None:
    """Both links are there, each once in the HTML, and lead where they say."""
    html = Structure(render(FULL).html)
    assert html.links() == [FULL.studio, FULL.runbook]
    assert FULL.studio in render(FULL).text
    assert FULL.runbook in render(FULL).text


def test_a_notice_that_names_run_and_workspace_needs_no_link() -> None:
    """The studio's page of a run follows from the workspace's ARM id and the run's id."""
    assert render(msgspec.structs.replace(FULL, studio="")) == render(FULL)
    assert Structure(render(msgspec.structs.replace(FULL, studio="", run="")).html).links() == [FULL.runbook]


@given(HOSTILE, HOSTILE)
def test_any_studio_link_is_a_studio_link(workspace: str, run: str) -> None:
    """Whatever the ids, the link is https on the studio's host, or too long and left out."""
    link = studio_link(workspace, run)
    assert https_link(link, host="ml.azure.com") == ("" if len(link) > 2000 else link)


if __name__ == "__main__":
    for mail, told in MAILS.items():
        for file, current in golden(mail, render(told)).items():
            file.write_bytes(current)
