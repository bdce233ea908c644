"""Communication Services mail: one POST per attempt, and what each answer to it means."""

from datetime import UTC, datetime
from email.utils import format_datetime
from http import HTTPStatus
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from shared import mail
from shared.actions import Deferred, Done, Failed, Outcome, SendMail
from shared.errors import DeadlineError
from shared.gateways.mail_answers import judged, later, outcome
from shared.mail.threads import thread_headers
from shared.transport import CONNECT_SECONDS, READ_SECONDS, Transport, client_options

if TYPE_CHECKING:
    from azure.communication.email import EmailClient
    from azure.core.credentials import TokenCredential
    from azure.core.rest import HttpResponse

#: The version of the service's REST interface, for the POST (the SDK's) and for the look-up (ours).
API_VERSION = "2025-09-01"


class CommunicationMail:
    """Mail through azure-communication-email with a managed identity. Safe to share between threads.

    *endpoint* is ``https://<resource>.communication.azure.com``, *sender* a verified address. The SDK's own retries
    are off: the queue is the retry engine. The client is made at the first use. *templates* is the team's own folder.
    """

    def __init__(
        self,
        *,
        endpoint: str,
        sender: str,
        transport: Transport,
        credential: "TokenCredential",
        templates: Path | None = None,
    ) -> None:
        self._endpoint = endpoint
        self._sender = sender
        self._transport = transport
        self._credential = credential
        self._templates = templates
        self._lock = Lock()
        self._made: EmailClient | None = None

    def send(self, action: SendMail, *, operation: str, first_sent: datetime) -> Outcome:
        """Send once: one POST with *operation* as Operation-Id; *first_sent* (aware) opens the 5-minute window.

        The SDK adds neither of them by itself. Done as soon as the service has accepted, whatever happens afterwards.
        A mail that is refused for good with the headers of its thread is sent without: nobody documents whether the
        service takes them, and a mail outside its thread is better than none.
        """
        message = self._message(action)
        sent = self._post(message, operation=operation, first_sent=first_sent)
        if isinstance(sent, Failed) and message.pop("headers", None):
            return self._post(message, operation=operation, first_sent=first_sent)
        return sent

    def _post(self, message: dict[str, Any], *, operation: str, first_sent: datetime) -> Outcome:
        from azure.core.exceptions import AzureError  # noqa: PLC0415 - Azure SDKs are imported where they are used

        statuses: list[int] = []
        try:
            self._client().begin_send(
                message,
                operation_id=operation,
                polling=False,
                headers={
                    "Repeatability-Request-ID": operation,
                    "Repeatability-First-Sent": format_datetime(first_sent.astimezone(UTC), usegmt=True),
                },
                raw_response_hook=lambda answer: statuses.append(answer.http_response.status_code),
                connection_timeout=CONNECT_SECONDS,
                read_timeout=READ_SECONDS,
            )
        except (AzureError, DeadlineError, ValueError) as error:
            # The SDK reads the answer's body and headers after its status: what fails there was accepted all the same.
            if HTTPStatus.ACCEPTED not in statuses:
                if isinstance(error, ValueError):
                    raise
                return outcome(error)
        return Done(receipt=operation)

    def find(self, operation: str) -> bool | Deferred:
        """Ask whether the service knows *operation*; one GET.

        False also for a send that it has given up (Failed, Canceled): it has to be sent again.
        """
        from azure.core.exceptions import AzureError  # noqa: PLC0415 - Azure SDKs are imported where they are used
        from azure.core.rest import HttpRequest  # noqa: PLC0415 - as above

        path = f"/emails/operations/{quote(operation, safe='')}"
        request = HttpRequest("GET", path, params={"api-version": API_VERSION}, headers={"Accept": "application/json"})
        try:
            response = self._client().send_request(
                request, connection_timeout=CONNECT_SECONDS, read_timeout=READ_SECONDS
            )
        except (AzureError, DeadlineError) as error:
            return later(outcome(error))
        if response.status_code == HTTPStatus.NOT_FOUND:
            return False
        if response.status_code == HTTPStatus.OK and (status := _status(response)):
            return status.casefold() not in {"failed", "canceled"}
        return later(judged(response))

    def _client(self) -> "EmailClient":
        with self._lock:
            if self._made is None:
                from azure.communication.email import EmailClient  # noqa: PLC0415 - not before the first mail

                options = client_options(self._transport)
                self._made = EmailClient(self._endpoint, self._credential, api_version=API_VERSION, **options)
            return self._made

    def _message(self, action: SendMail) -> dict[str, Any]:
        content = mail.render(action.notice, folder=self._templates)
        headers = thread_headers(action.notice, sender=self._sender)
        return {
            "senderAddress": self._sender,
            "recipients": {"to": [{"address": address} for address in action.to]},
            "content": {"subject": content.subject, "plainText": content.text, "html": content.html},
            "userEngagementTrackingDisabled": True,
            **({"headers": headers} if headers else {}),
        }


def _status(response: "HttpResponse") -> str:
    """Status of a send, or "" when the answer does not have one."""
    try:
        body = response.json()
    except ValueError:
        return ""
    status = body.get("status") if isinstance(body, dict) else None
    return status if isinstance(status, str) else ""
