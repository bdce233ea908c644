"""`python -m ops`: the service's operations, for a person or a script."""

import typer

from ops import dead_letters

app = typer.Typer(
    help="The operator's command line of Workspace Reactor.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,  # it would print settings, and with them keys
)
app.add_typer(dead_letters.app, name="dead-letters")


@app.callback()
def main() -> None:
    """Keep `dead-letters` a word of its own, also while it is the only one."""


if __name__ == "__main__":
    app(prog_name="python -m ops")
