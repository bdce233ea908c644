"""Computed at the first use, once per process."""

import threading
from functools import cached_property
from typing import Any


class once[T](cached_property[T]):  # noqa: N801 - used like cached_property
    """A cached property that is computed once even when threads race; an error is not kept."""

    _lock = threading.RLock()

    def __get__(self, instance: object, owner: type[Any] | None = None) -> Any:  # noqa: ANN401 - as cached_property
        with self._lock:
            return super().__get__(instance, owner)
