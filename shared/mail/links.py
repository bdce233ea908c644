"""Links of a mail: https, a plain host, nothing hidden; anything else is left out rather than mended."""

import re
from urllib.parse import quote, urlsplit

STUDIO_HOST = "ml.azure.com"

#: Longer ones are cut by mail clients. ARM ids and run ids together stay below 1,000 characters.
LONGEST = 2000

#: The characters of RFC 3986: no space, quote, backslash, angle bracket, control or non-ASCII character.
URL = re.compile(r"https://[A-Za-z0-9._~:/?#@!$&'()*+,;=%\[\]-]+")
HOST = re.compile(r"(?=.{1,253}$)([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?)(\.[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?)*")


def studio_link(workspace_id: str, run_id: str) -> str:
    """Address of a run in Azure Machine Learning studio; both ids are quoted, so they cannot choose another page."""
    return f"https://{STUDIO_HOST}/runs/{_quoted(run_id)}?wsid={_quoted(workspace_id)}"


def https_link(text: str, *, host: str | None = None) -> str:
    """*text* if it is an https address (of *host*, where one is given) without user name, else ""."""
    if len(text) > LONGEST or not URL.fullmatch(text):
        return ""
    try:
        parts = urlsplit(text)
        plain = parts.username is None and parts.password is None and parts.port in {None, 443}
    except ValueError:
        return ""
    name = parts.hostname or ""
    return text if plain and HOST.fullmatch(name) and host in {None, name} else ""


def _quoted(text: str) -> str:
    """Percent-encoded, a slash and a lone surrogate too."""
    return quote(text, safe="", errors="replace")
