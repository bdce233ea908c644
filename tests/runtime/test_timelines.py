"""Hours and days of failing pipelines on the twin: the whole app, its queue and its table, while time is moved on."""

import base64
import json
from collections.abc import Iterator
from datetime import datetime, timedelta
from html.parser import HTMLParser
from typing import Any

import pytest

from local.azure.clock import now
from local.azure.communication import Mail
from local.azure.life import Pace
from local.twin import Twin, trouble
from shared.incidents import INTERVALS
from testkit.events import pipeline_failed

MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)
#: What a mail could be made to do by who names experiments and tags: new headers and recipients, markup, templates.
CORPUS = (
    "x\r\nBcc: eve@example.org",
    "<script>alert(1)</script>",
    '"><img src="https://eve.example.org/x.png">',
    "</td></tr></table><h1>Paid</h1>",
    "{{ 7*7 }}{% include '/etc/passwd' %}",
    "<a href='javascript:alert(1)'>here</a> https://eve.example.org/",
    "\u202egnp.exe\u2066\u200b\u2028\x85\x1b[31m",
    "ops@example.com, eve@example.org",
)


@pytest.fixture(scope="module")
def shared_twin() -> Iterator[Twin]:
    """Return the shipped app with the shipped reactions; a job takes no time to speak of."""
    with Twin() as twin:
        twin.workspace.life.pace = Pace(queued=timedelta(seconds=1), running=timedelta(seconds=1))
        yield twin


@pytest.fixture
def story(shared_twin: Twin) -> Iterator["Story"]:
    """Return a story after which nothing is wrong; what was mailed before it counts no more."""
    shared_twin.advance(2 * HOUR)
    yield Story(shared_twin)
    assert trouble(shared_twin) == []
    assert shared_twin.dead_letters() == {}


class Story:
    """What is mailed from here on."""

    def __init__(self, twin: Twin) -> None:
        self.twin = twin
        self._before = len(twin.azure.mailbox.mails)
        self._posts = len(twin.azure.journal.mails_posted())

    @property
    def mails(self) -> tuple[Mail, ...]:
        """The mails so far."""
        return self.twin.azure.mailbox.mails[self._before :]

    @property
    def posted(self) -> list[datetime]:
        """When each request to send one came."""
        return [entry.at for entry in self.twin.azure.journal.mails_posted()[self._posts :]]

    @property
    def heads(self) -> list[str]:
        """The first line of each mail: how the incident stands."""
        return [mail.text.partition("\n")[0].partition(":")[0] for mail in self.mails]

    def run(self, experiment: str, run: str, **how: Any) -> None:
        """Have a pipeline run, and what follows from it at once."""
        self.twin.workspace.run_pipeline(experiment, run, **{"steps": 1, **how})
        self.twin.due_handled()

    def passes(self, time: timedelta, *, step: timedelta = 10 * MINUTE) -> None:
        """Let time pass, and what is due on its way be handled when it is due."""
        ends = now() + time
        while (left := ends - now()) > timedelta():
            self.twin.advance(min(step, left))
            self.twin.due_handled()


class Tags(HTMLParser):
    """The tags of a page, in their order."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.found: list[str] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Keep it, with the names of its attributes."""
        self.found.append(f"{tag} {' '.join(name for name, _value in attrs)}")


def message(event: dict[str, Any]) -> str:
    """Return an event as Event Grid writes it into a queue."""
    return base64.b64encode(json.dumps(event).encode()).decode()


def test_a_failed_step_is_one_mail_that_names_it(story: Story) -> None:
    """Of twelve steps the third fails: nobody is told of the other nine, and the mail names step-03."""
    story.run("twelve-steps", "twelve-1", steps=12, fails_at=3)
    (mail,) = story.mails
    assert mail.subject == "[mlw-churn] Pipeline failed: twelve-steps"
    assert "The step step-03 failed first." in mail.text
    assert "The user process of step-03 exited with code 1." in mail.html


def test_fail_fail_succeed_is_two_mails_in_one_thread(story: Story) -> None:
    """The second failure is folded; "resolved" counts it, and has subject and references of the first mail."""
    story.run("thread", "thread-1", fails_at=1)
    story.passes(20 * MINUTE)
    story.run("thread", "thread-2", fails_at=1)
    story.passes(20 * MINUTE)
    story.run("thread", "thread-3")
    story.passes(30 * HOUR, step=2 * HOUR)
    assert story.heads == ["Pipeline failed", "Resolved"]
    first, second = story.mails
    assert first.subject == second.subject
    assert first.headers["References"] == second.headers["References"]
    assert "it had failed 2 times" in second.text


def test_a_day_of_a_pipeline_that_always_fails(story: Story) -> None:
    """Every hour for 30 hours: the first mail, then reminders 1 h, 4 h and 24 h after the one before."""
    for number in range(30):
        story.run("always", f"always-{number}", fails_at=1)
        story.passes(HOUR, step=HOUR)
    assert story.heads == ["Pipeline failed", *["Still failing"] * 3]
    after = [later - earlier for earlier, later in zip(story.posted, story.posted[1:], strict=False)]
    assert all(interval <= waited <= interval + HOUR for interval, waited in zip(INTERVALS, after, strict=True))


def test_five_hundred_failures_in_a_minute(story: Story) -> None:
    """Of 40 pipelines: 5 mails a minute and 10 an hour at most, and each pipeline stands in one of them."""
    for number in range(500):
        event = pipeline_failed(experiment=f"storm-{number % 40:02}", run=f"storm-run-{number}")
        story.twin.put(message({**event, "id": f"storm-{number}", "eventTime": now().isoformat()}))
    story.twin.due_handled()
    assert 1 <= len(story.mails) <= 5
    story.passes(2 * HOUR, step=5 * MINUTE)
    posts = story.posted
    assert max(sum(at <= one < at + MINUTE for one in posts) for at in posts) <= 5
    assert max(sum(at <= one < at + HOUR for one in posts) for at in posts) <= 10
    told = "".join(mail.text for mail in story.mails)
    assert [number for number in range(40) if f"storm-{number:02}" not in told] == []


def test_no_event_changes_what_a_mail_is(story: Story) -> None:
    """Its HTML has the tags of a harmless mail and no others; one recipient, and a subject of one line."""
    harmless = pipeline_failed(experiment="harmless", run="harmless", tags={"note": "harmless"})
    told = [pipeline_failed(experiment=text, run=f"hostile-{n}", tags={"note": text}) for n, text in enumerate(CORPUS)]
    for number, event in enumerate((harmless, *told)):
        story.twin.put(message({**event, "id": f"corpus-{number}", "eventTime": now().isoformat()}))
        story.twin.due_handled()
        story.passes(15 * MINUTE, step=15 * MINUTE)
    mails = [mail for mail in story.mails if "Pipeline failed" in mail.subject]
    assert len(mails) == len(CORPUS) + 1
    expected = Tags(mails[0].html).found
    assert {"script", "img"}.isdisjoint(tag.partition(" ")[0] for tag in expected)
    for mail in mails:
        assert Tags(mail.html).found == expected
        assert mail.to == ("ops@example.com",)
        assert mail.subject.isprintable()
