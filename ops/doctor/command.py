"""The command `doctor`."""

import re
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ops.doctor.arm import Arm
from ops.doctor.finding import exit_code
from ops.doctor.look import Look, app_id
from ops.doctor.registry import examine
from ops.doctor.rendering import document, tell
from ops.options import HERE, AsJson, Folder
from ops.problems import OpsError, usage
from ops.settings_at_hand import at_hand
from ops.terminal import complain, console, put_json, silenced
from shared.transport import build_transport

if TYPE_CHECKING:
    from azure.core.credentials import TokenCredential

APP_ID = re.compile(r"/subscriptions/[^/]+/resourceGroups/[^/]+/providers/Microsoft\.Web/sites/[^/]+", re.IGNORECASE)
CODES = (
    "Exit codes: 0 fine (there may be warnings), 1 something failed, "
    "2 something could not be looked at, or usage (a wrong option)."
)


def doctor(
    *,
    app: Annotated[
        str,
        typer.Option(
            "--app", metavar="ID", envvar="AZURE_FUNCTION_APP_ID", help="ARM id of the function app, as azd has it too."
        ),
    ],
    settings: Annotated[
        Path | None,
        typer.Option(
            "--settings",
            metavar="FILE",
            help="What the app's settings should be; taken for them where you may not list them.",
        ),
    ] = None,
    folder: Folder = HERE,
    as_json: AsJson = False,
) -> None:
    """Compare an installation in Azure with what the code expects of it, and tell the remedy of whatever differs.

    It only reads, with your own login; what that may not see is told with the right that it needs.
    """
    try:
        if not APP_ID.fullmatch(app):
            raise usage("--app is the ARM id of a function app", app_id("GROUP", "APP"))
        expected = dict(at_hand(settings).values) if settings else {}
    except OpsError as error:
        raise complain(error, as_json=as_json) from None
    with silenced("azure", "msal", "urllib3"), build_transport() as transport:

        @cache
        def login() -> "TokenCredential":
            from azure.identity import DefaultAzureCredential  # noqa: PLC0415 - half a second, not for `--help`

            return DefaultAzureCredential(transport=transport)

        look = Look(
            app=app,
            folder=folder,
            expected=expected,
            arm=Arm(transport=transport, credential=login()),
            transport=transport,
            credential=login,
            now=lambda: datetime.now(UTC),  # noqa: TID251 - the clock of this machine is what one check is about
        )
        found = list(examine(look))
    if as_json:
        put_json(document(found))
    else:
        tell(console(), found)
    raise typer.Exit(exit_code([finding for _, finding in found]))
