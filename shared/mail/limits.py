"""How much of a notice a mail shows."""

from dataclasses import dataclass

#: Past 102 kB of HTML Gmail shows the beginning only.
LARGEST = 100_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """In characters, lines and rows. *name* is for names of Azure ML, *value* for other words of one line."""

    name: int
    value: int
    short: int
    lines: int
    width: int
    rows: int
    entries: int


#: Azure ML allows run ids of 255 characters; nothing that really comes is cut.
USUAL = Limits(name=255, value=200, short=80, lines=30, width=300, rows=12, entries=40)

#: For a mail that would be larger than LARGEST with those; however it is filled, it is not with these.
TIGHT = Limits(name=80, value=80, short=60, lines=12, width=120, rows=6, entries=20)
