"""From plain data to a Struct: every mistake in one go, each with its path, where msgspec stops at the first."""

import re
from collections.abc import Callable, Iterator, Mapping
from types import UnionType
from typing import Any, Literal, TypeAliasType, Union, get_args, get_origin

import msgspec

from shared.reactions import DURATION, HTTPS, NAME
from shared.yaml_document import Path, did_you_mean

type Report = Callable[[str, Path], None]

#: What a pattern of the types asks for, in words.
SHAPES = {
    DURATION: "a duration: a number of 1 to 9999 and one of s, m, h, d, such as 30m or 24h",
    NAME: "a name of a-z, 0-9 and -, starting with a letter, at most 40 characters long",
    HTTPS: "a link that starts with https://",
}
#: What msgspec calls the types of JSON, as people who write YAML do.
TYPES = {
    "str": "text",
    "array": "a list",
    "object": "a mapping",
    "int": "a whole number",
    "float": "a number",
    "bool": "true or false",
    "null": "nothing",
}


def convert[S: msgspec.Struct](raw: object, struct: type[S], report: Report) -> S | None:
    """Return *raw* as *struct*, or None after every mistake was told to *report* with its path."""
    found = list(_problems(raw, struct, ()))
    for path, problem in found:
        report(problem, path)
    return None if found else msgspec.convert(raw, struct)


def _problems(raw: object, kind: Any, path: Path) -> Iterator[tuple[Path, str]]:  # noqa: ANN401 - any type
    members = list(_members(kind))
    if isinstance(raw, Mapping):
        struct = next((one for one in members if isinstance(one, type) and issubclass(one, msgspec.Struct)), None)
        values = next((get_args(one)[1] for one in members if get_origin(one) is dict), None)
        if struct is not None:
            yield from _problems_of_fields(raw, struct, path)
            return
        if values is not None:
            yield from _problems_of_map(raw, values, path)
            return
    try:
        msgspec.convert(raw, kind)
    except msgspec.ValidationError as error:
        yield path, _told(str(error), raw, [word for one in members for word in _literals(one)])


def _members(kind: Any) -> Iterator[Any]:  # noqa: ANN401 - any type
    """Yield what a union is made of, through aliases; anything else as it is."""
    if isinstance(kind, TypeAliasType):
        kind = kind.__value__
    if get_origin(kind) in {Union, UnionType}:
        for one in get_args(kind):
            yield from _members(one)
    else:
        yield kind


def _literals(kind: Any) -> tuple[str, ...]:  # noqa: ANN401 - any type
    if get_origin(kind) is list:
        return tuple(word for one in _members(get_args(kind)[0]) for word in _literals(one))
    return get_args(kind) if get_origin(kind) is Literal else ()


def _problems_of_fields(
    raw: Mapping[object, object], struct: type[msgspec.Struct], path: Path
) -> Iterator[tuple[Path, str]]:
    fields = {field.encode_name: field for field in msgspec.structs.fields(struct)}
    for key, value in raw.items():
        if isinstance(key, str) and key in fields:
            yield from _problems(value, fields[key].type, (*path, key))
        else:
            hint = did_you_mean(str(key), fields) or f"; known: {', '.join(fields)}"
            yield (*path, str(key)), f"unknown key {str(key)!r}{hint}"
    for name, field in fields.items():
        if field.required and name not in raw:
            yield path, f"`{name}` is missing"


def _problems_of_map(raw: Mapping[object, object], values: Any, path: Path) -> Iterator[tuple[Path, str]]:  # noqa: ANN401 - any type
    for key, value in raw.items():
        if isinstance(key, str):
            yield from _problems(value, values, (*path, key))
        else:
            yield (*path, str(key)), f"the name {str(key)!r} must be text; put it in quotes"


def _told(message: str, raw: object, known: list[str]) -> str:
    """Say in words what msgspec says of one value."""
    text = message.partition(" - at `$")[0]
    if words := next((words for pattern, words in SHAPES.items() if pattern in text), ""):
        return f"must be {words}"
    if text.startswith("Invalid enum value"):
        word = str(raw)
        return f"unknown word {word!r}{did_you_mean(word, known) or '; known: ' + ', '.join(known)}"
    if found := re.fullmatch(r"Expected `(.+)`, got `(\w+)`", text):
        wanted = [TYPES.get(one, one) for one in found[1].split(" | ") if one != "null"]
        quotes = "; put the value in quotes" if "text" in wanted and isinstance(raw, bool | int | float) else ""
        return f"must be {_or(wanted)}, is {TYPES.get(found[2], found[2])}{quotes}"
    if found := re.fullmatch(r"Expected `int` (>=|<=) (\d+)", text):
        return f"must be a whole number of {'at least' if found[1] == '>=' else 'at most'} {found[2]}"
    return text


def _or(words: list[str]) -> str:
    return " or ".join(filter(None, (", ".join(words[:-1]), words[-1])))
