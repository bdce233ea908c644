"""`python -m tests.infra.pictures`: docs/resources.svg and docs/workbook.svg, from the committed snapshot of prod."""

import sys

from tests.infra import resources_picture, workbook_picture
from tests.infra.kql import LIBRARY, MISSING, QUERIES, parse
from tests.markdown import DOCS

RESOURCES = DOCS / "resources.svg"
WORKBOOK = DOCS / "workbook.svg"


def main() -> int:
    """Write the pictures that differ."""
    if not LIBRARY.is_dir():
        sys.stderr.write(f"{MISSING}\n")
        return 1
    prod = resources_picture.source()
    drawn = {RESOURCES: resources_picture.draw(prod), WORKBOOK: workbook_picture.draw(prod, parse(QUERIES))}
    for path, text in drawn.items():
        if not path.exists() or path.read_text(encoding="utf-8") != text:
            path.write_text(text, encoding="utf-8", newline="\n")
            sys.stdout.write(f"wrote docs/{path.name}\n")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
