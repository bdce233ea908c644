"""App settings that remember what was asked for."""

from typing import Any


class Environ(dict[str, str]):
    """The environment of a process, as far as its settings go."""

    def __init__(self, values: dict[str, str]) -> None:
        super().__init__(values)
        self.asked: set[str] = set()

    def get(self, key: str, default: Any = None, /) -> Any:
        """As dict.get."""
        self.asked.add(key)
        return super().get(key, default)
