"""Words and links of a mail: what is shown, what is replaced, what is left out."""

from urllib.parse import parse_qs, unquote, urlsplit

import msgspec
import pytest

from shared.mail import render, studio_link
from shared.mail.links import https_link
from shared.mail.wording import line, lines, moment
from shared.notices import Notice

WORKSPACE = (
    "/subscriptions/00000000-0000-0000-0000-000000000000/resourceGroups/rg-mlops"
    "/providers/Microsoft.MachineLearningServices/workspaces/mlw-demo"
)


def test_studio_link_is_quoted() -> None:
    """Ids cannot leave their place in the address."""
    parts = urlsplit(studio_link(WORKSPACE, "a/../b?wsid=x#y\r\n"))
    assert (parts.scheme, parts.netloc, parts.fragment) == ("https", "ml.azure.com", "")
    assert unquote(parts.path) == "/runs/a/../b?wsid=x#y\r\n"
    assert parts.path.count("/") == 2
    assert parse_qs(parts.query) == {"wsid": [WORKSPACE]}


@pytest.mark.parametrize(
    "link",
    [
        "",
        "javascript:alert(1)",
        "http://ml.azure.com/runs/x",
        "HTTPS://ml.azure.com/runs/x",
        "https://ml.azure.com.evil.example/",
        "https://evil.example/ml.azure.com",
        "https://ml.azure.com@evil.example/",
        "https://user:word@ml.azure.com/",
        "https://ml.azure.com:8443/",
        "https://ml.azure.com:x/",
        "https://ml.azure.com\\@evil.example/",
        "https://ml.azure.com/\nBcc: x",
        "https://ml.azure.com/\u202e",
        'https://ml.azure.com/"onclick="x',
        "https://ml.azure.com/ x",
        "https://ml。azure。com/",
        "https://",
        "https://[::1]/",
        "https://[/",
        "//ml.azure.com/",
        "data:text/html,x",
    ],
)
def test_links_that_are_left_out(link: str) -> None:
    """What is not https on the studio's host is no studio link, and leaves no trace in the mail."""
    notice = Notice(
        kind="pipeline-failed",
        headline="h",
        workspace="mlw-demo",
        experiment="e",
        run="r",
        status="s",
        time="t",
        reaction="x",
        studio=link,
    )
    assert https_link(link, host="ml.azure.com") == ""
    assert "<a " not in render(notice).html
    assert render(notice) == render(msgspec.structs.replace(notice, studio=""))


@pytest.mark.parametrize("link", ["http://x.example/", "javascript:x", "https://a b/", "https://u@x.example/", "x"])
def test_runbooks_that_are_left_out(link: str) -> None:
    """A runbook is any https address, and nothing else."""
    assert https_link(link) == ""
    assert https_link("https://x.example:443/a?b=(c)#d") == "https://x.example:443/a?b=(c)#d"


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("2026-11-20T05:00:00.0000000Z", "20 Nov 2026, 05:00:00 UTC"),
        ("2026-11-20T05:00:00+01:00", "20 Nov 2026, 04:00:00 UTC"),
        ("2026-11-20 05:00:00", "20 Nov 2026, 05:00:00 UTC"),
        ("0001-01-01T00:00:00+14:00", "0001-01-01T00:00:00+14:00"),
        ("yesterday\r\nBcc: x", "yesterday Bcc: x"),
        ("", ""),
    ],
)
def test_times(text: str, written: str) -> None:
    """A time is written for people, in UTC; what is none is shown as it is, in one line."""
    assert moment(text) == written


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", ()),
        (" \n \r\n", ()),
        ("a\r\nb\rc\x85d\u2028e", ("a", "b", "c", "and 2 more lines")),
        ("a\n\n\tb", ("a", "", "    b")),
        ("abcdefghijklmnopqrstuvwxyz", ("abcdefghijklmnopqrs…",)),
        ("a\u202eb", ("a\ufffdb",)),
    ],
)
def test_lines(text: str, expected: tuple[str, ...]) -> None:
    """Several lines keep their ends and indents, are cut where they are too long, and say how many are left out."""
    assert lines(text, limit=3, width=20) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (" a\t\r\n b\u00a0c ", "a b c"),
        ("a\0b\u202ec\ud800", "a\ufffdb\ufffdc\ufffd"),
        ("0123456789", "0123456789"),
        ("01234567890", "012345678…"),
        (" " * 1000 + "x", "x"),
        ("Grüße 漢字 🙂", "Grüße 漢字 🙂"),
    ],
)
def test_line(text: str, expected: str) -> None:
    """One line of visible characters, cut with an ellipsis; letters of all languages stay."""
    assert line(text, 10) == expected
