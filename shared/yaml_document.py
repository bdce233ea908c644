"""A YAML file with places: its content by YAML 1.2 rules, and the line on which a path stands."""

import difflib
import re
from collections.abc import Collection
from typing import Any

import yaml

from shared.errors import ConfigurationError
from shared.yaml_mistakes import told

type Path = tuple[str | int, ...]

#: Nobody writes that much by hand; reading it takes seconds.
CHARACTERS = 256 * 1024
#: What anchors add counts each time it is named; a chain of them would outgrow any memory.
NODES = 20_000
#: Of what is told of one problem, in characters: a name may be as long as the file.
LENGTH = 500
DEPTH = 20
TAG = "tag:yaml.org,2002:"


class Yaml12(yaml.SafeLoader):
    """YAML with the scalars of version 1.2: `on` is a word, `2026-11-20` and `1:30` are texts."""


Yaml12.yaml_implicit_resolvers = {}
for _kind, _pattern, _first in (
    ("null", r"~|null|Null|NULL|", [*"~nN", ""]),
    ("bool", r"true|True|TRUE|false|False|FALSE", [*"tTfF"]),
    ("int", r"[-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+", [*"-+0123456789"]),
    (
        "float",
        r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?|[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN)",
        [*"-+0123456789."],
    ),
):
    Yaml12.add_implicit_resolver(f"{TAG}{_kind}", re.compile(rf"^(?:{_pattern})$"), _first)


class Document:
    """The file's content, its problems, and where in the file a path stands. Keys are always text."""

    def __init__(self, text: str, file: str) -> None:
        self.file = file
        self._problems: list[tuple[int, str]] = []
        self._nodes = 0
        if len(text) > CHARACTERS:
            raise ConfigurationError(f"{file}: larger than {CHARACTERS // 1024} KiB; is it the right file?")
        try:
            self._root = yaml.compose(text, Loader=Yaml12)
        except yaml.YAMLError as error:
            line, problem = told(error, text)
            raise ConfigurationError(f"{file}:{line}: not YAML: {problem}") from None
        except RecursionError:
            raise ConfigurationError(f"{file}:1: nested too deep; look for brackets that are not closed") from None
        except (ValueError, OverflowError):  # "\U00110000"
            raise ConfigurationError(f"{file}:1: an escape (`\\U…`) of a character that does not exist") from None
        content = self._plain(self._root, 0) if self._root else None
        if not isinstance(content, dict):
            wrong = "is empty; it needs" if content is None else "must be a mapping, with the keys `recipients` and"
            self._note(0, f"the file {wrong} `reactions`, a list of rules that each start with `- name: …`")
            raise ConfigurationError(*self.problems)
        self.content: dict[str, Any] = content

    @property
    def problems(self) -> tuple[str, ...]:
        """What was found, from the first line of the file to the last."""
        ordered = sorted(self._problems, key=lambda found: found[0])
        return tuple(dict.fromkeys(f"{self.file}:{line + 1}: {problem}" for line, problem in ordered))

    def report(self, path: Path, problem: str) -> None:
        """Note a problem at *path*, or at the nearest place above it that stands in the file."""
        self._note(self._line(path), problem)

    def only(self, keys: Collection[str]) -> None:
        """Report top-level keys that mean nothing."""
        for key in self.content:
            if key not in keys:
                hint = did_you_mean(key, keys) or f"; known: {', '.join(sorted(keys))}"
                self.report((key,), f"unknown key {key!r}{hint}")

    def _note(self, line: int, problem: str) -> None:
        self._problems.append((line, problem if len(problem) <= LENGTH else f"{problem[:LENGTH]}…"))

    def _plain(self, node: yaml.Node, depth: int) -> object:
        """Return what *node* stands for; report what stands there twice, and what YAML has and this file has not."""
        self._nodes += 1
        if self._nodes > NODES or depth > DEPTH:
            line = node.start_mark.line + 1
            raise ConfigurationError(
                f"{self.file}:{line}: nested too deep, or too much of it; write anchors (`&`, `*`) out"
            )
        if isinstance(node, yaml.ScalarNode):
            return self._scalar(node)
        if isinstance(node, yaml.SequenceNode):
            return [self._plain(one, depth + 1) for one in node.value]
        found: dict[str, object] = {}
        first: dict[str, int] = {}
        for key, value in node.value:
            line, name = key.start_mark.line, self._text(key)
            if not isinstance(key, yaml.ScalarNode):
                self._note(line, 'a key must be a word; is something like "${{ event.model }}" without its quotes?')
            elif name == "<<":
                self._note(line, "`<<` is not part of YAML 1.2; write the lines out, so that a rule can be read alone")
            elif name in first:
                self._note(line, f"{name!r} stands here twice; the first is on line {first[name] + 1}")
            else:
                first[name], found[name] = line, self._plain(value, depth + 1)
        return found

    def _scalar(self, node: yaml.ScalarNode) -> object:
        text = self._text(node)
        try:
            match node.tag.removeprefix(TAG):
                case "str":
                    return text
                case "null":
                    return None
                case "bool":
                    return text.casefold() == "true"
                case "int":
                    return int(text, {"0x": 16, "0o": 8}.get(text[:2], 10))
                case "float":
                    return float(re.sub(r"\.(?=inf|nan)", "", text.casefold()))
            self._note(node.start_mark.line, f"`{node.tag.replace(TAG, '!!')}` is a tag of YAML; write the value alone")
        except ValueError:
            self._note(node.start_mark.line, "a number that cannot be read; put it in quotes if it is text")
        return text

    def _text(self, node: yaml.Node) -> str:
        """Return what is written; half a character, which only an escape can write, is told."""
        text = str(node.value) if isinstance(node, yaml.ScalarNode) else ""
        whole = text.encode(errors="replace").decode()
        if whole != text:
            self._note(node.start_mark.line, "an escape (`\\u…`) of half a character; write the character itself")
        return whole

    def _line(self, path: Path) -> int:
        node = self._root
        line = node.start_mark.line if node else 0
        for step in path:
            if isinstance(node, yaml.MappingNode):
                found = next(((key, value) for key, value in node.value if key.value == step), None)
            elif isinstance(node, yaml.SequenceNode) and isinstance(step, int) and step < len(node.value):
                found = (node.value[step], node.value[step])
            else:
                found = None
            if found is None:
                break
            line, node = found[0].start_mark.line, found[1]
        return int(line)


def did_you_mean(word: str, known: Collection[str]) -> str:
    """Return "; did you mean …?" when one of the known words is close, else ""."""
    close = difflib.get_close_matches(word[:100], list(known), n=1)
    return f"; did you mean {close[0]!r}?" if close else ""
