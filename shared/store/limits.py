"""What a row of Azure Table storage may hold, checked before anything is sent (emulators do not).

The limits: https://learn.microsoft.com/rest/api/storageservices/understanding-the-table-service-data-model
"""

from collections.abc import Mapping

from shared.errors import RowTooLargeError

#: A string property holds 64 KiB of UTF-16.
PROPERTY_CHARACTERS = 32 * 1024
#: A partition key or row key holds 1 KiB of UTF-16.
KEY_CHARACTERS = 512
#: A row holds 255 properties, three of which are the keys and the timestamp.
PROPERTIES = 252
ROW_BYTES = 1024 * 1024
INT64 = range(-(2**63), 2**63)


def check_row(partition: str, key: str, values: Mapping[str, str | int]) -> None:
    """Raise RowTooLargeError, with what is too large and its size, for a row that the service would refuse."""
    for name, text in (("PartitionKey", partition), ("RowKey", key)):
        _within(name, _characters(text), KEY_CHARACTERS)
    _within("properties", len(values), PROPERTIES)
    size = 4 + 2 * (_characters(partition) + _characters(key))
    for name, value in values.items():
        if isinstance(value, str):
            _within(name, _characters(value), PROPERTY_CHARACTERS)
            size += 12 + 2 * (len(name) + _characters(value))
        else:
            if value not in INT64:
                raise RowTooLargeError(what=name, size=value.bit_length(), limit=63)
            size += 16 + 2 * len(name)
    _within("row", size, ROW_BYTES)


def _within(what: str, size: int, limit: int) -> None:
    if size > limit:
        raise RowTooLargeError(what=what, size=size, limit=limit)


def _characters(text: str) -> int:
    """UTF-16 code units: what the service counts."""
    return len(text) if text.isascii() else len(text.encode("utf-16-le", "surrogatepass")) // 2
