"""How azure-data-tables spells a row, a version and a refusal."""

from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from shared.errors import RowTooLargeError, StorageError
from shared.state_storage import storage_error

if TYPE_CHECKING:
    from azure.core.exceptions import AzureError

#: Codes by which the service itself refuses a size, e.g. that of the merged row.
TOO_LARGE = frozenset({"EntityTooLarge", "PropertyValueTooLarge", "TooManyProperties", "RequestBodyTooLarge"})


class Answer:
    """Hears each answer (a ``raw_response_hook``), refusals too, for the store's clock."""

    def __init__(self, operation: str) -> None:
        self._operation = operation
        self._date: str | None = None

    def __call__(self, response: Any) -> None:  # noqa: ANN401 - azure-core's PipelineResponse, generic twice over
        """Remember the ``Date`` of *response*."""
        self._date = response.http_response.headers.get("Date")

    @property
    def at(self) -> datetime:
        """The last answer's ``Date``, UTC; raises StorageError when it had none."""
        if self._date is None:
            raise StorageError(service="table", operation=self._operation, problem="no Date header")
        return parsedate_to_datetime(self._date).astimezone(UTC)

    def refusal(self, error: "AzureError") -> RowTooLargeError | StorageError | None:
        """What *error* means to the caller of a write, or None: somebody else was first.

        The row exists already (409), was changed (412), or is gone (404 of a row that was read).
        """
        status, code = getattr(error, "status_code", None), getattr(error, "error_code", None)
        gone = status == HTTPStatus.NOT_FOUND and self._operation != "insert" and code != "TableNotFound"
        if gone or status in {HTTPStatus.CONFLICT, HTTPStatus.PRECONDITION_FAILED}:
            return None
        if code in TOO_LARGE:
            return RowTooLargeError(what="row", operation=self._operation)
        return storage_error(error, "table", self._operation)


def entity(partition: str, key: str, values: Mapping[str, str | int]) -> dict[str, Any]:
    """Make the SDK's form of a row: every number an Int64, since a plain int is an Int32 to it."""
    numbers = {name: (value, "Edm.Int64") for name, value in values.items() if isinstance(value, int)}
    return {**values, **numbers, "PartitionKey": partition, "RowKey": key}


def values_of(found: Mapping[str, Any]) -> dict[str, str | int]:
    """Read the SDK's form of a row, without its keys; values of other types are somebody else's and left out."""
    plain = {name: getattr(value, "value", value) for name, value in found.items()}
    keys = {"PartitionKey", "RowKey"}
    return {name: value for name, value in plain.items() if name not in keys and isinstance(value, str | int)}


def if_not_modified(etag: str | None) -> dict[str, Any]:
    """Make the SDK's options of a merge that wants the row as it was read; ValueError without *etag*."""
    from azure.core import MatchConditions  # noqa: PLC0415 - not at index
    from azure.data.tables import UpdateMode  # noqa: PLC0415 - not at index

    if etag is None:
        raise ValueError("A merge names the version that was read (etag).")
    return {"mode": UpdateMode.MERGE, "etag": etag, "match_condition": MatchConditions.IfNotModified}


def key_filter(count: int) -> str:
    """Make the $filter for *count* row keys of one partition, for the parameters partition, k0, k1, ...

    The SDK puts the parameters in word by word: hence the spaces around the brackets.
    """
    condition = " or ".join(f"RowKey eq @k{number}" for number in range(count))
    return f"PartitionKey eq @partition and ( {condition} )"
