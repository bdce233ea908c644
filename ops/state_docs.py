"""`python -m ops state-docs`: docs/state.md, the schema of the ledger, from the types that write it."""

from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from string import Template
from typing import Annotated

import typer
from msgspec import inspect

from ops.generated import keep
from ops.state_words import EVENT, FIELDS, SWITCH
from shared.actions import Done, Failed
from shared.allowance import Spent
from shared.columns import (
    ALERT_COLUMN,
    FINISHED_COLUMN,
    KEYS,
    LETTER_COLUMN,
    MAIL_COLUMN,
    REACTION_COLUMN,
    TAGS_COLUMN,
    VERDICT_COLUMN,
    VERDICT_EVENT_COLUMN,
)
from shared.digests import DIGESTS, Digest, Merged
from shared.lineage import Chain
from shared.memory import Entry, Memory, Ongoing
from shared.notices import Change, Diagnosis, DigestEntry, Incident, Measurement, Notice
from shared.ration import MAILS, SPENT
from shared.records import ReactionRecord, Wake, whole_partition
from shared.silences import SILENCES, Silence
from shared.switches import SECONDS, SWITCHES, Pause, write_pause

PAGE = Path(__file__).parents[1] / "docs" / "state.md"
TEMPLATE = Path(__file__).with_name("state.md.tmpl")
TYPES: tuple[type, ...] = (
    *(ReactionRecord, Chain, Done, Failed, Wake),
    *(Notice, Measurement, Diagnosis, Change, Incident, DigestEntry),
    *(Memory, Entry, Ongoing),
    *(Spent, Digest, Merged, Silence),
)
#: What a type of the code is called on the page.
WORDS: Mapping[type[inspect.Type], str] = {
    inspect.StrType: "text",
    inspect.IntType: "number",
    inspect.FloatType: "number",
    inspect.BoolType: "`true`, `false`",
    inspect.DateTimeType: "time",
    inspect.DictType: "object",
}


def command(
    check: Annotated[bool, typer.Option("--check", help="Write nothing; exit 1 when the page is stale.")] = False,  # noqa: FBT002 - a flag
) -> None:
    """Write docs/state.md, by which workbooks and notebooks read the ledger."""
    raise keep(PAGE, build(), check=check, command="state-docs")


def build() -> str:
    """Return the page."""
    tables = {type_.__name__: _table("field", _fields(type_)) for type_ in TYPES}
    switch = write_pause(Pause(reaction="*", at=datetime.min.replace(tzinfo=UTC)))
    text = TEMPLATE.read_text(encoding="utf-8")
    return Template(text).substitute(
        tables,
        columns=_table("column", ((name, *words) for name, words in EVENT.items())),
        switch=_table("column", ((name, *SWITCH[name]) for name in switch)),
        reaction=REACTION_COLUMN,
        mail=MAIL_COLUMN,
        alert=ALERT_COLUMN,
        verdict=VERDICT_COLUMN,
        tags=TAGS_COLUMN,
        finished=FINISHED_COLUMN,
        verdict_event=VERDICT_EVENT_COLUMN,
        letter=LETTER_COLUMN,
        columns_of_actions=f"({', '.join(f'"{prefix}"' for prefix in KEYS)})",
        whole=whole_partition("<reaction>"),
        switches=SWITCHES,
        silences=SILENCES,
        mails=MAILS,
        spent=SPENT,
        digests=DIGESTS,
        seconds=f"{SECONDS:.0f}",
    )


def _fields(type_: type) -> Iterator[tuple[str, str, str]]:
    """Yield name, type and meaning of each field. Raises LookupError for one that has no words yet."""
    info = inspect.type_info(type_)
    assert isinstance(info, (inspect.StructType, inspect.DataclassType))  # noqa: S101 - it is one
    fields = {field.encode_name: _type(field.type) for field in info.fields}
    if isinstance(info, inspect.StructType) and info.tag_field:
        fields = {info.tag_field: f"`{info.tag}`", **fields}
    for name, kind in fields.items():
        words = FIELDS[type_.__name__].get(name)
        if words is None:
            raise LookupError(f"say in ops/state_words.py what {type_.__name__}.{name} means")
        yield name, kind, words


def _type(kind: inspect.Type) -> str:
    match kind:
        case inspect.UnionType():
            return ", ".join(_type(one) for one in kind.types if not isinstance(one, inspect.NoneType))
        case inspect.LiteralType():
            return ", ".join(f"`{value}`" for value in kind.values)
        case inspect.StructType() | inspect.DataclassType():
            return f"[{kind.cls.__name__}](#{kind.cls.__name__.casefold()})"
        case inspect.ListType() | inspect.VarTupleType():
            return f"list of {_type(kind.item_type)}"
    return WORDS[type(kind)]


def _table(head: str, rows: Iterable[tuple[str, str, str]]) -> str:
    lines = [f"| {head} | type | what |", "|---|---|---|"]
    return "\n".join([*lines, *(f"| `{name}` | {kind} | {words} |" for name, kind, words in rows)])
