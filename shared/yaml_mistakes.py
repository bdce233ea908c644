"""What a YAML parser complains about, in words that say what to write instead."""

import re

import yaml

#: By a pattern on what PyYAML says (context, then problem). The first that is found counts.
WORDS = (
    (r"found character '\\t'", "a tab; YAML is indented with spaces"),
    (r"found character '(.)' that cannot", "`{0}` cannot begin a value; put the value in quotes"),
    (r"scanning an alias", "a value that begins with `*` must be in quotes: to YAML it is an alias"),
    (r"found undefined alias '(.*)'", "a value that begins with `*` must be in quotes, such as '*{0}'"),
    (r"scanning an anchor", "a value that begins with `&` must be in quotes: to YAML it is an anchor"),
    (r"flow (mapping|sequence)", "`{1}` without its `{2}`, or a value in between that must be in quotes"),
    (r"quoted scalar found unexpected end", "a quotation mark without its second one"),
    (
        r"unknown escape character",
        "a `\\` in double quotes begins an escape; use single quotes for the character itself",
    ),
    (
        r"mapping values are not allowed",
        "a `:` where none can be: look at the indentation, and for a space after the `:` above; quote text with `: `",
    ),
    (r"sequence entries are not allowed", "a list item (`- `) begins on a line of its own"),
    (r"could not find expected ':'", "the line is no `key: value`"),
    (r"found '<scalar>'", "text after the end of a value; put the whole value in one pair of quotes"),
    (r"expected <block end>", "the indentation fits none of the lines above"),
    (r"single document", "a second document (`---`); the file is one document"),
    (r"expected the node content", "a value is missing, or must be in quotes"),
)
#: Those tell where the mistake begins, and not where it shows.
FROM_THE_BEGINNING = ("flow ", "quoted scalar", "simple key")


def told(error: yaml.YAMLError, text: str) -> tuple[int, str]:
    """Return the line (from 1) and what is wrong there."""
    if isinstance(error, yaml.reader.ReaderError):
        line = text.count("\n", 0, error.position if isinstance(error.position, int) else 0) + 1
        return line, f"the character U+{_number(error.character):04X} cannot stand in YAML; delete it"
    said = f"{getattr(error, 'context', None) or ''} {getattr(error, 'problem', None) or 'unreadable'}"
    marks = [getattr(error, "problem_mark", None), getattr(error, "context_mark", None)]
    if any(part in said for part in FROM_THE_BEGINNING):
        marks.reverse()
    line = next((mark.line + 1 for mark in marks if mark), 1)
    for pattern, words in WORDS:
        if found := re.search(pattern, said):
            brackets = ("{", "}") if "mapping" in said else ("[", "]")
            return line, words.format(found[1] if found.groups() else "", *brackets)
    return line, said.strip()


def _number(character: object) -> int:
    """PyYAML tells a character of text as its number, and one of bytes as such."""
    return character if isinstance(character, int) else ord(str(character)[:1] or "?")
