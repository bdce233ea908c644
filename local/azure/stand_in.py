"""The stand-in for Azure: everything behind one port, wired together."""

import re
import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Self

from local.azure.arm import Arm
from local.azure.certificates import Certificates
from local.azure.clock import ScaledClock
from local.azure.communication import Communication
from local.azure.contracts import FOLDER, Contracts
from local.azure.deployed import Deployed
from local.azure.event_grid import EventGrid
from local.azure.events import stable_id
from local.azure.faults import Faults
from local.azure.identity import CLIENT_ID, PATH, Identity
from local.azure.journal import Journal
from local.azure.messages import Answer, Request, Service, unknown_url
from local.azure.mlflow import MlFlow
from local.azure.run_history import RunHistory
from local.azure.server import Dropped, Reply, Server
from local.azure.storage_reads import StorageReads
from local.azure.workspace import Workspace
from local.azure.world import World

SUBSCRIPTION = "00000000-0000-0000-0000-000000000000"
LIKELY = World()


class StandIn:
    """A context manager: Azure on loopback while it is open.

    Production SDKs reach it by Azure's real host names once `environment` is merged into their environment. *scale*:
    scaled seconds per real second. *check_contracts*: answer 400 to bodies that break the published contracts.
    *patience*: real seconds that an event's receiver has. *seed*: of the disorder that `event_grid` makes on request.
    """

    def __init__(
        self,
        *,
        scale: float = 1.0,
        world: World = LIKELY,
        check_contracts: bool = True,
        patience: float = 30.0,
        seed: int = 1,
    ) -> None:
        contracts = Contracts(FOLDER if check_contracts else None)
        self._folder = Path(tempfile.mkdtemp(prefix="azure-"))
        self._workspaces: dict[str, Workspace] = {}
        self._failures: list[BaseException] = []
        self.world = world
        self.clock = ScaledClock(scale)
        self.journal = Journal(contracts.status)
        self.faults = Faults()
        self.identity = Identity()
        self.mailbox = Communication(self.clock, world, contracts)
        self.event_grid = EventGrid(self.clock, seed=seed, patience=patience)
        self.deployed = Deployed()
        self.storage_reads = StorageReads()
        self._certificates = Certificates(self._folder)
        self._services: tuple[Service, ...] = (
            self.identity,
            Arm(self._workspaces, world, contracts),
            self.deployed,
            self.storage_reads,
            RunHistory(self._workspaces),
            MlFlow(self._workspaces),
            self.mailbox,
            self.event_grid,
        )
        self._server = Server(self._exchange, self._certificates.server_context(), self._failures.append)

    def __enter__(self) -> Self:
        self._server.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.event_grid.close()
        self.clock.close()
        self._server.stop()
        shutil.rmtree(self._folder, ignore_errors=True)

    @property
    def port(self) -> int:
        """The port on 127.0.0.1: HTTP, CONNECT proxy, and TLS for redirected host names, all on the one."""
        return int(self._server.server_address[1])

    @property
    def authority(self) -> Path:
        """File with the certificate that clients must trust."""
        return self._certificates.authority

    @property
    def environment(self) -> Mapping[str, str]:
        """What the app's environment must contain to meet the stand-in instead of Azure."""
        proxy, direct = f"http://127.0.0.1:{self.port}", "127.0.0.1,localhost"
        return {
            "HTTPS_PROXY": proxy,
            "https_proxy": proxy,
            "NO_PROXY": direct,
            "no_proxy": direct,
            "REQUESTS_CA_BUNDLE": str(self.authority),
            "SSL_CERT_FILE": str(self.authority),
            "IDENTITY_ENDPOINT": f"{proxy}{PATH}",
            "IDENTITY_HEADER": self.identity.header,
            "AZURE_CLIENT_ID": CLIENT_ID,
        }

    @property
    def failures(self) -> tuple[BaseException, ...]:
        """Errors of the stand-in itself; there should be none."""
        return (*self._failures, *self.clock.failures)

    @property
    def pending(self) -> int:
        """What is still to happen: transitions of jobs, deliveries, retries, dead letters."""
        return self.clock.pending

    def wait_until_idle(self, timeout: float) -> bool:
        """Wait until nothing more is due, at most *timeout* real seconds; False when something still is."""
        return self.clock.wait_until_idle(timeout)

    def workspace(
        self,
        name: str = "mlw-demo",
        *,
        group: str = "rg-mlops",
        subscription: str = SUBSCRIPTION,
        region: str = "westeurope",
    ) -> Workspace:
        """The workspace of that name, made where it is not there yet."""
        arm_id = (
            f"/subscriptions/{subscription}/resourceGroups/{group}"
            f"/providers/Microsoft.MachineLearningServices/workspaces/{name}"
        )
        return self._workspaces.setdefault(
            arm_id.casefold(),
            Workspace(arm_id, region=region, clock=self.clock, publish=self.event_grid.publish),
        )

    def _exchange(self, request: Request) -> Reply:
        """Answer one request as the rules for faults and the services say, and write it down."""
        fault = self.faults.take(request)
        own = self._ask(request) if fault is None or fault.reaches_service else Answer(status=0)
        answer = (fault.answer if fault else None) or own
        dropped = fault is not None and bool(fault.drop)
        self.journal.record(request, own, status=0 if dropped else answer.status, fault=fault is not None)
        if fault is not None:
            if fault.then is not None:
                fault.then(request)
            self._server.stopping.wait(fault.delay)
            if dropped:
                raise Dropped
        ids = {"x-ms-request-id": stable_id(self.identity.header, str(len(self.journal.entries)))}
        named = Answer(status=answer.status, body=answer.body, headers={**ids, **answer.headers})
        return Reply(named, drip=fault.drip if fault else 0.0)

    def _ask(self, request: Request) -> Answer:
        for service in self._services:
            if re.fullmatch(service.hosts, request.host):
                try:
                    answer = service.answer(request)
                except Exception as error:  # noqa: BLE001 - kept in `failures`; the client gets an answer
                    self._failures.append(error)
                    return Answer(status=500, body={"error": {"code": "StandInBroken", "message": repr(error)}})
                if answer is not None:
                    return answer
        return unknown_url(request)
