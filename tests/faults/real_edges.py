"""The simulated host and ledger on the shipped gateways of jobs and mail, which meet the stand-in for Azure."""

import contextlib
import socket
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from azure.core.credentials import AccessToken

from local.azure import Entry, StandIn, World
from local.azure.clock import now
from local.azure.identity import token
from local.furniture import WORKSPACE, furnish
from local.twin import ROOT
from shared.gateways.jobs import ArmJobs
from shared.gateways.lineage import AzureMlLineages
from shared.gateways.mail import CommunicationMail
from shared.transport import Transport, build_transport
from tests.fakes.azure import stand_in
from tests.fakes.gateways import Unrationed
from tests.fakes.service import EACH, Clock, rules
from tests.faults.simulation import Simulation

ENDPOINT = "https://acs-demo.communication.azure.com"


class Credential:
    """A credential whose tokens the stand-in takes; no request is made for them."""

    def get_token(self, *scopes: str, **_: object) -> AccessToken:
        """Give a token for the scope's resource."""
        expires = int(now().timestamp()) + 3600
        return AccessToken(token(scopes[0].removesuffix("/.default"), expires), expires)


@dataclass
class PairedClock(Clock):
    """The store's clock, and with it the stand-in's: both move on together."""

    azure: StandIn | None = None

    def __setattr__(self, name: str, value: Any) -> None:
        azure = getattr(self, "azure", None)
        if name == "now" and azure is not None and value > self.now:
            azure.clock.advance(value - self.now)
        super().__setattr__(name, value)


class RealEdges:
    """The gateways as they ship, on one transport; many simulations may use them, one after the other."""

    def __init__(self, azure: StandIn, transport: Transport) -> None:
        self.azure = azure
        self.workspace = azure.workspace(**WORKSPACE)
        furnish(self.workspace)
        self.jobs = ArmJobs(transport=transport, credential=Credential(), folder=ROOT)
        self.lineages = AzureMlLineages(transport=transport, credential=Credential())
        self.mail = CommunicationMail(
            endpoint=ENDPOINT, sender="reactor@example.com", transport=transport, credential=Credential()
        )

    def simulation(self) -> Simulation:
        """Return a new service: an empty ledger, an empty queue, by today's date, which the mail service compares."""
        clock = PairedClock(now=now().replace(microsecond=0), azure=self.azure)
        jobs: Any = self.jobs
        mail: Any = Unrationed(self.mail)
        lineages: Any = self.lineages
        return Simulation(reactions=rules(EACH), clock=clock, jobs=jobs, mail=mail, lineages=lineages)

    def requests(self) -> tuple[Entry, ...]:
        """Return what was asked of Azure ML and of the mail service so far."""
        return tuple(entry for entry in self.azure.journal.entries if entry.host.endswith(".azure.com"))

    def started(self, identity: str) -> list[str]:
        """Return the names of the jobs that were started for one event."""
        stamps = {name: job.properties.get("properties", {}) for name, job in self.workspace.jobs.items()}
        return [name for name, stamp in stamps.items() if stamp.get("reactor_identity") == identity]


@contextlib.contextmanager
def real_edges(world: World) -> Iterator[RealEdges]:
    """Run a stand-in of *world* that this process reaches by Azure's names, without a proxy: a drop is a drop."""
    resolve = socket.getaddrinfo
    with pytest.MonkeyPatch.context() as patch, stand_in(patch, world=world, scale=1.0) as azure:
        for name in ("HTTPS_PROXY", "https_proxy"):
            patch.delenv(name)

        def redirect(host: str, port: int, *rest: Any, **named: Any) -> Any:
            return resolve(*(("127.0.0.1", azure.port) if port == 443 else (host, port)), *rest, **named)

        patch.setattr(socket, "getaddrinfo", redirect)
        with build_transport() as transport:
            yield RealEdges(azure, transport)
