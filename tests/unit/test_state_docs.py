"""docs/state.md is generated, fresh, and tells every column that a row has."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import msgspec
import pytest

from ops import state_docs
from ops.state_words import EVENT, FIELDS, SWITCH
from shared.actions import Deferred
from shared.columns import KEYS, MAIL_COLUMN, REACTION_COLUMN
from shared.switches import SWITCHES
from tests.fakes.events import altered, sample
from tests.fakes.project import ops
from tests.fakes.service import START, FakeService, rules
from tests.markdown import DOCS

BOTH = "reactions: [{ name: retrain, on: data-drift, run: { job: pipelines/retrain.yml }, mail: { to: ops } }]"


def test_the_page_is_fresh(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """`--check` says so, and fails where it is not; without it the page is written."""
    assert ops("state-docs", "--check").code == 0
    page = tmp_path / "state.md"
    monkeypatch.setattr(state_docs, "PAGE", page)
    said = ops("state-docs", "--check")
    assert (said.code, page.exists()) == (1, False)
    assert "run `python -m ops state-docs`" in said.err
    assert ops("state-docs").code == 0
    assert page.read_text(encoding="utf-8") == (DOCS / "state.md").read_text(encoding="utf-8")
    assert ops("state-docs", "--check").code == 0


def columns() -> Iterator[str]:
    """Yield every column that the app writes into the row of an event: inline and large, done and waiting."""
    service = FakeService(reactions=rules(f"recipients: {{ ops: $OPS_EMAIL }}\n{BOTH}"))
    service.jobs.script = [Deferred(reason="later", after=timedelta(minutes=1))]
    service.deliver(sample("monitor-breach"))
    service.deliver(altered("model-registered", padding="x" * 40_000))
    yield from (column for key, row in service.rows().items() if key.startswith("event|") for column in row)


def test_every_column_is_told() -> None:
    """And no other."""
    found = {name for name in columns() if not name.startswith((REACTION_COLUMN, MAIL_COLUMN))}
    # Large events are put into their container before the queue.
    assert found | {"blob"} == EVENT.keys()
    assert {name for name in columns() if name not in EVENT} == {"r_retrain", "m_retrain"}


def test_every_column_of_a_switch_is_told() -> None:
    """Those of a pause, and those that end it."""
    from shared.switches import Pause, write_pause, write_resumed  # noqa: PLC0415 - they are the subject

    written = write_pause(Pause(reaction="retrain", at=START)) | write_resumed(by="", at=START)
    assert written.keys() == SWITCH.keys()
    assert f"| `{SWITCHES}` |" in state_docs.build()


def test_no_word_is_left_over() -> None:
    """A field that is gone takes its words along."""
    told = {type_.__name__: {name for name, *_ in state_docs._fields(type_)} for type_ in state_docs.TYPES}
    assert told == {name: set(words) for name, words in FIELDS.items()}


def test_a_field_without_words_says_where_they_go() -> None:
    """Whoever adds one is told."""

    class Wake(msgspec.Struct):
        """As the one on record, and more."""

        token: str
        later: str

    with pytest.raises(LookupError, match=r"say in ops/state_words.py what Wake.later means"):
        list(state_docs._fields(Wake))


def test_the_column_of_every_kind_of_action_is_told() -> None:
    """By its prefix, in the text and in the notebook's filter."""
    text = state_docs.build()
    assert {prefix for prefix in KEYS if f"`{prefix}<reaction>`" in text} == KEYS.keys()
    assert f"startswith({tuple(KEYS)})".replace("'", '"') in text
