"""Azure ML jobs: one PUT each, through azure-core's ARM pipeline; what the answer means is told in one place."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from pathlib import Path
from typing import TYPE_CHECKING, Any

from shared.actions import Deferred, Done, Failed, Outcome, SubmitJob
from shared.gateways import answers
from shared.gateways.azure_ml import ARM, LATER, ROLE, AzureMl
from shared.job_templates import load_template
from shared.job_templates.fill import Request, fill
from shared.job_templates.inputs import UnusableInputError

if TYPE_CHECKING:
    from azure.core.credentials import TokenCredential
    from azure.core.pipeline.transport import HttpTransport
    from azure.core.rest import HttpResponse

#: The property that says whose job it is.
OPERATION = "reactor_operation"
#: A job this much older than the answer was there before: the PUT itself ends within seconds.
OLDER = timedelta(minutes=1)

FORBIDDEN = "the identity may not create jobs in the workspace (role not assigned, or not propagated yet)"


class ArmJobs:
    """Starts jobs in Azure Machine Learning; implements `shared.gateways.Jobs`. Safe to share between threads.

    *transport* is closed by whoever built it; *credential* gives tokens for Azure Resource Manager and Azure ML;
    job files are named relative to *folder*.
    """

    def __init__(self, *, transport: "HttpTransport[Any, Any]", credential: "TokenCredential", folder: Path) -> None:
        self._azure_ml, self._folder = AzureMl(transport=transport, credential=credential), folder

    def submit(self, action: SubmitJob, *, name: str, properties: Mapping[str, str], repeated: bool) -> Outcome:
        """Start the job under *name* by one PUT; see `shared.gateways.Jobs`.

        Raises ConfigurationError when the job file is missing or unusable, or the reaction names a wrong input.
        """
        template = load_template(self._folder / action.job)
        try:
            request = fill(template, workspace=action.workspace, name=name, inputs=action.inputs, properties=properties)
        except UnusableInputError as error:
            return Failed(f"unusable-input: {error.reason}")
        answer = self._azure_ml.put(f"{ARM}{request.url}", request.body)
        if isinstance(answer, Deferred):
            return answer
        if not _was_there(answer):
            return _outcome(answer, name)
        if repeated:
            return Done(name, "it existed: an earlier attempt started it")
        return self._whose(request, name, properties.get(OPERATION, ""))

    def _whose(self, request: Request, name: str, operation: str) -> Outcome:
        """Read the job that exists, once, and tell whether this operation started it."""
        answer = self._azure_ml.get(f"{ARM}{request.url}")
        if isinstance(answer, Deferred):
            return answer
        if answer.status_code == HTTPStatus.NOT_FOUND:
            return Deferred("exists, but cannot be read yet", LATER)
        if answer.status_code != HTTPStatus.OK:
            return _outcome(answer, name)
        if _properties(answer).get(OPERATION) == operation:
            return Done(name, "found")
        return Failed(
            "name taken: a job of this name was not started by this reaction; delete it or rename the reaction"
        )


def _outcome(answer: "HttpResponse", name: str) -> Outcome:
    """What a status means. Azure's error code is told, its text never."""
    status = answer.status_code
    code = f" ({found})" if (found := answers.error_code(answer)) else ""
    wait = answers.retry_after(answer.headers)
    match status:
        case 200 | 201 | 202:
            return Done(name)
        case 401 | 408 | 409 | 429:
            return Deferred(f"azure-ml {status}{code}: try again", wait if wait is not None else LATER)
        case 403:
            return Deferred(f"forbidden{code}: {FORBIDDEN}", wait if wait is not None else ROLE, answers.PROPAGATION)
        case 404:
            return Failed(
                f"not-found{code}: check that the workspace, and the components, models and data the job names, exist"
            )
        case _ if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
            return Deferred(f"azure-ml {status}{code}: not available", wait if wait is not None else LATER)
        case _:
            return Failed(
                f"refused {status}{code}: check the job file against the workspace, e.g. `az ml job create -f`"
            )


def _was_there(answer: "HttpResponse") -> bool:
    """Whether a job of that name was there before.

    Azure ML says so by 400 (JobPropertyImmutable); it may also take the same body again, with 200, and then
    shows the time at which the job was created.
    """
    if answer.status_code == HTTPStatus.BAD_REQUEST:
        return b"JobPropertyImmutable" in answer.content or b"job with this name already exists" in answer.content
    if answer.status_code != HTTPStatus.OK:
        return False
    try:
        created = datetime.fromisoformat(_json(answer)["systemData"]["createdAt"])
        return parsedate_to_datetime(answer.headers["Date"]) - created > OLDER
    except (KeyError, TypeError, ValueError):
        return False


def _properties(answer: "HttpResponse") -> Mapping[str, object]:
    try:
        found = _json(answer)["properties"]["properties"]
    except (KeyError, TypeError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def _json(answer: "HttpResponse") -> Any:  # noqa: ANN401 - parsed JSON
    return answer.json()
