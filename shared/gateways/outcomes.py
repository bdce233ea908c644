"""Outcome events to an Event Grid custom topic, one POST each, as azure-eventgrid sends them.

EventGridPublisherClient takes neither a transport nor bounds for a topic of the basic tier: it builds a pipeline of its
own, which the run's deadline would not end. So the same request goes through ours; a test holds the two to each other
(docs/adr/0012-closing-the-loop.md).
"""

from typing import TYPE_CHECKING, Any

import msgspec

from shared.actions import Deferred, Done, Failed, Outcome, Publish
from shared.errors import DeadlineError
from shared.gateways import answers
from shared.gateways.azure_ml import CONNECT_SECONDS, LATER, READ_SECONDS, ROLE, AzureMl

if TYPE_CHECKING:
    from azure.core.credentials import TokenCredential
    from azure.core.pipeline.transport import HttpTransport
    from azure.core.rest import HttpResponse

SCOPE = "https://eventgrid.azure.net/.default"
API_VERSION = "2018-01-01"
CONTENT_TYPE = "application/cloudevents-batch+json; charset=utf-8"


class TopicOutcomes:
    """Publishes to the topic at *endpoint*; implements `shared.gateways.Outcomes`. Safe to share between threads.

    *transport* is closed by whoever built it; *credential* gives tokens for Event Grid.
    """

    def __init__(self, *, endpoint: str, transport: "HttpTransport[Any, Any]", credential: "TokenCredential") -> None:
        self._url = f"{endpoint}?api-version={API_VERSION}"
        self._clients = AzureMl(transport=transport, credential=credential)

    def publish(self, action: Publish) -> Outcome:
        """Publish once; see `shared.gateways.Outcomes`."""
        from azure.core.exceptions import AzureError  # noqa: PLC0415 - Azure SDKs are imported where they are used
        from azure.core.rest import HttpRequest  # noqa: PLC0415 - as above

        body = msgspec.json.encode([action.event.cloud_event()])
        call = HttpRequest("POST", self._url, content=body, headers={"Content-Type": CONTENT_TYPE})
        try:
            client = self._clients.client(SCOPE)
            answer = client.send_request(call, connection_timeout=CONNECT_SECONDS, read_timeout=READ_SECONDS)
        except (AzureError, DeadlineError) as error:
            return Deferred(f"topic {answers.failure(error)}: the outcome topic did not answer; sent again", LATER)
        return _outcome(answer, action.event.id)


def _outcome(answer: "HttpResponse", receipt: str) -> Outcome:
    """What a status means. Azure's error code is told, its text never."""
    status = answer.status_code
    code = f" ({found})" if (found := answers.error_code(answer)) else ""
    wait = answers.retry_after(answer.headers)
    match status:
        case 200:
            return Done(receipt)
        case 403:
            reason = f"forbidden{code}: the role EventGrid Data Sender on the topic is missing or not propagated yet"
            return Deferred(reason, wait if wait is not None else ROLE, answers.PROPAGATION)
        case 400 | 404 | 410 | 413 | 415:
            return Failed(
                f"topic-refused {status}{code}: check OUTCOME_TOPIC_ENDPOINT, and that the topic takes CloudEvents 1.0"
            )
        case _:
            return Deferred(f"topic {status}{code}: sent again", wait if wait is not None else LATER)
