"""Every kind of mail on one page, from samples: to be looked at before it is sent to anybody.

python -m local.mails              demo-output/mails/index.html
python -m local.mails --pictures   and the pictures in docs/mails, with a headless Chromium
"""

import html
import sys
from collections.abc import Iterator
from pathlib import Path

from local.browser import browser, executable
from local.mail_samples import MAILS
from shared.mail import Content, render
from shared.mail.overrides import FOLDER, checked

ROOT = Path(__file__).parents[1]
GALLERY = ROOT / "demo-output" / "mails"
PICTURES = ROOT / "docs" / "mails"
#: Those that the documentation shows, and how: as wide as a telephone and as a reading pane, light and dark.
WIDTHS = (380, 700)
SCHEMES = ("light", "dark")
EVERY = tuple((width, scheme) for width in WIDTHS for scheme in SCHEMES)
SOME = ((700, "light"), (380, "dark"))
SHOWN = {"pipeline-failed": EVERY, "still-failing": SOME, "resolved": SOME, "digest": SOME, "data-drift": SOME}

PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>Mails of Workspace Reactor</title>
<style>
:root {{ color-scheme: light dark; font-family: system-ui, sans-serif; }}
body {{ margin: 32px; }}
h2 {{ margin: 48px 0 4px; font-size: 18px; }}
p {{ margin: 0 0 16px; }}
.row {{ display: flex; gap: 24px; align-items: flex-start; overflow-x: auto; }}
iframe {{ height: 900px; border: 1px solid #8884; flex: none; }}
pre {{ height: 868px; width: 640px; flex: none; margin: 0; padding: 16px; overflow: auto; font-size: 13px; }}
</style></head><body>
<h1>Mails of Workspace Reactor</h1>
<p>Each at 700 and 380 pixels, and as text. Dark where your system is.</p>
{mails}
</body></html>
"""
MAIL = """<h2 id="{name}">{name}</h2>
<p>{subject}</p>
<div class="row"><iframe title="{name}, wide" width="700" srcdoc="{html}"></iframe>
<iframe title="{name}, narrow" width="380" srcdoc="{html}"></iframe><pre>{text}</pre></div>
"""


def mails() -> dict[str, Content]:
    """Every kind of mail, by the team's own templates where there are some."""
    return {name: render(notice, folder=checked(ROOT / FOLDER)) for name, notice in MAILS.items()}


def gallery() -> str:
    """Return the page; it needs nothing beside it."""
    shown = (
        MAIL.format(
            name=name, subject=html.escape(mail.subject), html=html.escape(mail.html), text=html.escape(mail.text)
        )
        for name, mail in mails().items()
    )
    return PAGE.format(mails="".join(shown))


def pictures() -> Iterator[tuple[str, bytes]]:
    """Yield names and contents of the pictures in the documentation."""
    every = mails()
    with browser() as page:
        for name, ways in SHOWN.items():
            for width, scheme in ways:
                page.show(every[name].html, width=width, dark=scheme == "dark")
                yield f"{name}-{width}-{scheme}.webp", page.picture(width=width)


def main(arguments: list[str]) -> int:
    """Write the page, and with ``--pictures`` those as well; 1 where there is no browser for them."""
    GALLERY.mkdir(parents=True, exist_ok=True)
    target = GALLERY / "index.html"
    target.write_text(gallery(), encoding="utf-8")
    print(target.relative_to(ROOT))
    if "--pictures" in arguments:
        if not executable():
            print("no pictures: there is no Chromium on the PATH", file=sys.stderr)
            return 1
        PICTURES.mkdir(exist_ok=True)
        for name, content in pictures():
            (PICTURES / name).write_bytes(content)
            print(f"docs/mails/{name}: {len(content) // 1024} kB")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
