"""Reads the project's Markdown as far as the tests of the documentation need it."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
DOCS = ROOT / "docs"

FENCE = re.compile(r"^```(?P<info>[^\n]*)\n(?P<text>.*?)^```$", re.MULTILINE | re.DOTALL)
HEADING = re.compile(r"^#{1,6} +(?P<text>.+?)\s*$", re.MULTILINE)
CODE = re.compile(r"`([^`]+)`")
LINK = re.compile(r"!?\[(?:[^\[\]]|\[[^\]]*\])*\]\((?P<target>[^)\s]+)\)")


@dataclass(frozen=True, slots=True)
class Block:
    """A fenced block: the words after the fence, and its text."""

    info: str
    text: str


def pages() -> tuple[Path, ...]:
    """Every page of the project: those at the root, those of docs, and the one of the samples."""
    return tuple(sorted([*ROOT.glob("*.md"), *DOCS.rglob("*.md"), *(ROOT / "samples").glob("*.md")]))


def blocks(text: str) -> tuple[Block, ...]:
    """The fenced blocks of a page, in order."""
    return tuple(Block(found["info"].strip(), found["text"]) for found in FENCE.finditer(text))


def prose(text: str) -> str:
    """A page without its fenced blocks."""
    return FENCE.sub("", text)


def section(text: str, title: str) -> str:
    """What stands under the heading *title*, up to the next heading of its level or above."""
    bare = prose(text)
    start = re.search(rf"^(?P<level>#+) +{re.escape(title)}\s*$", bare, re.MULTILINE)
    assert start is not None, f"there is no heading {title!r}"
    rest = bare[start.end() :]
    following = re.search(rf"^#{{1,{len(start['level'])}}} ", rest, re.MULTILINE)
    return rest[: following.start()] if following else rest


def tables(text: str) -> Iterator[list[list[str]]]:
    """The tables in *text*, each as its rows of cells, the head first."""
    for found in re.finditer(r"(?:^\|.*\|\n)+", text, re.MULTILINE):
        rows = [re.split(r"(?<!\\)\|", line.strip().strip("|")) for line in found[0].splitlines()]
        yield [[cell.strip() for cell in row] for row in rows if not set("".join(row)) <= set("-: ")]


def table(text: str, head: str) -> list[list[str]]:
    """The rows, without the head, of the one table in *text* whose first column is headed *head*."""
    (found,) = (rows[1:] for rows in tables(text) if rows[0][0] == head)
    return found


def code(cell: str) -> list[str]:
    """What stands in backquotes."""
    return CODE.findall(cell)


def anchors(text: str) -> set[str]:
    """The names by which GitHub lets a page's headings be linked to."""
    titles = (found["text"].replace("`", "").casefold() for found in HEADING.finditer(prose(text)))
    return {re.sub(r"[^\w\- ]", "", title).replace(" ", "-") for title in titles}


def links(text: str) -> list[str]:
    """Where a page points to."""
    return [found["target"] for found in LINK.finditer(prose(text))]
