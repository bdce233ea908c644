"""Requests to Azure ML through azure-core's ARM pipeline: bounded, sent once, with the managed identity's tokens."""

import threading
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from shared.actions import Deferred
from shared.errors import DeadlineError
from shared.gateways import answers

if TYPE_CHECKING:
    from azure.core.credentials import TokenCredential
    from azure.core.pipeline.transport import HttpTransport
    from azure.core.rest import HttpRequest, HttpResponse
    from azure.mgmt.core import ARMPipelineClient

ARM = "https://management.azure.com"
ARM_SCOPE = f"{ARM}/.default"
#: For the regional services of Azure ML, and for the second token of a job that it runs on the caller's behalf;
#: azure-ai-ml sends that one with every pipeline.
AML_SCOPE = "https://ml.azure.com/.default"
#: Bounds of one request, in seconds (azure-core's own are 300 each).
CONNECT_SECONDS, READ_SECONDS = 3, 12

#: How long to wait where Azure does not say.
SOON = timedelta(seconds=10)
LATER = timedelta(seconds=30)
#: A new role assignment takes up to 10 minutes to reach Azure Resource Manager (Azure RBAC documentation).
ROLE = timedelta(minutes=5)


class AzureMl:
    """A client for each scope, built at first use. Safe to share between threads.

    *transport* is closed by whoever built it; *credential* gives tokens for Azure Resource Manager and Azure ML.
    """

    def __init__(self, *, transport: "HttpTransport[Any, Any]", credential: "TokenCredential") -> None:
        self._transport, self._credential = transport, credential
        self._lock = threading.Lock()
        self._built: dict[str, ARMPipelineClient[HttpRequest, HttpResponse]] = {}

    def put(self, url: str, body: object) -> "HttpResponse | Deferred":
        """Send one PUT of JSON to Azure Resource Manager, with the second token."""
        return self._send("PUT", url, ARM_SCOPE, body, second_token=True)

    def get(self, url: str, *, scope: str = ARM_SCOPE) -> "HttpResponse | Deferred":
        """Send one GET."""
        return self._send("GET", url, scope)

    def query(self, url: str, body: object, *, scope: str) -> "HttpResponse | Deferred":
        """Send one POST of JSON that only asks."""
        return self._send("POST", url, scope, body)

    def _send(
        self, method: str, url: str, scope: str, body: object = None, *, second_token: bool = False
    ) -> "HttpResponse | Deferred":
        """The answer, whatever its status; Deferred when there is none."""
        from azure.core.exceptions import AzureError  # noqa: PLC0415 - Azure SDKs are imported where they are used
        from azure.core.rest import HttpRequest  # noqa: PLC0415 - as above

        call = HttpRequest(method, url, json=body)
        try:
            if second_token:
                call.headers["x-azureml-token"] = self._credential.get_token(AML_SCOPE).token
            client = self.client(scope)
            return client.send_request(call, connection_timeout=CONNECT_SECONDS, read_timeout=READ_SECONDS)
        except (AzureError, DeadlineError) as error:
            return _unanswered(error, read=method != "PUT")

    def client(self, scope: str = ARM_SCOPE) -> "ARMPipelineClient[HttpRequest, HttpResponse]":
        """Return the client whose requests carry a token for *scope*."""
        with self._lock:
            if scope not in self._built:
                from azure.core.pipeline import policies  # noqa: PLC0415 - Azure SDKs are imported where they are used
                from azure.mgmt.core import ARMPipelineClient  # noqa: PLC0415 - as above
                from azure.mgmt.core.policies import ARMChallengeAuthenticationPolicy  # noqa: PLC0415 - as above

                self._built[scope] = ARMPipelineClient(
                    ARM,
                    transport=self._transport,
                    policies=[
                        policies.RequestIdPolicy(),
                        policies.HeadersPolicy(),
                        policies.RetryPolicy(retry_total=0),
                        ARMChallengeAuthenticationPolicy(self._credential, scope),
                    ],
                )
            return self._built[scope]


def _unanswered(error: Exception, *, read: bool) -> Deferred:
    """Without an answer: the same request is sent again, which is harmless whatever became of it."""
    match answers.failure(error):
        case "never-sent":
            return Deferred("azure-ml unreachable: the request was not sent", LATER)
        case "identity" | "status":  # an answer of Azure ML is no error here: a status is the token endpoint's
            return Deferred("identity: no token to be had from the managed identity", LATER)
        case "unknown" if read:
            return Deferred("azure-ml did not answer: asked again", SOON)
        case "unknown":
            return Deferred("outcome unknown: the request may have been carried out", SOON)
