"""What each answer of Communication Services to a mail means."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from http import HTTPStatus
from typing import TYPE_CHECKING

from shared.actions import Deferred, Failed
from shared.gateways import answers

if TYPE_CHECKING:
    from azure.core.rest import HttpResponse

SOON = timedelta(seconds=30)
#: A delivery that finds a send on record looks it up only when that is a minute old.
LOOK_UP = timedelta(seconds=60)
#: Role assignments take minutes to arrive. The service also repeats a refusal to the same id for 5 minutes.
ROLE = timedelta(minutes=5)


@dataclass(frozen=True, slots=True)
class Meaning:
    """What an answer means: later (after *wait*, or as long as Retry-After says), or, without *wait*, never.

    *limit* is how long "later" may last for this reason.
    """

    reason: str
    wait: timedelta | None = None
    limit: timedelta | None = None


#: What an answer means, by its status, by what is known without one, or by the case that a status alone does not tell.
MEANINGS: Mapping[int | str, Meaning] = {
    "never-sent": Meaning("mail-unreachable: the mail service was not reached; tried again", SOON),
    "unknown": Meaning("mail-unknown: no answer came; looked up before it is sent again", LOOK_UP),
    "identity": Meaning("identity-not-ready: the managed identity gave no token for the mail service", SOON),
    "other-body": Meaning("mail-repeated: this id was used with another body; looked up first", LOOK_UP),
    400: Meaning("mail-rejected: check MAIL_SENDER, the recipients' addresses and their number (at most 50)"),
    401: Meaning("mail-unauthorized: the token was refused, which passes by itself; tried again", SOON),
    403: Meaning(
        "forbidden: the role that may send mail is not assigned or not propagated yet", ROLE, answers.PROPAGATION
    ),
    404: Meaning("mail-not-found: check MAIL_ENDPOINT, and that the sender's domain is linked to that resource"),
    408: Meaning("mail-timeout: the mail service gave up waiting; tried again", SOON),
    409: Meaning("mail-under-way: an earlier attempt is being carried out; looked up first", LOOK_UP),
    412: Meaning("mail-too-old: the first attempt is more than 5 minutes ago; looked up first", LOOK_UP),
    413: Meaning("mail-too-large: the mail service takes at most 10 MB"),
    429: Meaning("mail-throttled: the quota of mails is used up; waits as long as the service asks", SOON),
    "4xx": Meaning("mail-refused: the mail service does not take this request; see its code"),
    "5xx": Meaning("mail-unavailable: the mail service has trouble; tried again", SOON),
    "other": Meaning("mail-unexpected: an answer that says neither yes nor no; looked up first", LOOK_UP),
}


def outcome(error: Exception) -> Deferred | Failed:
    """What became of a request that ended in *error*."""
    response: HttpResponse | None = getattr(error, "response", None)
    failure = answers.failure(error)
    return judged(response) if failure == "status" and response is not None else _meant(MEANINGS[failure], {}, "")


def judged(response: "HttpResponse") -> Deferred | Failed:
    """What an answer other than success means."""
    return _meant(MEANINGS[_case(response)], response.headers, answers.error_code(response))


def later(answer: Deferred | Failed) -> Deferred:
    """A look-up decides nothing for good: what would be the refusal of a mail only means to ask again."""
    if isinstance(answer, Deferred):
        return answer
    return Deferred(
        reason="mail-look-up-refused: the mail service does not say whether the mail was sent; asked again",
        after=ROLE,
    )


def _case(response: "HttpResponse") -> int | str:
    status = response.status_code
    if status == HTTPStatus.BAD_REQUEST and _about_repetition(response):
        return "other-body"
    if status in MEANINGS:
        return status
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        return "5xx"
    return "4xx" if status >= HTTPStatus.BAD_REQUEST else "other"


def _about_repetition(response: "HttpResponse") -> bool:
    """Whether a 400 refuses the repetition rather than the mail.

    The service documents the status alone; OASIS Repeatable Requests 1.0 has ``Repeatability-Result: rejected`` for it.
    """
    rejected = response.headers.get("Repeatability-Result", "").casefold() == "rejected"
    return rejected or "repeatab" in answers.error_code(response).casefold()


def _meant(meaning: Meaning, headers: Mapping[str, str], code: str) -> Deferred | Failed:
    reason = f"{meaning.reason} ({code})" if code else meaning.reason
    if meaning.wait is None:
        return Failed(reason=reason)
    asked = answers.retry_after(headers)
    quota = meaning == MEANINGS[HTTPStatus.TOO_MANY_REQUESTS]
    return Deferred(reason=reason, after=meaning.wait if asked is None else asked, limit=meaning.limit, quota=quota)
