"""A diagnosis as it may be kept and mailed: without what looks like a secret, and of a size that fits its row. Pure."""

from collections.abc import Mapping

import msgspec

from shared.notices import Change, Diagnosis, characters
from shared.redaction import LONGEST, redact, redact_line

#: What a diagnosis may measure in the ledger: it stands in a notice, beside its cause.
DIAGNOSIS_CHARACTERS = 10_000
#: Of an error message its beginning and its end are told: a traceback says at its end what happened.
ERROR_HEAD, ERROR_TAIL = 1_000, 3_000
LEAST = 100
#: Of a line, a name, and how many of each.
LINE, NAME, MOST = 300, 120, 20
CUT = "\n\N{HORIZONTAL ELLIPSIS}\n"


def bounded(found: Diagnosis) -> Diagnosis:
    """Return *found* redacted and cut; what was left out for its size is counted in `unread`."""
    changes, inputs = found.changes[:MOST], dict(list(found.inputs.items())[:MOST])
    told = msgspec.structs.replace(
        found,
        step=redact_line(found.step, NAME),
        step_name=redact_line(found.step_name, NAME),
        code=redact_line(found.code, NAME),
        error=_error(found.error),
        started_by=redact_line(found.started_by, NAME),
        last_success=redact_line(found.last_success, NAME),
        changes=tuple(
            Change(
                what=redact_line(one.what, NAME),
                before=redact_line(one.before, LINE),
                after=redact_line(one.after, LINE),
            )
            for one in changes
        ),
        inputs={redact_line(name, NAME): redact_line(value, LINE) for name, value in inputs.items()},
        unread=tuple(redact_line(line, LINE) for line in found.unread[:MOST]),
    )
    while characters(told) > DIAGNOSIS_CHARACTERS:
        told = _smaller(told)
    left = {
        "inputs": len(found.inputs) - len(told.inputs),
        "changes": len(found.changes) - len(told.changes),
    }
    return msgspec.structs.replace(told, unread=(*told.unread, *_left_out(left)))


def _left_out(left: Mapping[str, int]) -> tuple[str, ...]:
    return tuple(f"{what}: {count} more, left out for their size" for what, count in left.items() if count)


def _smaller(told: Diagnosis) -> Diagnosis:
    """Leave out the least telling: an input, then a change, then the middle of the error."""
    if told.inputs:
        return msgspec.structs.replace(told, inputs=dict(list(told.inputs.items())[:-1]))
    if told.changes:
        return msgspec.structs.replace(told, changes=told.changes[:-1])
    if told.error:
        keep = len(told.error) * 2 // 3
        error = _middle_out(told.error, keep // 4, keep - keep // 4) if keep > LEAST else ""
        return msgspec.structs.replace(told, error=error)
    return msgspec.structs.replace(told, unread=told.unread[:-1])


def _error(text: str) -> str:
    """Redact before anything is cut, so that no half of a secret stays that nobody knows for one."""
    if len(text) > LONGEST:
        head, tail = text[: LONGEST // 4].rpartition("\n")[0], text[-LONGEST // 2 :].partition("\n")[2]
        text = f"{head}{CUT}{tail}"
    return _middle_out(redact(text).strip(), ERROR_HEAD, ERROR_TAIL)


def _middle_out(text: str, head: int, tail: int) -> str:
    """Return *text*, of more than *head* and *tail* characters only these."""
    return text if len(text) <= head + tail else f"{text[:head]}{CUT}{text[len(text) - tail :]}"
