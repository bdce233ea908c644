"""The edges of the service: its settings, and clients of what is outside, each built at first use, once per process."""

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from shared import settings as app_settings
from shared.once import once
from shared.preparation import Preparation
from shared.telemetry import quieten_sdks

if TYPE_CHECKING:
    from azure.core.credentials import TokenCredential

    from shared.closing import Closer
    from shared.gateways import Blobs, DeadLetters, Jobs, Lineages, Queue, Runs
    from shared.store import Store
    from shared.transport import Transport


class Edges:
    """What one process has of storage, Azure ML and mail.

    Every property raises ConfigurationError when the deployment is not usable as it is configured.
    """

    def __init__(self, *, environ: Mapping[str, str], folder: Path, preparation: Preparation) -> None:
        self._environ, self._folder, self._preparation = environ, folder, preparation
        self._credential = cache(self._build_credential)

    def prepare(self) -> None:
        """Begin to import what the first event needs: a host that has the index is not ready for events yet."""
        self._preparation.begin()

    @once
    def settings(self) -> app_settings.Settings:
        """The app settings."""
        return app_settings.load(self._environ, folder=self._folder)

    @once
    def queue(self) -> "Queue":
        """The queue of workspace events."""
        from shared.gateways.queue import StorageQueue

        return StorageQueue.connect(self._storage, transport=self._transport, credential=self._storage_credential)

    @once
    def large_events(self) -> "Blobs":
        """Events too large for a message."""
        from shared.gateways.blobs import LARGE_EVENTS

        return self._container(LARGE_EVENTS)

    @once
    def dead_letters(self) -> "DeadLetters":
        """What needs a person."""
        from shared.gateways.blobs import DEAD_LETTERS
        from shared.gateways.dead_letters import BlobDeadLetters

        return BlobDeadLetters(self._container(DEAD_LETTERS))

    @once
    def store(self) -> "Store":
        """The table."""
        from shared.store import TableStore

        return TableStore.connect(self._storage, transport=self._transport, credential=self._storage_credential)

    @once
    def jobs(self) -> "Jobs":
        """Azure ML jobs."""
        from shared.gateways.jobs import ArmJobs

        credential = self._credential(self.settings.client_id)
        return ArmJobs(transport=self._transport, credential=credential, folder=self._folder)

    @once
    def lineages(self) -> "Lineages":
        """What Azure ML tells of the jobs behind models and runs."""
        from shared.gateways.lineage import AzureMlLineages

        return AzureMlLineages(transport=self._transport, credential=self._credential(self.settings.client_id))

    @once
    def closer(self) -> "Closer":
        """What closes the loop after a job."""
        from shared.gateways.closing import connect

        credential = self._credential(self.settings.client_id)
        return connect(self.settings, transport=self._transport, credential=credential)

    @once
    def runs(self) -> "Runs":
        """What Azure ML tells of failed jobs."""
        from shared.gateways.runs import AzureMlRuns

        return AzureMlRuns(transport=self._transport, credential=self._credential(self.settings.client_id))

    @once
    def _storage(self) -> app_settings.StateStorage:
        quieten_sdks()
        return app_settings.load_storage(self._environ)

    @once
    def _transport(self) -> "Transport":
        from shared.transport import build_transport

        self._preparation.wait()  # every client begins here
        return build_transport()

    @property
    def _storage_credential(self) -> "TokenCredential | None":
        return None if self._storage.connection_string else self._credential(self._storage.client_id)

    def _container(self, name: str) -> "Blobs":
        from shared.gateways.blobs import BlobContainer

        return BlobContainer.connect(
            self._storage, name, transport=self._transport, credential=self._storage_credential
        )

    def _build_credential(self, client_id: str) -> "TokenCredential":
        """One credential per identity and process: it holds the token cache. The queue is the retry engine."""
        transport = self._transport  # first: see there
        from azure.identity import ManagedIdentityCredential

        return ManagedIdentityCredential(client_id=client_id or None, transport=transport, retry_total=0)
