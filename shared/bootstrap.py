"""Composition root: everything is built lazily, once per process; nothing happens at import."""

import random
import secrets
from collections.abc import Mapping
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

from shared import __version__
from shared.edges import Edges
from shared.once import once
from shared.preparation import Preparation

if TYPE_CHECKING:
    from shared.gateways import Mail
    from shared.job_templates.inputs import JobInput
    from shared.ledger import Ledger
    from shared.messages import Message
    from shared.orchestration import Orchestration
    from shared.post import Post
    from shared.reactions import Reactions, Vocabulary
    from shared.switches import Switches

#: What every process needs, and no index does.
BEFORE_AN_EVENT = (
    "azure.identity",
    "azure.mgmt.core.policies",
    "azure.storage.queue",
    "shared.orchestration",
    "shared.post",
    "shared.store.transactions",
    "shared.switches",
    "shared.transport.deadline_transport",
)


class Service(Edges):
    """The service of one process: its edges, its rules, and what carries them out.

    Every property raises ConfigurationError when the deployment is not usable as it is configured.
    """

    def __init__(self, *, environ: Mapping[str, str], folder: Path, vocabularies: "Mapping[str, Vocabulary]") -> None:
        super().__init__(environ=environ, folder=folder, preparation=Preparation(import_all))
        self._vocabularies = vocabularies

    @once
    def reactions(self) -> "Reactions":
        """The rules, checked against the job files they name."""
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
    def ledger(self) -> "Ledger":
        """Decisions and outcomes."""
        from shared.ledger import Ledger

        return Ledger(self.store, installation=self.settings.installation, dry_run=self.settings.dry_run)

    @once
    def switches(self) -> "Switches":
        """What a person has paused."""
        from shared.switches import Switches

        return Switches(self.store, reactions=[rule.name for rule in self.reactions.rules])

    @once
    def post(self) -> "Post":
        """Mail within its allowance, summaries and test mails included."""
        from shared.allowance import Allowance
        from shared.gateways.mail import CommunicationMail
        from shared.mail.overrides import FOLDER, checked
        from shared.post import Post
        from shared.ration import Ration

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
    def mail(self) -> "Mail":
        """Communication Services mail, within its allowance."""
        post: Post = self.post
        return post

    def accepts(self, workspace: str) -> bool:
        """Is this one of the workspaces to react to, without regard to case."""
        return workspace.casefold() in self.settings.workspaces

    def orchestration(self, message: "Message") -> "Orchestration":
        """Return the orchestration of one delivery."""
        from shared.inquiry import Inquiry
        from shared.orchestration import Orchestration

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


def import_all() -> None:
    """Import what carries events out, and what clients are built from; nothing is built or sent."""
    for name in BEFORE_AN_EVENT:
        import_module(name)
