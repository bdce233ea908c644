"""Mails as people see them (golden files), and that no field of an event can change what they are."""

import unicodedata
from dataclasses import asdict
from html.parser import HTMLParser
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.mail import TEXT_WIDTH, Content, render, studio_link
from shared.mail.links import https_link
from shared.mail.wording import line, lines
from shared.notices import Measurement, Notice

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
MONITOR = msgspec.structs.replace(
    BARE,
    kind="monitor-failed",
    headline="Model monitor failed: churn-monitor",
    cause="The model monitor could not run: DataNotFoundError\nLook whether data collection is on.",
)
DRIFT = msgspec.structs.replace(
    BESIDE,
    kind="data-drift",
    headline="Drift: data_drift of churn-monitor",
    status="Threshold breached",
    measurements=(
        Measurement(metric="NormalizedWassersteinDistance", feature="monthly_charges", value=0.33, threshold=0.2),
        Measurement(metric="PopulationStabilityIndex", feature="tenure", value=0.4099999, threshold=0.2),
        Measurement(metric="Custom", value=-1.2345678e-05),
        Measurement(metric="NullValueRate", feature="tenure", value=0.01, threshold=0.05, better=True),
    ),
    more_measurements=3,
)
BETTER = msgspec.structs.replace(
    DRIFT,
    headline="Better than the threshold: model_performance of churn-monitor",
    status="On the good side",
    cause="Azure ML tells this as a breach, but Accuracy 0.93 is on the good side of 0.9. No job was started.",
    job="",
    measurements=(Measurement(metric="Accuracy", value=0.93, threshold=0.9, better=True),),
    more_measurements=0,
)
MAILS = {
    "pipeline-failed": FULL,
    "pipeline-failed-bare": BARE,
    "plain": OTHER,
    "beside-a-job": BESIDE,
    "monitor-failed": MONITOR,
    "data-drift": DRIFT,
    "data-drift-better": BETTER,
}

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
NOTICES = st.builds(
    Notice,
    kind=st.one_of(st.sampled_from(["pipeline-failed", "data-drift", "../../secret", "layout"]), HOSTILE),
    headline=HOSTILE,
    workspace=st.one_of(HOSTILE, st.just(WORKSPACE)),
    experiment=HOSTILE,
    run=HOSTILE,
    status=HOSTILE,
    time=HOSTILE,
    reaction=HOSTILE,
    why=HOSTILE,
    cause=HOSTILE,
    measurements=st.lists(MEASUREMENTS, max_size=25).map(tuple),
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
    measured = tuple(msgspec.structs.replace(one, metric="x", feature="x") for one in notice.measurements)
    return msgspec.structs.replace(
        notice, **filled, tags=tags, cause=cause, studio=studio(notice), measurements=measured
    )


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
        measurements=(Measurement(metric=huge, feature=huge, value=-1.23456789e-300, threshold=0.1),) * 1000,
        tags={f"{number:05}" + '"' * 100: '"' * 1000 for number in range(10_000)},
        studio="https://ml.azure.com/" + "x" * 1_000_000,
        runbook="https://x.example/" + "x" * 1_000_000,
    )
    drift = len(render(msgspec.structs.replace(notice, kind="data-drift")).html.encode())
    assert drift < 102_000
    content = render(msgspec.structs.replace(notice, measurements=()))
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
    assert "nothing needs to be done" in render(BETTER).text
    untold = render(msgspec.structs.replace(DRIFT, measurements=(), more_measurements=0))
    assert "The event does not tell in what" in untold.text
    assert "Threshold</th>" not in untold.html


def test_twenty_measurements_are_shown() -> None:
    """The others are counted, with those that the ledger did not keep."""
    many = tuple(Measurement(metric=f"Metric{number}") for number in range(25))
    text = render(msgspec.structs.replace(DRIFT, measurements=many)).text
    assert ("Metric19" in text, "Metric20" in text, "and 8 more" in text) == (True, False, True)


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
