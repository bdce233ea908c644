"""Deliveries of the local Event Grid that fail: the schedule, and the dead letter in the end."""

import json
from collections.abc import Iterator
from itertools import pairwise

import pytest

from local.azure import StandIn
from tests.fakes.azure import SCALE, stand_in
from tests.fakes.listener import Listener, an_event


@pytest.fixture
def azure(monkeypatch: pytest.MonkeyPatch) -> Iterator[StandIn]:
    """A stand-in whose day takes ten seconds, and whose receivers have a second to answer."""
    with stand_in(monkeypatch, patience=1.0, scale=8640) as running:
        yield running


def test_a_failed_delivery_is_repeated_on_the_schedule(monkeypatch: pytest.MonkeyPatch) -> None:
    """Four attempts that count up, 10 s, 30 s and, after a 404, 5 min apart."""
    listener = Listener(500, 500, 404)
    with stand_in(monkeypatch) as azure:
        azure.event_grid.subscribe("outcomes", listener.url)
        azure.event_grid.publish(an_event("one"))
        assert azure.wait_until_idle(10)
        sends = azure.event_grid.deliveries
        assert azure.event_grid.pending == azure.pending == 0
    listener.close()
    assert [headers["aeg-delivery-count"] for headers, _ in listener.received] == ["0", "1", "2", "3"]
    assert [send.status for send in sends] == [500, 500, 404, 200]
    waits = [(later.at - earlier.at).total_seconds() * SCALE for earlier, later in pairwise(sends)]
    assert all(wait >= least for wait, least in zip(waits, (10, 30, 300), strict=True))


def test_no_answer_in_time_is_a_failed_delivery(azure: StandIn) -> None:
    """The event comes again, although the receiver may have it."""
    listener = Listener(0)
    azure.event_grid.subscribe("outcomes", listener.url)
    azure.event_grid.publish(an_event("one"))
    assert azure.wait_until_idle(10)
    listener.close()
    assert [send.status for send in azure.event_grid.deliveries] == [0, 200]
    assert len(listener.received) == 2


@pytest.mark.parametrize("status", [400, 401, 403, 413])
def test_some_answers_are_never_repeated(azure: StandIn, status: int) -> None:
    """One attempt, and the dead letter five minutes later, named and shaped as documented."""
    listener = Listener(status)
    letters: list[tuple[str, bytes]] = []
    azure.event_grid.subscribe("outcomes", listener.url, dead_letter=lambda *letter: letters.append(letter))
    azure.event_grid.publish(an_event("one"))
    assert azure.wait_until_idle(10)
    listener.close()
    assert len(listener.received) == 1
    ((name, content),) = letters
    subscription, *date, blob = name.split("/")
    assert subscription == "OUTCOMES"
    assert date == [str(int(part)) for part in date]
    assert len(date) == 4
    assert blob.endswith(".json")
    (letter,) = json.loads(content)
    assert (letter["id"], letter["deliveryAttempts"]) == ("one", 1)
    assert {"deadLetterReason", "lastDeliveryOutcome", "publishTime", "lastDeliveryAttemptTime"} <= {*letter}


def test_after_a_day_an_event_is_a_dead_letter(monkeypatch: pytest.MonkeyPatch) -> None:
    """Eleven attempts fit on the schedule where they are quick; a CloudEvent has its facts in lower case."""
    listener = Listener(*[503] * 40)
    letters: list[bytes] = []
    with stand_in(monkeypatch, scale=86_400) as azure:
        azure.event_grid.subscribe(
            "outcomes", listener.url, schema="cloudevents", dead_letter=lambda _, content: letters.append(content)
        )
        azure.event_grid.publish(an_event("one"))
        assert azure.wait_until_idle(20)
    listener.close()
    (letter,) = json.loads(letters[0])
    assert letter["deadletterreason"] == "TimeToLiveExceeded"
    assert letter["lastdeliveryoutcome"] == "ServiceUnavailable"
    assert 8 <= letter["deliveryattempts"] == len(listener.received) <= 11
