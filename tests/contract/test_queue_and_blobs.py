"""The queue and the blob containers on Azurite."""

import base64
import json
from collections.abc import Iterator
from datetime import timedelta
from typing import TYPE_CHECKING
from urllib.parse import unquote

import pytest
from azure.storage.blob import ContainerClient
from azure.storage.queue import QueueClient

from shared.errors import StorageError
from shared.gateways.blobs import DEAD_LETTERS, LARGE_EVENTS, BlobContainer
from shared.gateways.queue import QUEUE, StorageQueue
from shared.settings import StateStorage
from shared.transport import Transport, build_transport

if TYPE_CHECKING:
    from local.azurite import Azurite


@pytest.fixture(scope="module")
def transport() -> Iterator[Transport]:
    """Give one transport for all."""
    with build_transport() as opened:
        yield opened


@pytest.fixture
def storage(azurite: "Azurite") -> StateStorage:
    """Give the settings of Azurite."""
    return StateStorage(connection_string=azurite.connection_string)


@pytest.fixture
def queue(storage: StateStorage, transport: Transport) -> StorageQueue:
    """Give the queue under test."""
    return StorageQueue.connect(storage, transport=transport)


@pytest.fixture
def receiver(storage: StateStorage) -> Iterator[QueueClient]:
    """Give the other end of the queue, emptied."""
    with QueueClient.from_connection_string(storage.connection_string, QUEUE) as client:
        client.clear_messages()
        yield client


def test_message_arrives_as_base64_and_never_expires(queue: StorageQueue, receiver: QueueClient) -> None:
    """What is sent is received, byte for byte, at once."""
    message = json.dumps({"event": {"id": "1", "text": "<é & ü>"}}).encode()
    queue.send(message)
    received = receiver.receive_message()
    assert received is not None
    assert base64.b64decode(received.content, validate=True) == message
    assert received.expires_on is not None
    assert received.expires_on.year == 9999


def test_delayed_message_is_not_visible_yet(queue: StorageQueue, receiver: QueueClient) -> None:
    """A message with a delay is in the queue, but nobody receives it."""
    queue.send(b"{}", after=timedelta(hours=1))
    assert receiver.get_queue_properties().approximate_message_count == 1
    assert receiver.receive_message() is None


def test_largest_message_fits(queue: StorageQueue, receiver: QueueClient) -> None:
    """48 KiB become the 64 KiB that a message holds; a byte more is refused by the service."""
    queue.send(b"x" * 48 * 1024)
    received = receiver.receive_message()
    assert received is not None
    assert len(received.content) == 64 * 1024
    with pytest.raises(StorageError) as caught:
        queue.send(b"x" * (48 * 1024 + 1))
    assert caught.value.facts["status"] == 413


@pytest.fixture(params=[DEAD_LETTERS, LARGE_EVENTS])
def container(request: pytest.FixtureRequest) -> str:
    """Give the name of each container in turn."""
    return str(request.param)


@pytest.fixture
def blobs(storage: StateStorage, transport: Transport, container: str) -> BlobContainer:
    """Give the container under test."""
    return BlobContainer.connect(storage, container, transport=transport)


@pytest.mark.parametrize("content", [b"", b"\x00\xff raw", b"x" * 300_000])
def test_blob_is_read_as_written(blobs: BlobContainer, content: bytes) -> None:
    """Any bytes come back, none too."""
    name = f"read/{len(content)}.json"
    blobs.put(name, content)
    assert blobs.get(name) == content


def test_existing_blob_is_left_alone(blobs: BlobContainer) -> None:
    """The second put of a name is no error and changes nothing."""
    blobs.put("twice/a b'é.json", b"first")
    blobs.put("twice/a b'é.json", b"second")
    assert blobs.get("twice/a b'é.json") == b"first"


def test_missing_blob_is_none(blobs: BlobContainer) -> None:
    """There is nothing of that name."""
    assert blobs.get("missing.json") is None


def test_metadata_survive_any_text(blobs: BlobContainer, storage: StateStorage, container: str) -> None:
    """Text that no header may hold is percent-encoded: nothing of it can become a header of its own."""
    metadata = {"reason": "über 100%\r\nx-ms-evil: 1", "operation": "a-b_c (1); d=2"}
    blobs.put("metadata.json", b"x", metadata=metadata)
    with ContainerClient.from_connection_string(storage.connection_string, container) as client:
        found = client.get_blob_client("metadata.json").get_blob_properties().metadata
    assert {name: unquote(value) for name, value in found.items()} == metadata
    assert found["operation"] == metadata["operation"]


def test_missing_container_is_a_storage_error(storage: StateStorage, transport: Transport) -> None:
    """A container that infrastructure did not create is no missing blob."""
    nowhere = BlobContainer.connect(storage, "nowhere", transport=transport)
    with pytest.raises(StorageError):
        nowhere.get("a.json")
    with pytest.raises(StorageError):
        nowhere.put("a.json", b"x")
