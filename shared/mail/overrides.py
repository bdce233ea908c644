"""The team's own templates of mails: `mails/` beside reactions.yaml, looked at before any mail depends on them."""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from shared.errors import ConfigurationError
from shared.mail.kinds import KINDS, Kind
from shared.mail.limits import LARGEST, TIGHT
from shared.mail.templates import GENERAL, environment
from shared.mail.view import view
from shared.notices import Change, Diagnosis, DigestEntry, Incident, Measurement, Notice
from shared.yaml_document import did_you_mean

if TYPE_CHECKING:
    from jinja2 import nodes

#: Where a team's own templates are, beside reactions.yaml.
FOLDER = "mails"

#: Of each thing more than is shown, all of it as long as can be, and of the characters that take most room in HTML.
_LONG = '"' * 1_000
_MANY = {f"{number:03}{_LONG}": _LONG for number in range(100)}
FULL = Notice(
    kind=GENERAL,
    headline=_LONG,
    workspace=_LONG,
    experiment=_LONG,
    run=_LONG,
    status=_LONG,
    time=_LONG,
    reaction=_LONG,
    cause="\n".join([_LONG] * 100),
    job=_LONG,
    why=_LONG,
    tags=_MANY,
    runbook="https://example.com/",
    diagnosis=Diagnosis(
        step=_LONG,
        step_name=_LONG,
        code=_LONG,
        error="\n".join([_LONG] * 100),
        started_by=_LONG,
        last_success=_LONG,
        last_success_at=_LONG,
        changes=(Change(what=_LONG, before=_LONG, after=_LONG),) * 100,
        inputs=_MANY,
        unread=(_LONG,) * 100,
    ),
    incident=Incident(stage="reminder", thread="x", failures=100, since=_LONG, runs=(_LONG,) * 100, until=_LONG),
)
BARE = Notice(kind=GENERAL, headline="", workspace="", experiment="", run="", status="", time="", reaction="")
#: What no mail has together: errors, measurements, and the entries of a digest.
SAMPLES = (
    BARE,
    FULL,
    msgspec.structs.replace(FULL, measurements=(Measurement(metric=_LONG, feature=_LONG, value=-1 / 3),) * 100),
    msgspec.structs.replace(BARE, entries=(DigestEntry(subject=_LONG, headline=_LONG, run=_LONG, since=_LONG),) * 100),
)


def checked(folder: Path) -> Path | None:
    """Return *folder* if there is one; every mistake in it is told with file and line. Raises ConfigurationError."""
    if not folder.is_dir():
        return None
    files = sorted(file for file in folder.iterdir() if file.suffix in {".html", ".txt"})
    if problems := [problem for file in files for problem in _problems(file)]:
        raise ConfigurationError(*problems)
    return folder


def _problems(file: Path) -> Iterator[str]:
    from jinja2 import TemplateError, TemplateSyntaxError  # noqa: PLC0415 - not before the first mail

    told = f"{FOLDER}/{file.name}"
    if file.stem not in KINDS and file.stem != GENERAL:
        hint = did_you_mean(file.stem, (GENERAL, *KINDS)) or f"; known: {', '.join((GENERAL, *KINDS))}"
        yield f"{told}: no kind of mail is called {file.stem!r}{hint}"
        return
    jinja = environment(file.parent)
    try:
        tree = jinja.parse(file.read_text(encoding="utf-8"))
        problems = list(_names(tree)) or list(_escaping(tree))
        for line, problem in problems:
            yield f"{told}:{line}: {problem}"
        if not problems:
            yield from _rendered(file, told)
    except UnicodeDecodeError:
        yield f"{told}: is not UTF-8; save the file as UTF-8"
    except TemplateSyntaxError as error:
        yield f"{told}:{error.lineno}: {error.message}"
    except TemplateError as error:
        yield f"{told}:{_line(error, file)}: {error.message}"


def _names(tree: "nodes.Template") -> Iterator[tuple[int, str]]:
    """Yield where a name stands that no mail has."""
    from jinja2 import meta, nodes  # noqa: PLC0415 - as above

    known = tuple(view(BARE, Kind()))
    for name in sorted(meta.find_undeclared_variables(tree) - set(known)):
        line = next((node.lineno for node in tree.find_all(nodes.Name) if node.name == name), 1)
        yield line, f"unknown name {name!r}{did_you_mean(name, known) or f'; known: {", ".join(known)}'}"


def _escaping(tree: "nodes.Template") -> Iterator[tuple[int, str]]:
    """Yield where escaping is switched."""
    from jinja2 import nodes  # noqa: PLC0415 - as above

    for node in tree.find_all((nodes.EvalContextModifier, nodes.ScopedEvalContextModifier)):
        yield node.lineno, "`autoescape` cannot be switched: the words of an event would become HTML"


def _rendered(file: Path, told: str) -> Iterator[str]:
    """Try it with a mail that says nothing, and with the largest there are."""
    for sample in SAMPLES:
        size = len(
            environment(file.parent).get_template(file.name).render(view(sample, Kind(last="."), TIGHT)).encode()
        )
        if file.suffix == ".html" and size > LARGEST:
            yield f"{told}: the largest mail has {size:,} bytes; Gmail cuts off what is past 102,000: show less of it"
            return


def _line(error: BaseException, file: Path) -> int:
    """Return where in the template it happened."""
    line, trace = 1, error.__traceback__
    while trace is not None:
        if trace.tb_frame.f_code.co_filename == str(file):
            line = trace.tb_lineno
        trace = trace.tb_next
    return line
