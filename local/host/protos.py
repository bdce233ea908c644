"""Stand-ins for the protobuf messages that the worker runtime is handed by whoever hosts it.

The runtime takes the classes as an argument and reads and builds them by keyword only, so plain Python objects do:
the newer hosts of Microsoft drive it the same way. What each class must offer was found by running it.
"""

from types import SimpleNamespace


class Message:
    """A message built by keywords; a field nobody set reads as None, as in protobuf."""

    def __init__(self, **fields: object) -> None:
        self.__dict__.update(fields)

    def __getattr__(self, name: str) -> object:
        if name.startswith("__"):
            raise AttributeError(name)
        return None


class TypedData:
    """One value under the name of its kind: string, json, bytes, http, ...

    Answers no other name: the runtime asks an object for ``TypedData`` to learn whether it is a wrapper of one.
    """

    def __init__(self, **data: object) -> None:
        if len(data) > 1:
            raise TypeError("TypedData holds one value: give one keyword")
        self.__dict__.update(data)

    def WhichOneof(self, _group: str) -> str | None:  # noqa: N802 - the name is protobuf's
        """Name the kind of the value; None when there is none."""
        return next(iter(self.__dict__), None)


class ParameterBinding(Message):
    """A named input or output."""

    def WhichOneof(self, _group: str) -> str:  # noqa: N802 - the name is protobuf's
        """Say that the value travels in the message (the other arm is shared memory)."""
        return "data"


class StatusResult(Message):
    """How a request to the worker ended."""

    Failure = 0
    Success = 1
    Cancelled = 2


class BindingInfo(Message):
    """Type and direction of a binding; the enum values are those of the wire protocol."""

    undefined = 0
    out = 1
    inout = 2

    def __init__(self, type: str = "", data_type: int | None = None, direction: int | None = None) -> None:  # noqa: A002 - the runtime passes it by this name
        super().__init__(type=type, data_type=data_type or 0, direction=direction or 0)


# A keyword, so it cannot be written in the class body.
setattr(BindingInfo, "in", 0)


class RpcHttpCookie(Message):
    """A cookie of an HTTP answer."""

    SameSite = SimpleNamespace(**{"None": 0}, Lax=1, Strict=2, ExplicitNone=3)


#: Messages that need nothing but their keywords.
PLAIN = (
    "FunctionLoadResponse",
    "FunctionMetadataResponse",
    "InvocationResponse",
    "NullableBool",
    "NullableDouble",
    "NullableString",
    "NullableTimestamp",
    "RpcException",
    "RpcFunctionMetadata",
    "RpcHttp",
    "RpcRetryOptions",
    "Timestamp",
    "WorkerInitResponse",
    "WorkerMetadata",
)

#: The module the runtime calls ``protos``.
PROTOS = SimpleNamespace(
    BindingInfo=BindingInfo,
    ParameterBinding=ParameterBinding,
    RpcHttpCookie=RpcHttpCookie,
    StatusResult=StatusResult,
    TypedData=TypedData,
    **{name: type(name, (Message,), {}) for name in PLAIN},
)


def request(**verb: object) -> SimpleNamespace:
    """Wrap the one message *verb* as the runtime expects its requests."""
    return SimpleNamespace(request=SimpleNamespace(**verb), properties={"protos": PROTOS, "host": "127.0.0.1"})
