"""The bench plays: each contestant once, in its smallest form, on a stand-in that checks the published contracts."""

from contextlib import ExitStack

import pytest

from tests.bench.arena import Arena
from tests.bench.cold import WARM, Condition, cold_starts
from tests.bench.growth import EACH, ONE, growth
from tests.bench.peer_mails import PeerMails
from tests.bench.replays import recorded
from tests.bench.throughput import app_rate, floor_rate, peer_rate
from tests.bench.warm import WarmEvents

pytestmark = pytest.mark.xdist_group("bench")


def test_every_contestant_plays() -> None:
    """App and peer start their jobs and send their mails; the floor's requests are taken; all of it is counted."""
    with Arena(contracts=True) as arena, ExitStack() as stack:
        PeerMails(arena, stack, mails=1)  # it is sent by then; the half minute after it is not waited for here
        record = recorded(arena)
        events = {(one.contestant, one.effect): one for one in WarmEvents(arena, record, app=2, peer=1).play(1)}
        rates = [floor_rate(arena, record, 1, 24), app_rate(arena, 1, 24), peer_rate(arena, 1, 8)]
        stories = growth(arena, steps=1, events=12)
        journal = arena.azure.journal
        assert [entry.url for entry in (*journal.unknown(), *journal.violations())] == []
        assert arena.azure.failures == ()
    app, peer = events["app", "job"], events["peer", "job"]
    assert (app.azure, app.connections, app.storage, app.azure_ai_ml) == (1, 0, 3, False)
    assert (peer.azure, peer.connections, peer.azure_ai_ml) == (4, 2, True)
    assert {("floor", effect) for effect in ("intake", "job", "mail", "storage of a job")} < events.keys()
    assert 0 < app.memory_before < app.memory_after < peer.memory_before < peer.memory_after
    assert all(one.rate > 0 and one.cpu > 0 for one in rates)
    requests = {one.story: one.steps[0].requests for one in stories}
    assert requests[EACH] == 3
    assert requests[ONE] > 2  # ten jobs, one refusal that is mailed, one that is not


def test_every_contestant_starts() -> None:
    """From nothing to the first job and the first mail, stage after stage."""
    with Arena() as arena:
        starts = cold_starts(arena, [Condition(name=WARM, environment={})], {WARM: 1})
    assert [(one.effect, one.contestant) for one in starts] == [
        (effect, contestant) for effect in ("job", "mail") for contestant in ("app", "app as deployed", "peer")
    ]
    for one in starts:
        (run,) = one.runs
        assert 0 < run.runtime < run.indexed <= run.taken_in < run.effect
        assert (run.taken_in == run.indexed) == (one.contestant == "peer")
        assert run.modules < 600 or one.contestant == "peer"
