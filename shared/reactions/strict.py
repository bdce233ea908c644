"""From plain data to a Struct: every mistake in one go, each with its path, where msgspec stops at the first."""

import re
from collections.abc import Callable, Iterator, Mapping
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, TypeAliasType, Union, get_args, get_origin

import msgspec

from shared.reactions.addressees import HTTPS
from shared.reactions.guard_rules import DURATION, WINDOW
from shared.reactions.rules import JOB_FILE, NAME
from shared.yaml_document import Path, did_you_mean

type Report = Callable[[str, Path], None]

#: What a pattern of the types asks for, in words.
SHAPES = {
    DURATION: "a duration: a number of 1 to 9999 and one of s, m, h, d, such as 30m or 24h",
    WINDOW: "two times of the day, from and to, such as 22:00-06:00",
    NAME: "a name of a-z, 0-9 and -, starting with a letter, at most 40 characters long",
    HTTPS: "a link that starts with https:// and has no spaces",
    JOB_FILE: "a job file's path from the project's folder, with `/` and ending in .yml, such as pipelines/retrain.yml",
}
#: What may be wanted or found, as people who write YAML call it.
TYPES = {
    str: "text",
    list: "a list",
    dict: "a mapping",
    int: "a whole number",
    float: "a number",
    bool: "true or false",
}


def convert[S: msgspec.Struct](raw: object, struct: type[S], report: Report) -> S | None:
    """Return *raw* as *struct*, after every mistake was told to *report* with its path.

    What is mistaken is left out, so that the rest can be looked at in the same go; None where too little is left.
    """
    found = list(_problems(raw, struct, ()))
    for path, problem in found:
        report(problem, path)
        raw = _without(raw, path)
    try:
        return msgspec.convert(raw, struct)
    except msgspec.ValidationError:
        return None


def _without(raw: object, path: Path) -> object:
    """Return *raw* without what stands at *path*; a list goes as a whole, and what is empty then goes as well."""
    if not path or not isinstance(raw, dict) or path[0] not in raw:
        return raw
    below = _without(raw[path[0]], path[1:]) if isinstance(raw[path[0]], dict) and path[1:] else None
    return {**raw, path[0]: below} if below else {key: value for key, value in raw.items() if key != path[0]}


def _problems(raw: object, kind: Any, path: Path) -> Iterator[tuple[Path, str]]:  # noqa: ANN401 - any type
    members = list(_members(kind))
    if isinstance(raw, Mapping):
        struct = next((one for one in members if isinstance(one, type) and issubclass(one, msgspec.Struct)), None)
        values = next((get_args(one)[1] for one in members if get_origin(one) is dict), None)
        if struct is not None:
            yield from _problems_of_fields(raw, struct, path)
            return
        if values is not None:
            for key, value in raw.items():
                yield from _problems(value, values, (*path, key))
            return
    if isinstance(raw, list) and (item := next((get_args(one)[0] for one in members if get_origin(one) is list), None)):
        for number, one in enumerate(raw):
            yield from _problems(one, item, (*path, number))
        return
    try:
        msgspec.convert(raw, kind)
    except msgspec.ValidationError as error:
        key = next((step for step in reversed(path) if isinstance(step, str)), "")
        yield path, f"`{key}` {_told(str(error), raw, members)}"


def _members(kind: Any) -> Iterator[Any]:  # noqa: ANN401 - any type
    """Yield what a union is made of, through aliases; anything else as it is. An absent key is no value: no None."""
    while isinstance(kind, TypeAliasType) or (get_origin(kind) is Annotated and not _shape(kind)):
        kind = kind.__value__ if isinstance(kind, TypeAliasType) else get_args(kind)[0]
    if get_origin(kind) in {Union, UnionType}:
        for one in get_args(kind):
            yield from _members(one)
    elif kind is not NoneType:
        yield kind


def _problems_of_fields(
    raw: Mapping[str, object], struct: type[msgspec.Struct], path: Path
) -> Iterator[tuple[Path, str]]:
    fields = {field.encode_name: field for field in msgspec.structs.fields(struct)}
    for key, value in raw.items():
        if key not in fields:
            yield (*path, key), f"unknown key {key!r}{_place_of(key, fields)}"
        elif value is None:
            yield (*path, key), f"`{key}` has no value; write one, or leave the key out"
        else:
            yield from _problems(value, fields[key].type, (*path, key))
    for name, field in fields.items():
        if field.required and name not in raw:
            yield path, f"`{name}` is missing"


def _place_of(key: str, fields: Mapping[str, msgspec.structs.FieldInfo]) -> str:
    """Say where an unknown key belongs, or what may stand here."""
    for name, field in fields.items():
        structs = (one for one in _members(field.type) if isinstance(one, type) and issubclass(one, msgspec.Struct))
        if key in (below.encode_name for struct in structs for below in msgspec.structs.fields(struct)):
            return f"; it belongs under `{name}`, further to the right"
    return did_you_mean(key, fields) or f"; known: {', '.join(fields)}"


def _told(message: str, raw: object, members: list[Any]) -> str:
    """Say in words what msgspec says of one value."""
    if words := next((words for pattern, words in SHAPES.items() if repr(pattern) in message), ""):
        return f"must be {words}"
    known = [word for one in members if get_origin(one) is Literal for word in get_args(one)]
    if isinstance(raw, str) and known and {get_origin(one) for one in members} <= {Literal, list}:
        return f"knows no {raw!r}{did_you_mean(raw, known) or '; known: ' + ', '.join(known)}"
    if found := re.match(r"Expected `int` (>=|<=) (\d+)", message):
        return f"must be a whole number of {'at least' if found[1] == '>=' else 'at most'} {found[2]}, is {raw}"
    wanted = sorted(dict.fromkeys(map(_wanted, members)), key=lambda words: "mapping" in words)
    quotes = "; put the value in quotes" if "text" in wanted and isinstance(raw, bool | int | float) else ""
    if isinstance(raw, str) and re.fullmatch(r"true|false|-?\d*\.?\d+", raw) and "text" not in wanted:
        quotes = "; write it without quotes"
    return f"must be {_or(wanted)}, is {_found(raw)}{quotes}"


def _wanted(kind: Any) -> str:  # noqa: ANN401 - any type
    """Name one member of a union."""
    origin = get_origin(kind) or kind
    if origin is Literal:
        return _or([f"`{word}`" for word in get_args(kind)])
    if origin is Annotated:
        return _shape(kind) or _wanted(get_args(kind)[0])
    if issubclass(origin, msgspec.Struct):
        return f"a mapping ({', '.join(f'`{field.encode_name}`' for field in msgspec.structs.fields(origin))})"
    return TYPES[origin]


def _found(raw: object) -> str:
    match raw:
        case None:
            return "left empty"
        case bool():
            return str(raw).lower()
        case int() | float():
            return f"the number {str(raw)[:20]}"
        case _:
            return TYPES[type(raw)]


def _shape(kind: Any) -> str:  # noqa: ANN401 - any type
    """Return what the pattern of an annotated type asks for, "" where it has none."""
    return next((SHAPES[meta.pattern] for meta in get_args(kind)[1:] if meta.pattern), "")


def _or(words: list[str]) -> str:
    return " or ".join(filter(None, (", ".join(words[:-1]), words[-1])))
