"""Jobs in Azure Resource Manager: one PUT starts one, and a name is taken for ever."""

from http import HTTPStatus
from typing import Any
from urllib.parse import urlencode

from local.azure.arm_answers import IMMUTABLE, resource, user_error
from local.azure.identity import audience
from local.azure.messages import Answer, Request, error
from local.azure.workspace import Job, Workspace
from local.azure.world import World

SECOND_AUDIENCE = "https://ml.azure.com"
#: What may differ when a job is put again (Azure/azure-sdk-for-python#30671, MicrosoftDocs/azure-docs#122250).
CHANGEABLE = ("description", "tags", "displayName", "properties", "isArchived")
PAGE = 50
TYPE = "Microsoft.MachineLearningServices/workspaces/jobs"


def put_job(workspace: Workspace, name: str, request: Request, world: World) -> Answer:
    """Start a job (201), or refuse: a name that is taken (400), something that is not registered (404)."""
    body = request.json()
    sent = body.get("properties") if isinstance(body, dict) else None
    if not isinstance(sent, dict) or not isinstance(sent.get("jobType"), str):
        return user_error(HTTPStatus.BAD_REQUEST, "The body needs properties with a jobType.", "BadArgument")
    second = world.second_token_required and sent["jobType"] == "Pipeline"
    if second and audience(request.headers.get("x-azureml-token", "")) != SECOND_AUDIENCE:
        message = f"x-azureml-token with a token for {SECOND_AUDIENCE} is needed."
        return error(HTTPStatus.UNAUTHORIZED, "AuthenticationFailed", message)
    if known := workspace.jobs.get(name):
        return _put_again(workspace, known, sent, world)
    if missing := workspace.assets.missing(sent):
        # [unconfirmed] Azure's own status and text for this; the app must bear any refusal that is final.
        return user_error(HTTPStatus.NOT_FOUND, f"The {missing} is not registered in the workspace.", "NotFound")
    job = workspace.submit(name, sent)
    return Answer(status=HTTPStatus.CREATED, body=_resource(workspace, job, status="Preparing"))


def get_job(workspace: Workspace, name: str) -> Answer:
    """A job or a step of one, or 404."""
    if job := workspace.jobs.get(name):
        return Answer(status=HTTPStatus.OK, body=_resource(workspace, job))
    if name in workspace.life.runs:
        # azure-ai-ml takes a job without properties for a child of a pipeline, and reads run history instead.
        arm_id = f"{workspace.id}/jobs/{name}"
        return Answer(status=HTTPStatus.OK, body=resource(arm_id, name, TYPE, {}) | {"properties": None})
    return _missing(name)


def list_jobs(workspace: Workspace, request: Request) -> Answer:
    """Jobs, newest first, in pages; selected by `tag` (its key), `properties` (`name,name=value`) and `jobType`."""
    query = request.query
    found = [job for job in reversed(workspace.jobs.values()) if _selected(job, query)]
    start = int(query.get("$skip", "0"))
    page, rest = found[start : start + PAGE], found[start + PAGE :]
    body: dict[str, Any] = {"value": [_resource(workspace, job) for job in page]}
    if rest:
        parameters = urlencode({**query, "$skip": start + PAGE})
        body["nextLink"] = f"https://management.azure.com{request.path}?{parameters}"
    return Answer(status=HTTPStatus.OK, body=body)


def cancel_job(workspace: Workspace, name: str, request: Request) -> Answer:
    """Ask a job to stop: 202 and where to see that it has."""
    job = workspace.jobs.get(name)
    if job is None:
        return _missing(name)
    workspace.life.cancel(job.run)
    subscription = workspace.id.split("/")[2]
    location = (
        f"https://management.azure.com/subscriptions/{subscription}/providers/Microsoft.MachineLearningServices"
        f"/locations/{workspace.region}/mfeOperationResults/jc:{workspace.guid}:{name}"
        f"?api-version={request.query['api-version']}"
    )
    return Answer(status=HTTPStatus.ACCEPTED, headers={"Location": location, "Retry-After": "1"})


def _put_again(workspace: Workspace, job: Job, sent: dict[str, Any], world: World) -> Answer:
    """A name that is taken: the job stays as it is but, in a mild world, for what may be changed."""
    changed = sorted(
        key for key in {*sent, *job.properties} - set(CHANGEABLE) if sent.get(key) != job.properties.get(key)
    )
    if changed or not world.identical_job_accepted:
        named = ",  ".join(key[:1].upper() + key[1:] for key in changed) or "Settings,  Inputs,  Outputs,  Jobs"
        message = (
            f"A job with this name already exists. The {named} of the existing job cannot be changed. "
            "Only description, tags, displayName, properties, and isArchived can be updated."
        )
        return user_error(HTTPStatus.BAD_REQUEST, message, *IMMUTABLE)
    for key in ("tags", "properties"):
        job.properties[key] = {**(job.properties.get(key) or {}), **(sent.get(key) or {})}
    job.properties |= {key: sent[key] for key in ("description", "displayName", "isArchived") if key in sent}
    job.run.tags |= job.properties["tags"]
    job.run.properties |= job.properties["properties"]
    return Answer(status=HTTPStatus.OK, body=_resource(workspace, job))


def _resource(workspace: Workspace, job: Job, *, status: str = "") -> dict[str, Any]:
    given = {"azureml.runsource": job.run.kind, "runSource": "MFE", "azureml.parameters": "{}"}
    studio = f"https://ml.azure.com/runs/{job.name}?wsid={workspace.id}"
    tracking = f"azureml://{workspace.region}.api.azureml.ms/mlflow/v1.0{workspace.id}"
    properties = job.properties | {
        "status": status or job.run.status,
        "tags": job.run.tags,
        "properties": {**(job.properties.get("properties") or {}), **given},
        "services": {
            "Tracking": {"jobServiceType": "Tracking", "endpoint": tracking, "port": None, "status": None},
            "Studio": {"jobServiceType": "Studio", "endpoint": studio, "port": None, "status": None},
        },
        "experimentName": job.run.experiment,
        "displayName": job.run.name,
        "parentJobName": None,
    }
    return resource(f"{workspace.id}/jobs/{job.name}", job.name, TYPE, properties, created=job.created)


def _selected(job: Job, query: dict[str, str]) -> bool:
    wanted = [part.partition("=") for part in query.get("properties", "").split(",") if part]
    return (
        ("tag" not in query or query["tag"] in job.run.tags)
        and query.get("jobtype", job.properties["jobType"]) == job.properties["jobType"]
        and "scheduleid" not in query
        and all(
            name in job.run.properties and (not sign or job.run.properties[name] == value)
            for name, sign, value in wanted
        )
    )


def _missing(name: str) -> Answer:
    return user_error(HTTPStatus.NOT_FOUND, f"Job {name} is not found.", "NotFound", "JobNotFound")
