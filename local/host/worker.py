"""Microsoft's Python worker runtime, in this process: the same code that runs a function app in Azure."""

import asyncio
import importlib
import json
import sys
import uuid
from collections.abc import Coroutine, Mapping
from concurrent.futures import Future
from dataclasses import dataclass
from pathlib import Path
from threading import Thread
from types import SimpleNamespace, TracebackType
from typing import Any, Self

from local.host.errors import HostError
from local.host.protos import ParameterBinding, StatusResult, TypedData, request
from local.host.tally import Tally

#: The module the runtime imports from the app's folder.
APP_MODULE = "function_app"


@dataclass(frozen=True, slots=True, kw_only=True)
class Function:
    """An indexed function; *bindings* are the objects the worker hands the host, as a function.json would hold them."""

    name: str
    function_id: str
    bindings: tuple[Mapping[str, Any], ...]

    @property
    def trigger(self) -> Mapping[str, Any]:
        """The binding that starts it; the worker refuses a function without one."""
        return next(binding for binding in self.bindings if str(binding["type"]).endswith("Trigger"))


@dataclass(frozen=True, slots=True, kw_only=True)
class InvocationResult:
    """How an invocation ended; *message* and *stack* are the worker's words, empty after a success."""

    function: str
    succeeded: bool
    message: str = ""
    stack: str = ""


class Worker:
    """The worker runtime with one app loaded. The runtime's state is global: one Worker at a time in a process."""

    def __init__(self) -> None:
        self.functions: Mapping[str, Function] = {}
        self.tally = Tally()
        self._loop = asyncio.new_event_loop()
        self._thread = Thread(target=self._loop.run_forever, name="worker-loop", daemon=True)
        self._app_dir = ""
        self._runtime: Any = None

    def start(self, app_dir: Path) -> None:
        """Import and index the app in *app_dir*. Raises HostError with the worker's message when it cannot."""
        self._thread.start()
        self._app_dir = str(app_dir)
        sys.path.insert(0, self._app_dir)
        sys.modules.pop(APP_MODULE, None)  # an app object indexes once only; another app's must not be taken for ours
        self._runtime = importlib.import_module("azure_functions_runtime")
        self._runtime.start_threadpool_executor()
        self.functions = {function.name: function for function in self._call(self._index())}
        if not self.functions:
            raise HostError(f"no functions found: the app's folder needs a {APP_MODULE}.py with a FunctionApp in it")

    async def _index(self) -> list[Function]:
        init = SimpleNamespace(capabilities={}, function_app_directory=self._app_dir)
        answer = await self._runtime.worker_init_request(request(worker_init_request=init))
        if answer.result.status != StatusResult.Success:
            raise HostError(f"{answer.result.exception.message}\n{answer.result.exception.stack_trace}".rstrip())
        metadata = await self._runtime.functions_metadata_request(request(functions_metadata_request=None))
        return [
            Function(
                name=found.name,
                function_id=found.function_id,
                bindings=tuple(json.loads(binding) for binding in found.raw_bindings),
            )
            for found in metadata.function_metadata_results or []
        ]

    def submit(
        self, name: str, inputs: Mapping[str, TypedData], metadata: Mapping[str, TypedData]
    ) -> Future[InvocationResult]:
        """Start one invocation of *name*. The future never fails; KeyError here for a function there is not."""
        function_id = self.functions[name].function_id
        return asyncio.run_coroutine_threadsafe(self._invoke(name, function_id, inputs, metadata), self._loop)

    def invoke(self, name: str, inputs: Mapping[str, TypedData], metadata: Mapping[str, TypedData]) -> InvocationResult:
        """Run one invocation of *name* to its end. Raises KeyError for a function there is not."""
        return self.submit(name, inputs, metadata).result()

    async def _invoke(
        self, name: str, function_id: str, inputs: Mapping[str, TypedData], metadata: Mapping[str, TypedData]
    ) -> InvocationResult:
        invocation = SimpleNamespace(
            invocation_id=str(uuid.uuid4()),  # noqa: TID251 - an invocation's id is the host's to invent
            function_id=function_id,
            input_data=[ParameterBinding(name=key, data=value) for key, value in inputs.items()],
            trigger_metadata=dict(metadata),
            trace_context=SimpleNamespace(trace_parent="", trace_state="", attributes={}),
            retry_context=SimpleNamespace(retry_count=0, max_retry_count=0, exception=None),
        )
        try:
            answer = await self._runtime.invocation_request(request(invocation_request=invocation))
        except SystemExit:  # would end the loop's thread and leave every caller waiting
            result = InvocationResult(
                function=name, succeeded=False, message="SystemExit: the function left the worker"
            )
        else:
            result = _result(name, answer.result)
        self.tally.invoked(succeeded=result.succeeded)
        return result

    def _call[T](self, coroutine: Coroutine[Any, Any, T]) -> T:
        return asyncio.run_coroutine_threadsafe(coroutine, self._loop).result()

    def close(self) -> None:
        """Let the app go: waits for running sync functions, then ends the loop."""
        if self._runtime is not None:
            self._runtime.stop_threadpool_executor()
        if self._thread.is_alive():
            self._loop.call_soon_threadsafe(self._loop.stop)
            self._thread.join()
        self._loop.close()
        if self._app_dir in sys.path:
            sys.path.remove(self._app_dir)
        sys.modules.pop(APP_MODULE, None)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def _result(name: str, status: Any) -> InvocationResult:  # noqa: ANN401 - built by the untyped runtime
    if status.status == StatusResult.Success:
        return InvocationResult(function=name, succeeded=True)
    return InvocationResult(
        function=name,
        succeeded=False,
        message=status.exception.message or "",
        stack=status.exception.stack_trace or "",
    )
