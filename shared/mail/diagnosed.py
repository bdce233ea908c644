"""What a mail tells of a diagnosis, line by line."""

from collections.abc import Iterator

from shared.mail.wording import line, moment
from shared.notices import Diagnosis

WIDTH = 300
#: Changes and inputs that have a line; the mail has room for that many.
MOST = 10


def diagnosed(found: Diagnosis | None) -> list[tuple[str, str]]:
    """Return the facts of a diagnosis, each with its name; none where there is none."""
    told = _told(found) if found else ()
    return [(name, shown) for name, value in told if (shown := line(value, WIDTH))]


def _told(found: Diagnosis) -> Iterator[tuple[str, str]]:
    step = f"{found.step_name} ({found.step})" if found.step_name and found.step_name != found.step else found.step
    yield "Failed step", step
    yield "Error code", found.code
    yield "Started by", found.started_by
    yield "Last good", " at ".join(filter(None, (found.last_success, moment(found.last_success_at))))
    for change in found.changes[:MOST]:
        yield "Changed", f"{change.what}: {change.before} \N{RIGHTWARDS ARROW} {change.after}"
    if found.last_success and not found.changes and not found.unread:
        yield "Changed", "nothing that Azure ML tells"
    for name, value in list(found.inputs.items())[:MOST]:
        yield "Input", f"{name}: {value}"
    for words in found.unread:
        yield "Not read", words
