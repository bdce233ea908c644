"""Text of other people without what looks like a secret. Pure; a mail is read by more people than a log.

What stands there instead is the same word everywhere, and the name of the secret stays: `password=[redacted]` still
says what was wrong. It errs on the side of too much, but leaves alone what a person needs to find the cause: ids of
runs, commits, digests, versions.
"""

import re

REDACTED = "[redacted]"
#: More is not looked at, and not kept. The patterns' repetitions are bounded, so that no text takes long.
LONGEST = 32 * 1024

#: How many times its length is looked at for a line.
WINDOW = 5

#: Names that a secret has, at the end of a longer name as well: `DB_PASSWORD`, `client_secret`, `"accessToken"`.
NAMES = (
    r"pass(?:word|wd|phrase)|pwd|secret|token|credentials?|authorization|signature|sig"
    r"|(?:api|access|account|auth|encryption|function|functions|host|instrumentation|master|private|secret|shared|"
    r"signing|storage|subscription)[-_ ]?key|accesskeyid|connection[-_ ]?string"
)
#: What stands after a name: in quotes, or up to a space or a separator; with its scheme where it has one.
VALUE = (
    r"(?:\"(?:\\.|[^\"\\\n])*\"?|'(?:\\.|[^'\\\n])*'?"
    r"|(?:(?:bearer|basic|sharedkey|sharedaccesssignature|token)[ \t]+)?[^\s,;&\"'<>(){}]+)"
)
#: Letters of base64 and hex; a digest that says what it is, such as `sha256:…`, stays.
DIGEST = r"(?<!sha1[-:=])(?<!sha256[-:=])(?<!sha384[-:=])(?<!sha512[-:=])"

#: Whole secrets, known by their form.
WHOLE = re.compile(
    "|".join(
        (
            r"-----BEGIN [A-Z0-9 ]*(?:PRIVATE KEY|CERTIFICATE)[A-Z0-9 ]*-----[\s\S]*?(?:-----END [A-Z0-9 ]*-----|\Z)",
            r"\beyJ[A-Za-z0-9_-]{8,4000}\.[A-Za-z0-9_-]+(?:\.[A-Za-z0-9_-]*)?",  # a JSON Web Token
            r"\bgh[opsur]_[A-Za-z0-9]{20,}|\bgithub_pat_\w{20,}|\bglpat-[\w-]{20,}",
            r"\bxox[a-z]-[A-Za-z0-9-]{10,}|\bxapp-[A-Za-z0-9-]{10,}|\bhooks\.slack\.com/services/[\w/-]+",
            r"\b(?:AKIA|ASIA)[A-Z0-9]{16}\b|\bAIza[\w-]{35}|\bhf_[A-Za-z0-9]{30,}|\bsk-[A-Za-z0-9_-]{20,}",
            r"\bdapi[0-9a-f]{32}\b|\bnpm_[A-Za-z0-9]{36}\b|\bpypi-[\w-]{50,}",
            r"(?<![\w~.-])[\w~.-]{3}[0-9]Q~[\w~.-]{31,34}",  # a client secret of Entra ID
            r"\b[A-Za-z0-9]{76}AZDO[A-Za-z0-9]{4}\b",  # a personal access token of Azure DevOps
            DIGEST + r"(?<![A-Za-z0-9+/])(?:[A-Za-z0-9+/]{86}==|[A-Za-z0-9+/]{43}=)(?![A-Za-z0-9+/=])",  # account keys
        )
    )
)
#: Secrets known by what stands before them, which is kept.
AFTER: tuple[re.Pattern[str], ...] = (
    re.compile(r"(://)[^\s/?#\"'<>]+(?=@)"),
    re.compile(rf"((?:{NAMES})(?![A-Za-z0-9_-])[\"']?[ \t]{{0,8}}(?:=>|[:=])[ \t]{{0,8}}){VALUE}", re.IGNORECASE),
    re.compile(rf"(\b[A-Z0-9_]*(?:_KEY|_PAT|_SAS)[\"']?[ \t]{{0,8}}[:=][ \t]{{0,8}}){VALUE}"),
    re.compile(rf"(--?(?:[a-z0-9]{{1,20}}-){{0,4}}(?:{NAMES})[ \t]+)(?!-){VALUE}", re.IGNORECASE),
    re.compile(r"(\bbearer[ \t]+)(?=[^\s]*[0-9._~+/=-])[A-Za-z0-9._~+/=-]{8,}", re.IGNORECASE),
    re.compile(r"(\b(?i:basic)[ \t]+)(?=[A-Za-z+/]*(?:[0-9=]|[a-z][A-Z]))[A-Za-z0-9+/]{6,}={0,2}"),
    re.compile(
        rf"(\b(?:keys?|{NAMES})\b[\"']?(?:[ \t]+(?:is|was|of))?[ \t]{{0,4}}[:=]?[ \t]{{0,4}}[\"'`]?)"
        r"(?:(?=[A-Za-z+/_-]*[0-9])[A-Za-z0-9+/_-]{32,}={0,2})",
        re.IGNORECASE,
    ),
)


def redact_line(text: str, limit: int) -> str:
    """Return *text* redacted as one line of at most *limit* characters; of a long one no more is looked at than needed.

    What is looked at ends with a whole word, so that no half of a secret stays that nobody knows for one.
    """
    window = text[: limit * WINDOW]
    if len(window) < len(text):
        window = window.rpartition(" ")[0] or window
    line = " ".join(redact(window).split())
    cut = len(line) > limit or len(window) < len(text)
    return f"{line[: limit - 1]}\N{HORIZONTAL ELLIPSIS}" if cut else line


def redact(text: str) -> str:
    """Return *text* with REDACTED for everything that looks like a secret; doing it twice is doing it once."""
    text = WHOLE.sub(REDACTED, text[:LONGEST])
    for pattern in AFTER:
        text = pattern.sub(rf"\g<1>{REDACTED}", text)
    return text
