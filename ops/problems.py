"""What goes wrong between an operator and the account, with the remedy; and the exit codes."""

from collections.abc import Sequence
from http import HTTPStatus

from shared.errors import ContentionError, DeadlineError, ReactorError, RowTooLargeError, StorageError
from shared.gateways.blobs import DEAD_LETTERS, LARGE_EVENTS
from shared.gateways.queue import QUEUE
from shared.store import TABLE

DONE, NOT_ALL, USAGE, NO_ACCESS = 0, 1, 2, 3

#: What an operator needs, by service, or by operation where it needs more: the role, and where.
ROLES = {
    "blob": ("Storage Blob Data Contributor", f"the containers {DEAD_LETTERS} and {LARGE_EVENTS}"),
    "queue": ("Storage Queue Data Message Sender", f"the queue {QUEUE}"),
    "table": ("Storage Table Data Reader", f"the table {TABLE}"),
    **dict.fromkeys(("purge", "insert", "merge"), ("Storage Table Data Contributor", f"the table {TABLE}")),
}
#: Errors of azure-core, by name as StorageError tells them, after which nothing was sent.
NEVER_SENT = frozenset({"ServiceRequestError", "ServiceRequestTimeoutError"})
NO_TOKEN = frozenset({"ClientAuthenticationError", "CredentialUnavailableError"})


class OpsError(Exception):
    """It could not be done: *problem* says why (*details* beforehand), *remedy* what to do, *code* is the exit code."""

    def __init__(self, problem: str, remedy: str = "", *, code: int, details: Sequence[str] = ()) -> None:
        super().__init__(problem)
        self.problem, self.remedy, self.code, self.details = problem, remedy, code, tuple(details)


def usage(problem: str, remedy: str = "") -> OpsError:
    """Return the error of a command that asks for what there is not."""
    return OpsError(problem, remedy, code=USAGE)


def translated(error: ReactorError) -> OpsError:
    """Say what *error* means to an operator.

    NO_ACCESS is what will be the same for the next letter; anything else may pass, or is about this letter alone.
    """
    match error:
        case StorageError():
            return _storage_trouble(error)
        case RowTooLargeError():
            return OpsError("it is larger than storage takes", code=NOT_ALL)
        case ContentionError():
            return OpsError("others change the same row at the same moment", "try again", code=NOT_ALL)
        case DeadlineError():
            return OpsError("the storage account did not answer in time", "try again", code=NOT_ALL)
    return OpsError(str(error), code=NOT_ALL)


def _storage_trouble(error: StorageError) -> OpsError:
    service, status, name = str(error.facts["service"]), error.facts.get("status"), str(error.facts["problem"])
    if status in {HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN}:
        operation = str(error.facts["operation"])
        return _not_allowed(service, operation, int(status))
    if status == HTTPStatus.NOT_FOUND:
        problem = f"the storage account does not have {ROLES[service][1]}"
        return OpsError(problem, "is it the account of the state (settings StateStorage…)?", code=NO_ACCESS)
    if status is None and name in NEVER_SENT:
        remedy = "check the account's name, its firewall and private endpoints, and your network"
        return OpsError(f"the storage account cannot be reached ({service})", remedy, code=NO_ACCESS)
    if status is None and name in NO_TOKEN:
        remedy = "log in with `az login` (or azd, PowerShell, environment variables), or use a connection string"
        return OpsError("there is no Azure login to be had", remedy, code=NO_ACCESS)
    told = f"{name}, status {status}" if status else name
    return OpsError(f"{service} storage did not answer as it should ({told})", "try again", code=NOT_ALL)


def _not_allowed(service: str, operation: str, status: int) -> OpsError:
    role, scope = ROLES.get(operation) or ROLES[service]
    remedy = (
        f"your login needs the role {role} on {scope} (a new one takes minutes to arrive); "
        "with a role, look at the account's firewall; with a connection string, at its key"
    )
    return OpsError(f"{service} storage refuses ({status})", remedy, code=NO_ACCESS)
