"""`python -m ops`: the service's operations, for a person or a script."""

import typer

from ops import compile as compiling
from ops import (
    dead_letters,
    filters,
    init,
    mails,
    outcome_schema,
    pauses,
    preview,
    probing,
    purge,
    schema,
    silences,
    state_docs,
    tried,
    validate,
    why,
)
from ops.doctor import command as diagnosis
from ops.options import ACCESS_CODES, CODES

app = typer.Typer(
    help="The operator's command line of Workspace Reactor.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,  # it would print settings, and with them keys
)
app.add_typer(dead_letters.app, name="dead-letters")

app.command("why", epilog=ACCESS_CODES)(why.why)
app.command("history", epilog=ACCESS_CODES)(why.history)
app.command("pause", epilog=ACCESS_CODES)(pauses.pause)
app.command("resume", epilog=ACCESS_CODES)(pauses.resume)
app.command("pauses", epilog=ACCESS_CODES)(pauses.pauses)
app.command("silence", epilog=ACCESS_CODES)(silences.silence)
app.command("unsilence", epilog=ACCESS_CODES)(silences.unsilence)
app.command("silences", epilog=ACCESS_CODES)(silences.silences)
app.command("send-test-mail", epilog=ACCESS_CODES)(probing.send_test_mail)
app.command("purge", epilog=ACCESS_CODES)(purge.purge)
app.command("init", epilog=CODES)(init.command)
app.command("compile", epilog=CODES)(compiling.command)
app.command("validate", epilog=CODES)(validate.command)
app.command("try", epilog=CODES)(tried.command)
app.command("preview", epilog=ACCESS_CODES)(preview.command)
app.command("doctor", epilog=diagnosis.CODES)(diagnosis.doctor)
app.command("schema", epilog=CODES)(schema.command)
app.command("filters", epilog=CODES)(filters.command)
app.command("mails", epilog=CODES)(mails.command)
app.command("outcome-schema", epilog=CODES)(outcome_schema.command)
app.command("state-docs", epilog=CODES)(state_docs.command)


if __name__ == "__main__":
    app(prog_name="python -m ops")
