"""Every kind of mail in a real browser: as wide as the screen, legible in both modes, links where they say."""

import json
from collections.abc import Iterator
from html.parser import HTMLParser

import msgspec
import pytest

from local.browser import Browser, browser, executable
from local.mail_samples import MAILS
from local.mails import gallery
from shared.mail import render
from shared.mail.overrides import SAMPLES
from shared.notices import Notice

pytestmark = [
    pytest.mark.skipif(not executable(), reason="there is no Chromium on the PATH (apt-get install chromium)"),
    pytest.mark.xdist_group("browser"),
]

NARROW, WIDE = 380, 700
#: WCAG 2.2, level AA, for text of usual size; we ask it of headlines too.
CONTRAST = 4.5

#: Every piece of text that is seen, with its contrast to what is behind it: (L1 + 0.05) / (L2 + 0.05) of WCAG 2.2.
CONTRASTS = """
(() => {
  const parse = text => (text.match(/[\\d.]+/g) || []).map(Number);
  const channel = value => (value /= 255) <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4;
  const light = ([r, g, b]) => 0.2126 * channel(r) + 0.7152 * channel(g) + 0.0722 * channel(b);
  const behind = element => {
    for (; element; element = element.parentElement) {
      const colour = parse(getComputedStyle(element).backgroundColor);
      if (colour.length < 4 || colour[3] > 0) return colour;
    }
    return [255, 255, 255];
  };
  const found = [];
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const element = walker.currentNode.parentElement, text = walker.currentNode.data.trim();
    if (!text || text === "\\u00a0" || !element.checkVisibility()) continue;
    const [a, b] = [light(parse(getComputedStyle(element).color)), light(behind(element))];
    found.push([text.slice(0, 60), (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05)]);
  }
  return found;
})()
"""
WIDEST = "Math.max(document.documentElement.scrollWidth, document.body.scrollWidth)"
#: What sticks out of the card, where the card itself hides it.
STICKING_OUT = """
[...document.querySelectorAll(".card *")].filter(element => element.checkVisibility() &&
  element.getBoundingClientRect().right > document.querySelector(".card").getBoundingClientRect().right + 1)
  .map(element => element.outerHTML.slice(0, 200))
"""
LINKS = "[...document.querySelectorAll('a')].map(link => [link.innerText.trim(), link.href])"


class Anchors(HTMLParser):
    """Texts and addresses of links as the source has them."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.links: list[list[str]] = []
        self._open = False
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Keep the address."""
        if tag == "a":
            self._open = True
            self.links.append(["", dict(attrs)["href"] or ""])

    def handle_endtag(self, tag: str) -> None:
        """Keep no more text."""
        self._open = self._open and tag != "a"

    def handle_data(self, data: str) -> None:
        """Keep the text."""
        if self._open:
            self.links[-1][0] += data


@pytest.fixture(scope="module")
def page() -> Iterator[Browser]:
    """One browser for all."""
    with browser() as opened:
        yield opened


@pytest.mark.parametrize("name", MAILS)
@pytest.mark.parametrize("width", [NARROW, WIDE])
def test_a_mail_is_as_wide_as_the_screen(page: Browser, name: str, width: int) -> None:
    """Nobody scrolls sideways, and nothing is cut off."""
    page.show(render(MAILS[name]).html, width=width, dark=False)
    assert page.evaluate(WIDEST) == width
    assert page.evaluate(STICKING_OUT) == []


@pytest.mark.parametrize("sample", range(len(SAMPLES)))
def test_long_words_are_broken(page: Browser, sample: int) -> None:
    """Names of a thousand letters without a space stay on the screen."""
    letters = msgspec.json.decode(msgspec.json.encode(SAMPLES[sample]).replace(b'\\"', b"x"), type=Notice)
    page.show(render(letters).html, width=NARROW, dark=False)
    assert page.evaluate(WIDEST) == NARROW
    assert page.evaluate(STICKING_OUT) == []


@pytest.mark.parametrize("name", MAILS)
@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_text_is_legible(page: Browser, name: str, dark: bool) -> None:  # noqa: FBT001 - a parameter of the test
    """Each piece of it has a contrast of 4.5 to what is behind it, and the dark mail is dark."""
    content = render(MAILS[name])
    found = page.show(content.html, width=WIDE, dark=dark).evaluate(CONTRASTS)
    assert len(found) > 5
    assert [piece for piece in found if piece[1] < CONTRAST] == []
    ground = page.evaluate("getComputedStyle(document.querySelector('.card')).backgroundColor")
    assert (ground == "rgb(255, 255, 255)") != dark


@pytest.mark.parametrize("name", MAILS)
def test_links_lead_where_they_say(page: Browser, name: str) -> None:
    """What the browser makes of them is what stands there: https, on the studio's host or the runbook's."""
    content = render(MAILS[name])
    found = page.show(content.html, width=WIDE, dark=False).evaluate(LINKS)
    assert found == Anchors(content.html).links
    for label, link in found:
        assert link.startswith("https://wiki.example.com/" if label == "Open runbook" else "https://ml.azure.com/runs/")
        assert link in content.text


def test_the_gallery_shows_every_mail(page: Browser) -> None:
    """Twice, and as text."""
    page.show(gallery(), width=1800, dark=False)
    headings = page.evaluate("[...document.querySelectorAll('h2')].map(heading => heading.id)")
    assert headings == list(MAILS)
    assert page.evaluate("document.querySelectorAll('iframe').length") == 2 * len(MAILS)
    texts = json.loads(page.evaluate("JSON.stringify([...document.querySelectorAll('pre')].map(one => one.innerText))"))
    assert [text.strip() for text in texts] == [render(notice).text.strip() for notice in MAILS.values()]
