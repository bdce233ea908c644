"""`python -m local demo | dev | send`: the offline twin for people."""

import json
import sys
import urllib.error
import urllib.request
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from local.twin import ROOT

RUNNING = ROOT / ".local" / "twin.json"

app = typer.Typer(
    help="The offline twin: the whole service without Azure.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)


@app.command()
def demo() -> None:
    """Play the story: events, decisions, effects. Exit code 1 when an effect is missing or extra."""
    from local.demo import run  # noqa: PLC0415 - `send` shall not pay for it

    raise typer.Exit(run(Console()))


@app.command()
def dev() -> None:
    """Keep the twin running, and print what happens, until Ctrl-C."""
    from local.dev import run  # noqa: PLC0415 - `send` shall not pay for it

    run(Console(), RUNNING)


@app.command()
def send(
    file: Annotated[Path, typer.Argument(help="A JSON file: one event, or an array; both schemas.", dir_okay=False)],
) -> None:
    """Send the events of a file to the running twin, as Event Grid delivers them."""
    try:
        content = file.read_bytes()
        json.loads(content)
    except FileNotFoundError:
        sys.exit(f"there is no file {file}")
    except (ValueError, OSError) as error:
        sys.exit(f"{file} is no JSON file that can be read ({type(error).__name__})")
    if not RUNNING.exists():
        sys.exit("no twin is running; start one with `make dev`")
    running = json.loads(RUNNING.read_text())
    for function in running["functions"]:
        url = f"{running['url']}/runtime/webhooks/EventGrid?functionName={function}"
        headers = {"aeg-event-type": "Notification", "Content-Type": "application/json"}
        request = urllib.request.Request(url, content, headers)  # noqa: S310 - the twin's own address
        try:
            with urllib.request.urlopen(request, timeout=30) as answer:  # noqa: S310 - as above
                print(f"{function}: {answer.status}")
        except urllib.error.HTTPError as error:
            print(f"{function}: {error.code} {error.read().decode(errors='replace')}")
        except OSError:
            sys.exit("the twin does not answer (any more); start it with `make dev`")


if __name__ == "__main__":
    app()
