"""Tags of a model version, written beside whatever else stands there.

Azure ML has no ETag and no PATCH for model versions: a write is GET, change, PUT of the same properties, and two of
them at once lose one. So a write counts once it is still there when it is read back after longer than any write that
had begun before can last; else it is repeated (docs/adr/0012-closing-the-loop.md).
"""

from datetime import timedelta
from http import HTTPStatus
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import msgspec

from shared.actions import Deferred, Done, Failed, Outcome, WriteTags
from shared.events import moment
from shared.gateways import answers
from shared.gateways.azure_ml import ARM, LATER, ROLE
from shared.gateways.reading import API_VERSION, MODEL, Properties, Reader, mapping, segment

if TYPE_CHECKING:
    from azure.core.credentials import TokenCredential
    from azure.core.pipeline.transport import HttpTransport
    from azure.core.rest import HttpResponse

#: A run ends within 20 s (function_app.py), so a write that has begun before is over by then.
READ_BACK = timedelta(seconds=30)
#: How long another writer may go on removing what was written.
LOSING = timedelta(hours=1)
WRITTEN = Deferred("tags: written; they count once they are read back", READ_BACK, trouble=False)
LOST = Deferred("tags-lost: they are not there (any more), and are written again", READ_BACK, LOSING)
FORBIDDEN = (
    "the identity may not write tags of models (Microsoft.MachineLearningServices/workspaces/models/versions/write is "
    "in none of its roles, or not propagated yet); where it shall not: READ_ONLY_WORKSPACES, or `write_tags: false`"
)


class AzureMlModelTags:
    """Writes tags of model versions; implements `shared.gateways.ModelTags`. Safe to share between threads.

    *transport* is closed by whoever built it; *credential* gives tokens for Azure Resource Manager and Azure ML.
    """

    def __init__(self, *, transport: "HttpTransport[Any, Any]", credential: "TokenCredential") -> None:
        self._reader = Reader(transport=transport, credential=credential)

    def write(self, action: WriteTags, *, repeated: bool) -> Outcome:
        """Have the tags on the model version; see `shared.gateways.ModelTags`."""
        path = f"/models/{segment(action.model)}/versions/{segment(action.version)}"
        found = self._reader.in_arm(action.workspace, path, MODEL)
        if isinstance(found, Deferred):
            return Deferred(f"tags-unread: {found.reason}", found.after, found.limit)
        tags = mapping(found.get("tags"))
        if standing := _stands(action, tags) if found else "the model version is gone: there is nothing to write on":
            return Done(f"{action.model}:{action.version}", standing)
        there = _holds(action, tags)
        if there and repeated:
            return Done(f"{action.model}:{action.version}", "read back")
        refused = None if there else self._put(action, path, {**found, "tags": {**tags, **action.tags}})
        return refused or (LOST if repeated else WRITTEN)

    def _put(self, action: WriteTags, path: str, properties: Properties) -> Outcome | None:
        url = f"{ARM}{quote(action.workspace, safe='/')}{path}?api-version={API_VERSION}"
        answer = self._reader.azure_ml.put(url, {"properties": dict(properties)})
        refused = answer if isinstance(answer, Deferred) else _refusal(answer)
        if isinstance(refused, Deferred):  # it may have been written: what is read too early proves nothing
            return msgspec.structs.replace(refused, after=max(refused.after, READ_BACK))
        return refused


def _stands(action: WriteTags, tags: Properties) -> str:
    """Tell of a later verdict that stands there, "" where there is none; what is no time is not later."""
    standing, own = moment(str(tags.get(action.at))), moment(action.tags[action.at])
    return f"a later verdict stands there ({tags[action.at]})" if standing and own and standing > own else ""


def _holds(action: WriteTags, tags: Properties) -> bool:
    return all(tags.get(key) == value for key, value in action.tags.items())


def _refusal(answer: "HttpResponse") -> Outcome | None:
    """What a status means; None where it was written. Azure's error code is told, its text never."""
    status = answer.status_code
    code = f" ({found})" if (found := answers.error_code(answer)) else ""
    wait = answers.retry_after(answer.headers)
    if status in {HTTPStatus.OK, HTTPStatus.CREATED}:
        return None
    if status == HTTPStatus.FORBIDDEN:
        return Deferred(f"forbidden{code}: {FORBIDDEN}", wait if wait is not None else ROLE, answers.PROPAGATION)
    if status in {401, 404, 408, 409, 429} or status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        return Deferred(f"azure-ml {status}{code}: tags are written again", wait if wait is not None else LATER)
    return Failed(f"tags-refused {status}{code}: look at the model version's tags; a tag takes few characters")
