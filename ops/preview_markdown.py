"""What `preview` tells, as Markdown for a comment on a pull request. Pure."""

from collections.abc import Iterator

from ops.comparison import Change, Reason
from ops.preview_rendering import Preview
from ops.terminal import plain

#: By which a pipeline finds its own comment again.
MARK = "<!-- workspace-reactor preview -->"
#: A comment on GitHub takes 65,536 characters.
ROWS, CELL_CHARACTERS, DETAILS, CHARACTERS = 50, 160, 6, 60_000


def markdown(preview: Preview) -> str:
    """Return the comment. Whatever comes from an event or a file stands in code, where nothing is markup."""
    found = preview.comparison
    head = [MARK, "### What the changed reactions would have done", ""]
    head += [f"Against {_code(preview.against)}: {preview.summary}", ""]
    if not found.changes:
        head += ["No job and no mail comes, goes or changes.", ""]
    changes = ["| | event | reaction | job or mail | what |", "|---|---|---|---|---|", *map(_change, found.changes)]
    reasons = ["| event | reaction | before | now |", "|---|---|---|---|", *map(_reason, found.reasons)]
    lines = [*head, *(_bounded(changes) if found.changes else [])]
    if found.reasons:
        lines += [f"<details><summary>{len(found.reasons)} with another reason to do nothing</summary>", ""]
        lines += [*_bounded(reasons), "</details>", ""]
    lines += [f"- not played: {_code(refused)}" for refused in preview.tellings.refused[:DETAILS]]
    return _fitting("\n".join(lines).rstrip() + "\n")


def _bounded(table: list[str]) -> Iterator[str]:
    """Yield the head and so many rows, and how many more there are."""
    yield from table[: ROWS + 2]
    yield ""
    if len(table) > ROWS + 2:
        yield from (f"and {len(table) - ROWS - 2} more", "")


def _fitting(text: str) -> str:
    """Cut at a line, where a comment would be refused as a whole."""
    if len(text) <= CHARACTERS:
        return text
    return f"{text[:CHARACTERS].rpartition('\n')[0]}\n\nand more than fits a comment\n"


def _change(change: Change) -> str:
    details = [_code(detail) for detail in change.details[:DETAILS]]
    if len(change.details) > DETAILS:
        details.append(f"and {len(change.details) - DETAILS} more")
    cells = (f"**{change.how}**", _event(change), _code(change.reaction), f"{change.kind} {_code(change.what)}")
    return f"| {' | '.join(cells)} | {'<br>'.join(details)} |"


def _reason(reason: Reason) -> str:
    cells = (_event(reason), _code(reason.reaction), _code(reason.before), _code(reason.after))
    return f"| {' | '.join(cells)} |"


def _event(one: Change | Reason) -> str:
    return f"{_code(one.event)}<br>{_code(one.workspace)}, {one.at:%Y-%m-%d %H:%M}"


def _code(text: str) -> str:
    """Return *text* as code in a cell: a backquote would end the code, a bar the cell."""
    shown = plain(text, CELL_CHARACTERS).replace("`", "'").replace("|", "\\|").strip()
    return f"`{shown}`" if shown else "-"
