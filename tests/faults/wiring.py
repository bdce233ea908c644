"""The tests' composition root: the shipped service with its edges wrapped, on a clock that the rig makes run faster.

Production code knows nothing of it: it stands in the place of `shared.bootstrap.Service` before the page of triggers
is run.
"""

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from inspect import getattr_static
from pathlib import Path
from time import monotonic
from typing import Any

import handlers
from local.azure.clock import now
from shared import bootstrap, transport
from shared.once import once
from shared.reactions import Vocabulary
from shared.store import Store
from tests.faults.control import Control
from tests.faults.faulty import EDGES, faulty, methods

#: Where the control folder is; the one thing that the tests add to the app's settings.
SETTING = "REACTOR_CONTROL"


class PacedStore:
    """A Store whose clock runs *scale* times as fast as the real one, from *origin* on: every answer tells it."""

    def __init__(self, inner: Any, *, origin: datetime, scale: float) -> None:
        self._inner, self._origin, self._scale = inner, origin, scale

    def __getattr__(self, name: str) -> Any:
        attribute = getattr(self._inner, name)
        if name not in methods(Store):
            return attribute

        def call(*arguments: object, **named: object) -> object:
            answer = attribute(*arguments, **named)
            return replace(answer, at=self._origin + (now() - self._origin) * self._scale)

        return call


class PacedQueue:
    """A Queue whose delays pass *scale* times as fast."""

    def __init__(self, inner: Any, *, scale: float) -> None:
        self._inner, self._scale = inner, scale

    def send(self, message: bytes, *, after: timedelta = timedelta()) -> None:
        """See shared.gateways.Queue."""
        self._inner.send(message, after=after / self._scale)


def wire(control: Control) -> None:
    """Have the next page of triggers run on wrapped edges, each delivery noted, each run as long as the terms say."""
    terms = control.terms()

    class Wired(bootstrap.Service):
        """The service in the folder that stands for the deployed one."""

        def __init__(self, *, environ: Mapping[str, str], folder: Path, vocabularies: Mapping[str, Vocabulary]) -> None:
            del folder
            super().__init__(environ=environ, folder=Path(terms.app), vocabularies=vocabularies)

    for edge in EDGES:
        built = once(_builder(edge, control))
        built.__set_name__(Wired, edge)
        setattr(Wired, edge, built)
    replaced: dict[Any, dict[str, object]] = {
        bootstrap: {"Service": Wired},
        transport: {"deadline": _shorter(transport.deadline, terms.run_seconds)},
        handlers: {"dispatch": _noted(handlers.dispatch, control)},
    }
    for module, names in replaced.items():
        vars(module).update(names)


def _builder(edge: str, control: Control) -> Callable[[bootstrap.Service], object]:
    """Return what builds the property *edge*: the service's own part, paced, with a point around each method."""
    terms, plain = control.terms(), bootstrap.Service
    origin = datetime.fromtimestamp(terms.origin, UTC)

    def build(service: bootstrap.Service) -> object:
        # Not super(): the property would keep the bare part for a moment, where another thread finds it.
        inner: Any = getattr_static(plain, edge).func(service)
        if edge == "store":
            inner = PacedStore(inner, origin=origin, scale=terms.scale)
        elif edge == "queue":
            inner = PacedQueue(inner, scale=terms.scale)
        elif edge == "mail":
            _remember(inner.ration, service.store)
        return faulty(inner, edge, control.reach)

    return build


def _remember(ration: Any, store: Any) -> None:
    """Have a process know the count of mails from the start: its first mail then goes the way of all others."""
    own = replace(ration._own, store=store._inner)
    row = own.read()
    ration._last = row if row.etag else own.write(row, own.empty) or own.read()


def _shorter(
    deadline: Callable[[float], AbstractContextManager[None]], longest: float
) -> Callable[[float], AbstractContextManager[None]]:
    return lambda seconds: deadline(min(seconds, longest))


def _noted(dispatch: Callable[..., None], control: Control) -> Callable[..., None]:
    """Note where a delivery begins and how long it took."""

    def noted(text: bytes, service: Any) -> None:
        control.note("delivered")
        began = monotonic()
        try:
            dispatch(text, service)
        finally:
            control.note(f"returned {monotonic() - began:.3f}")

    return noted
