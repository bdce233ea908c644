"""Outcome events to an Event Grid custom topic, one POST each, with azure-eventgrid.

For a topic of the basic tier the public EventGridPublisherClient wraps another client, to which it hands on neither a
transport nor anything else: it would outlast the run's deadline. So the inner one is used itself, which takes them
(docs/adr/0012-closing-the-loop.md).
"""

from functools import cache
from typing import TYPE_CHECKING, Any

from shared.actions import Deferred, Done, Failed, Outcome, Publish
from shared.errors import DeadlineError
from shared.gateways import answers
from shared.gateways.azure_ml import CONNECT_SECONDS, LATER, READ_SECONDS, ROLE

if TYPE_CHECKING:
    from azure.core.credentials import TokenCredential
    from azure.core.pipeline.transport import HttpTransport
    from azure.eventgrid._legacy import EventGridPublisherClient


class TopicOutcomes:
    """Publishes to the topic at *endpoint*; implements `shared.gateways.Outcomes`. Safe to share between threads.

    *transport* is closed by whoever built it; *credential* gives tokens for Event Grid.
    """

    def __init__(self, *, endpoint: str, transport: "HttpTransport[Any, Any]", credential: "TokenCredential") -> None:
        self._endpoint, self._transport, self._credential = endpoint, transport, credential
        self._client = cache(self._build_client)

    def publish(self, action: Publish) -> Outcome:
        """Publish once; see `shared.gateways.Outcomes`."""
        from azure.core.exceptions import AzureError, HttpResponseError  # noqa: PLC0415 - SDKs where they are used

        event = action.event.cloud_event()
        try:
            self._client().send(event, connection_timeout=CONNECT_SECONDS, read_timeout=READ_SECONDS)
        except (AzureError, DeadlineError) as error:
            failure = answers.failure(error)
            if failure == "status" and isinstance(error, HttpResponseError) and error.response is not None:
                return _refusal(error.response)
            return Deferred(f"topic {failure}: the outcome topic did not answer; sent again", LATER)
        return Done(action.event.id)

    def _build_client(self) -> "EventGridPublisherClient":
        from azure.eventgrid._legacy import EventGridPublisherClient  # noqa: PLC0415 - as above

        # A dict is sent as it is: of a CloudEvent object the client writes the time in its own way.
        return EventGridPublisherClient(
            self._endpoint, self._credential, transport=self._transport, retry_total=0, permit_redirects=False
        )


def _refusal(answer: Any) -> Outcome:  # noqa: ANN401 - the SDK has several types of answers
    """What a status means. Azure's error code is told, its text never."""
    status = answer.status_code
    code = f" ({found})" if (found := answers.error_code(answer)) else ""
    wait = answers.retry_after(answer.headers)
    match status:
        case 403:
            reason = f"forbidden{code}: the role EventGrid Data Sender on the topic is missing or not propagated yet"
            return Deferred(reason, wait if wait is not None else ROLE, answers.PROPAGATION)
        case 400 | 404 | 410 | 413 | 415:
            return Failed(
                f"topic-refused {status}{code}: check OUTCOME_TOPIC_ENDPOINT, and that the topic takes CloudEvents 1.0"
            )
        case _:
            return Deferred(f"topic {status}{code}: sent again", wait if wait is not None else LATER)
