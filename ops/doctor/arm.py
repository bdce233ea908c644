"""Azure Resource Manager as the doctor reads it: GET, and the one POST that lists app settings. It never writes."""

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from ops.doctor.finding import CannotLookError
from shared.errors import DeadlineError
from shared.gateways import answers
from shared.gateways.azure_ml import ARM, AzureMl
from shared.transport import Transport, deadline

if TYPE_CHECKING:
    from azure.core.credentials import TokenCredential
    from azure.core.rest import HttpResponse

type Json = Mapping[str, Any]

#: For one request, its token included.
REQUEST_SECONDS = 30.0
#: A list longer than this many pages is somebody else's.
PAGES = 50
LOGIN = "log in with `az login` (or azd, PowerShell, environment variables)"
#: Listing app settings is an action of its own; a reader has it not.
LISTS_SETTINGS = "Website Contributor (or a role with Microsoft.Web/sites/config/list/action)"


class Arm:
    """Reads resources, each once: what was answered, also a refusal, is kept. Raises CannotLookError."""

    def __init__(self, *, transport: Transport, credential: "TokenCredential") -> None:
        self._azure_ml = AzureMl(transport=transport, credential=credential)
        self._answers: dict[tuple[str, str], Json | CannotLookError | None] = {}
        self._at: datetime | None = None

    @property
    def at(self) -> datetime:
        """Azure's own clock, of its last answer."""
        if self._at is None:
            raise CannotLookError("Azure Resource Manager has not answered yet", LOGIN)
        return self._at

    def get(self, path: str, version: str, **query: str) -> Json | None:
        """Read the resource of an ARM id; None when it is not there (or nobody may know that it is)."""
        return self._once("GET", f"{ARM}{path}?{_query(version, query)}")

    def listed(self, path: str, version: str, **query: str) -> tuple[Json, ...]:
        """Read all of a collection, page by page; what is not there is empty."""
        return tuple(self._pages(f"{ARM}{path}?{_query(version, query)}"))

    def app_settings(self, app: str, version: str) -> Mapping[str, str] | None:
        """Read the app settings; None when there is no such app."""
        found = self._once("POST", f"{ARM}{app}/config/appsettings/list?{_query(version, {})}")
        return None if found is None else {str(name): str(value) for name, value in found["properties"].items()}

    def _pages(self, url: str) -> Iterator[Json]:
        for _page in range(PAGES):
            found = self._once("GET", url) or {}
            yield from found.get("value") or ()
            url = str(found.get("nextLink") or "")
            if not url:
                return
            if not url.startswith(f"{ARM}/"):
                raise CannotLookError("a list goes on at another host, which is not asked", "tell the maintainers")
        raise CannotLookError(f"a list has more than {PAGES} pages", "give your login the smaller scope")

    def _once(self, method: str, url: str) -> Json | None:
        known = (method, url)
        if known not in self._answers:
            try:
                self._answers[known] = self._ask(method, url)
            except CannotLookError as error:
                self._answers[known] = error
        found = self._answers[known]
        if isinstance(found, CannotLookError):
            raise found
        return found

    def _ask(self, method: str, url: str) -> Json | None:
        from azure.core.exceptions import AzureError  # noqa: PLC0415 - `--help` shall not pay for it
        from azure.core.rest import HttpRequest  # noqa: PLC0415 - as above

        try:
            with deadline(REQUEST_SECONDS):
                answer = self._azure_ml.client().send_request(HttpRequest(method, url))
        except (AzureError, DeadlineError) as error:
            raise _unanswered(error) from None
        if date := answer.headers.get("Date"):
            self._at = parsedate_to_datetime(date).astimezone(UTC)
        if answer.status_code == HTTPStatus.NOT_FOUND:
            return None
        if answer.status_code != HTTPStatus.OK:
            raise _refused(answer, url.removeprefix(ARM).partition("?")[0])
        try:
            body = answer.json()
        except ValueError:
            body = None
        if not isinstance(body, dict):
            raise CannotLookError("Azure Resource Manager answered something that is no JSON object", "try again")
        return body


def _query(version: str, query: Mapping[str, str]) -> str:
    return urlencode({"api-version": version, **{name.replace("filter", "$filter"): query[name] for name in query}})


def _refused(answer: "HttpResponse", path: str) -> CannotLookError:
    code = f" ({found})" if (found := answers.error_code(answer)) else ""
    match answer.status_code:
        case HTTPStatus.UNAUTHORIZED:
            return CannotLookError(f"Azure Resource Manager does not take your login{code}", LOGIN)
        case HTTPStatus.FORBIDDEN:
            scope, settings, _ = path.partition("/config/appsettings/list")
            role = LISTS_SETTINGS if settings else "Reader"
            resource, _, _ = scope.partition("/providers/Microsoft.Authorization/")
            return CannotLookError(f"your login may not read {path}{code}", f"it needs the role {role} on {resource}")
        case HTTPStatus.TOO_MANY_REQUESTS:
            return CannotLookError("Azure Resource Manager throttles", "try again in some minutes")
        case status:
            return CannotLookError(f"Azure Resource Manager answered {status}{code} for {path}", "try again")


def _unanswered(error: Exception) -> CannotLookError:
    match answers.failure(error):
        case "identity":
            return CannotLookError("there is no Azure login to be had", LOGIN)
        case "never-sent":
            return CannotLookError("Azure Resource Manager cannot be reached", "check your network and proxy")
        case "unknown" | "status":
            return CannotLookError("Azure Resource Manager did not answer as it should", "try again")
