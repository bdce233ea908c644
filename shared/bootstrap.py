"""Composition root: everything is built lazily, once per process; nothing happens at import."""

import random
import secrets
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from shared import __version__
from shared import settings as app_settings
from shared.allowance import Allowance
from shared.closing import Closer
from shared.gateways import Blobs, DeadLetters, Jobs, Lineages, Mail, Queue, Runs
from shared.gateways.dead_letters import BlobDeadLetters
from shared.inquiry import Inquiry
from shared.ledger import Ledger
from shared.messages import Message
from shared.once import once
from shared.orchestration import Orchestration
from shared.post import Post
from shared.preparation import Preparation
from shared.ration import Ration
from shared.reactions import Reactions, Vocabulary
from shared.store import Store
from shared.switches import Switches
from shared.telemetry import quieten_sdks
from shared.transport import Transport, build_transport

if TYPE_CHECKING:
    from azure.core.credentials import TokenCredential

    from shared.job_templates.inputs import JobInput


class Service:
    """The service of one process: its settings, clients and reactions.

    Every property raises ConfigurationError when the deployment is not usable as it is configured.
    """

    def __init__(self, *, environ: Mapping[str, str], folder: Path, vocabularies: Mapping[str, Vocabulary]) -> None:
        self._environ, self._folder, self._vocabularies = environ, folder, vocabularies
        self._credential = cache(self._build_credential)
        self._preparation = Preparation()

    def prepare(self) -> None:
        """Begin to import what the first event needs: a host that has the index is not ready for events yet."""
        self._preparation.begin()

    @once
    def settings(self) -> app_settings.Settings:
        """The app settings."""
        return app_settings.load(self._environ, folder=self._folder)

    @once
    def reactions(self) -> Reactions:
        """The rules, checked against the job files they name."""
        # PyYAML is needed once per process and not at index.
        from shared.reactions.file import load, read

        file = self.settings.reactions_file
        return load(
            read(file),
            file=file.name,
            vocabularies=self._vocabularies,
            addresses={"OPS_EMAIL": self.settings.ops_email},
            job_inputs=self._job_inputs,
        )

    @once
    def queue(self) -> Queue:
        """The queue of workspace events."""
        from shared.gateways.queue import StorageQueue

        return StorageQueue.connect(self._storage, transport=self._transport, credential=self._storage_credential)

    @once
    def large_events(self) -> Blobs:
        """Events too large for a message."""
        from shared.gateways.blobs import LARGE_EVENTS

        return self._container(LARGE_EVENTS)

    @once
    def dead_letters(self) -> DeadLetters:
        """What needs a person."""
        from shared.gateways.blobs import DEAD_LETTERS

        return BlobDeadLetters(self._container(DEAD_LETTERS))

    @once
    def store(self) -> Store:
        """The table."""
        from shared.store import TableStore

        return TableStore.connect(self._storage, transport=self._transport, credential=self._storage_credential)

    @once
    def ledger(self) -> Ledger:
        """Decisions and outcomes."""
        return Ledger(self.store, installation=self.settings.installation, dry_run=self.settings.dry_run)

    @once
    def switches(self) -> Switches:
        """What a person has paused."""
        return Switches(self.store, reactions=[rule.name for rule in self.reactions.rules])

    @once
    def jobs(self) -> Jobs:
        """Azure ML jobs."""
        from shared.gateways.jobs import ArmJobs

        credential = self._credential(self.settings.client_id)
        return ArmJobs(transport=self._transport, credential=credential, folder=self._folder)

    @once
    def lineages(self) -> Lineages:
        """What Azure ML tells of the jobs behind models and runs."""
        from shared.gateways.lineage import AzureMlLineages

        return AzureMlLineages(transport=self._transport, credential=self._credential(self.settings.client_id))

    @once
    def closer(self) -> Closer:
        """What closes the loop after a job."""
        from shared.gateways.closing import connect

        credential = self._credential(self.settings.client_id)
        return connect(self.settings, transport=self._transport, credential=credential)

    @once
    def runs(self) -> Runs:
        """What Azure ML tells of failed jobs."""
        from shared.gateways.runs import AzureMlRuns

        return AzureMlRuns(transport=self._transport, credential=self._credential(self.settings.client_id))

    @once
    def post(self) -> Post:
        """Mail within its allowance, summaries and test mails included."""
        from shared.gateways.mail import CommunicationMail
        from shared.mail.overrides import FOLDER, checked

        told, credential = self.settings, self._credential(self.settings.client_id)
        return Post(
            service=CommunicationMail(
                endpoint=told.mail_endpoint,
                sender=told.mail_sender,
                transport=self._transport,
                credential=credential,
                templates=checked(told.reactions_file.parent / FOLDER),
            ),
            ration=Ration(self.store, Allowance(per_minute=told.mail_per_minute, per_hour=told.mail_per_hour)),
            store=self.store,
            queue=self.queue,
            daily=told.mail_digest_at,
        )

    @once
    def mail(self) -> Mail:
        """Communication Services mail, within its allowance."""
        post: Post = self.post
        return post

    def accepts(self, workspace: str) -> bool:
        """Is this one of the workspaces to react to, without regard to case."""
        return workspace.casefold() in self.settings.workspaces

    def orchestration(self, message: Message) -> Orchestration:
        """Return the orchestration of one delivery."""
        return Orchestration(
            message=message,
            reactions=self.reactions,
            ledger=self.ledger,
            jobs=self.jobs,
            runs=self.runs,
            mail=self.mail,
            queue=self.queue,
            dead_letters=self.dead_letters,
            inquiry=Inquiry(switches=self.switches, lineages=self.lineages),
            closer=self.closer,
            new_token=secrets.token_hex,
            jitter=random.random,
            version=__version__,
            dry_run=self.settings.dry_run,
        )

    def _job_inputs(self, job: str) -> "Mapping[str, JobInput]":
        from shared.job_templates import load_template

        return {declared.name: declared for declared in load_template(self._folder / job).inputs}

    @once
    def _storage(self) -> app_settings.StateStorage:
        quieten_sdks()
        return app_settings.load_storage(self._environ)

    @once
    def _transport(self) -> Transport:
        self._preparation.wait()  # every client begins here
        return build_transport()

    @property
    def _storage_credential(self) -> "TokenCredential | None":
        return None if self._storage.connection_string else self._credential(self._storage.client_id)

    def _container(self, name: str) -> Blobs:
        from shared.gateways.blobs import BlobContainer

        return BlobContainer.connect(
            self._storage, name, transport=self._transport, credential=self._storage_credential
        )

    def _build_credential(self, client_id: str) -> "TokenCredential":
        """One credential per identity and process: it holds the token cache. The queue is the retry engine."""
        transport = self._transport  # first: see there
        from azure.identity import ManagedIdentityCredential

        return ManagedIdentityCredential(client_id=client_id or None, transport=transport, retry_total=0)
