"""Edges that fail on request: wrappers generated from the Protocols, so that a new method is a point by itself.

A point is ``<edge>.<method>.<before|after>``; what happens there is a callable of the test's. Nothing in production
code knows of it: the tests' composition root puts the wrappers in place.
"""

import inspect
from collections.abc import Callable, Mapping
from typing import Any, Protocol, cast

from shared.gateways import Blobs, DeadLetters, Jobs, Mail, Queue
from shared.store import Store

#: The edges of the service by the name of its property, and what each promises.
EDGES: Mapping[str, type] = {
    "store": Store,
    "jobs": Jobs,
    "mail": Mail,
    "queue": Queue,
    "large_events": Blobs,
    "dead_letters": DeadLetters,
}

type Fault = Callable[[str], None]
"""Called at every point, with its name; it may raise, kill, stop or wait."""


class Death(BaseException):
    """Stands for the death of the worker: nothing in the service may catch it."""


def methods(protocol: type) -> tuple[str, ...]:
    """Return the public methods of a Protocol."""
    assert issubclass(protocol, Protocol)
    return tuple(name for name, _ in inspect.getmembers(protocol, inspect.isfunction) if not name.startswith("_"))


def points() -> tuple[str, ...]:
    """Return every point of every edge."""
    return tuple(
        f"{edge}.{method}.{when}"
        for edge, protocol in EDGES.items()
        for method in methods(protocol)
        for when in ("before", "after")
    )


def faulty[T](inner: T, edge: str, fault: Fault) -> T:
    """Wrap an edge: *fault* is called before and after each method that its Protocol names."""
    return cast("T", _Faulty(inner, edge, fault))


class _Faulty:
    def __init__(self, inner: object, edge: str, fault: Fault) -> None:
        self._inner, self._edge, self._fault = inner, edge, fault

    def __getattr__(self, name: str) -> Any:
        attribute = getattr(self._inner, name)
        if name not in methods(EDGES[self._edge]):
            return attribute

        def call(*arguments: object, **named: object) -> object:
            self._fault(f"{self._edge}.{name}.before")
            answer = attribute(*arguments, **named)
            self._fault(f"{self._edge}.{name}.after")
            return answer

        return call
