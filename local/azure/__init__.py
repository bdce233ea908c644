"""A stand-in for Azure that behaves: Azure ML, Communication Services, Event Grid and managed identity on loopback.

Production SDKs reach it, unmodified, by Azure's real host names::

    with StandIn(scale=60) as azure:
        workspace = azure.workspace("mlw-demo")
        app_environment |= azure.environment
        workspace.register_model("churn", tags={"stage": "candidate"})
"""

from local.azure.acts import Breach
from local.azure.clock import ScaledClock
from local.azure.communication import Mail
from local.azure.event_grid import EventGrid
from local.azure.faults import Fault
from local.azure.journal import Entry, Journal
from local.azure.life import Pace
from local.azure.stand_in import StandIn
from local.azure.workspace import Workspace
from local.azure.world import KIND, UNKIND, World

__all__ = [
    "KIND",
    "UNKIND",
    "Breach",
    "Entry",
    "EventGrid",
    "Fault",
    "Journal",
    "Mail",
    "Pace",
    "ScaledClock",
    "StandIn",
    "Workspace",
    "World",
]
