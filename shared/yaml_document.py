"""A YAML file with places: its content by YAML 1.2 rules, and the line on which a path stands."""

import difflib
import re
from collections.abc import Collection
from typing import Any

import yaml

from shared.errors import ConfigurationError

type Path = tuple[str | int, ...]


class Yaml12(yaml.SafeLoader):
    """YAML with the booleans of version 1.2: `on` is a word, not true."""


Yaml12.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers if tag != "tag:yaml.org,2002:bool"]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}
Yaml12.add_implicit_resolver(
    "tag:yaml.org,2002:bool", re.compile(r"^(?:true|True|TRUE|false|False|FALSE)$"), list("tTfF")
)


class Document:
    """The file's content, its problems, and where in the file a path stands."""

    def __init__(self, text: str, file: str) -> None:
        self.file = file
        self.problems: list[str] = []
        try:
            self._root = yaml.compose(text, Loader=Yaml12)
            content = yaml.load(text, Loader=Yaml12)  # noqa: S506 - Yaml12 is a SafeLoader
        except yaml.YAMLError as error:
            mark = getattr(error, "problem_mark", None)
            where = f"{file}:{mark.line + 1}" if mark else file
            raise ConfigurationError(f"{where}: not YAML: {getattr(error, 'problem', None) or 'unreadable'}") from None
        if not isinstance(content, dict):
            raise ConfigurationError(f"{file}: must be a mapping with the keys `recipients` and `reactions`")
        self.content: dict[str, Any] = content

    def report(self, path: Path, problem: str) -> None:
        """Note a problem at *path*, or at the nearest place above it that stands in the file."""
        self.problems.append(f"{self.file}:{self._line(path)}: {problem}")

    def only(self, keys: Collection[str]) -> None:
        """Report top-level keys that mean nothing."""
        for key in self.content:
            if key not in keys:
                self.report((key,), f"unknown key {key!r}{did_you_mean(str(key), keys)}")

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
        return line + 1


def did_you_mean(word: str, known: Collection[str]) -> str:
    """Return "; did you mean …?" when one of the known words is close, else ""."""
    close = difflib.get_close_matches(word, list(known), n=1)
    return f"; did you mean {close[0]!r}?" if close else ""
