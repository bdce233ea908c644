"""The published contracts of request bodies, where they lie beside the repository."""

import importlib.util
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Protocol, cast

from local.azure.messages import Request

FOLDER = Path(__file__).resolve().parents[3] / "shared" / "contracts"


class _Validator(Protocol):
    covers: Callable[[str, str], bool]
    validate: Callable[[str, str, bytes], list[str]]


class Contracts:
    """Checks request bodies; `status` says whether it can. Thread-safe; loaded at the first request it covers."""

    def __init__(self, folder: Path | None = FOLDER) -> None:
        self._file = folder / "validate_request.py" if folder else None
        self._lock = threading.Lock()
        self._loaded: _Validator | None = None
        if self._file is None:
            self.status = "request bodies are not checked: switched off"
        elif not self._file.is_file():
            self.status = "request bodies are not checked: the contracts are not beside the repository"
        else:
            self.status = "request bodies are checked against the published contracts"

    @property
    def present(self) -> bool:
        """Whether bodies are checked."""
        return self._file is not None and self._file.is_file()

    def violations(self, request: Request) -> tuple[str, ...]:
        """What is wrong with the body of *request*; empty when nothing is, or nothing is known about it."""
        validator = self._validator()
        if validator is None or not validator.covers(request.method, request.url):
            return ()
        return tuple(validator.validate(request.method, request.url, request.body))

    def _validator(self) -> _Validator | None:
        if self._file is None or not self.present:
            return None
        with self._lock:
            if self._loaded is None:
                spec = importlib.util.spec_from_file_location("validate_request", self._file)
                if spec is None or spec.loader is None:
                    return None
                module = importlib.util.module_from_spec(spec)
                spec.loader.exec_module(module)
                self._loaded = cast("_Validator", module)
            return self._loaded
