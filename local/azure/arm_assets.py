"""Models, components, data, environments and computes in Azure Resource Manager."""

from collections.abc import Sequence
from http import HTTPStatus
from typing import Any

from local.azure.arm_answers import resource, user_error
from local.azure.assets import Asset, Versioned
from local.azure.clock import now
from local.azure.messages import Answer, Request
from local.azure.workspace import Workspace

TYPE = "Microsoft.MachineLearningServices/workspaces"


def get_compute(workspace: Workspace, name: str) -> Answer:
    """A compute cluster, or 404."""
    if name not in workspace.assets.computes:
        return user_error(HTTPStatus.NOT_FOUND, f"Compute {name} is not found.", "NotFound", "ComputeNotFound")
    properties = {
        "computeType": "AmlCompute",
        "provisioningState": "Succeeded",
        "properties": {"vmSize": "STANDARD_DS3_V2", "vmPriority": "Dedicated", "scaleSettings": {"maxNodeCount": 4}},
    }
    body = resource(f"{workspace.id}/computes/{name}", name, f"{TYPE}/computes", properties)
    return Answer(status=HTTPStatus.OK, body=body | {"location": workspace.region})


def get(  # noqa: PLR0911 - a table of routes
    workspace: Workspace, kind: Versioned, path: Sequence[str]
) -> Answer | None:
    """All names of a kind, one of them, its versions, or one version."""
    match [part.lower() if index == 1 else part for index, part in enumerate(path)]:
        case []:
            names = [_container(workspace, kind, name) for name in workspace.assets.names(kind)]
            return Answer(status=HTTPStatus.OK, body={"value": names})
        case [name]:
            if not workspace.assets.versions(kind, name):
                return _missing(kind, name)
            return Answer(status=HTTPStatus.OK, body=_container(workspace, kind, name))
        case [name, "versions"]:
            versions = workspace.assets.versions(kind, name)
            return Answer(
                status=HTTPStatus.OK, body={"value": [_version(workspace, kind, asset) for asset in versions]}
            )
        case [name, "versions", version]:
            asset = workspace.assets.get(kind, name, version)
            if asset is None:
                return _missing(kind, f"{name}:{version}")
            return Answer(status=HTTPStatus.OK, body=_version(workspace, kind, asset))
        case _:
            return None


def put_model(workspace: Workspace, name: str, version: str, request: Request) -> Answer:
    """Register a model version or replace its tags and properties; the last writer wins, there are no etags.

    A version that is new is told as ModelRegistered.
    """
    sent: dict[str, Any] = (request.json() or {}).get("properties") or {}
    tags, properties = sent.get("tags") or {}, sent.get("properties") or {}
    known = workspace.assets.get("models", name, version)
    if known is None:
        workspace.register_model(name, version, tags=tags, properties=properties)
    created = known.created if known else now()
    spec = {key: value for key, value in sent.items() if key not in {"tags", "properties"}}
    model = Asset(name=name, version=version, created=created, tags=tags, properties=properties, spec=spec)
    workspace.assets.put("models", model)
    status = HTTPStatus.OK if known else HTTPStatus.CREATED
    return Answer(status=status, body=_version(workspace, "models", model))


def _container(workspace: Workspace, kind: Versioned, name: str) -> dict[str, Any]:
    versions = workspace.assets.versions(kind, name)
    properties: dict[str, Any] = {
        "latestVersion": versions[0].version if versions else None,
        "nextVersion": workspace.assets.next_version(name) if kind == "models" else None,
        "isArchived": False,
        "tags": {},
        "properties": {},
    }
    return resource(f"{workspace.id}/{kind}/{name}", name, f"{TYPE}/{kind}", properties)


def _version(workspace: Workspace, kind: Versioned, asset: Asset) -> dict[str, Any]:
    arm_id = f"{workspace.id}/{kind}/{asset.name}/versions/{asset.version}"
    common = {"isArchived": False, "isAnonymous": False, "tags": dict(asset.tags), "properties": dict(asset.properties)}
    body = _particular(kind, asset) | common
    return resource(arm_id, asset.version, f"{TYPE}/{kind}/versions", body, created=asset.created)


def _particular(kind: Versioned, asset: Asset) -> dict[str, Any]:
    uri = f"azureml://datastores/workspaceblobstore/paths/{asset.name}/{asset.version}"
    match kind:
        case "models":
            # azure-ai-ml 1.35 fails on a model whose flavors are null or absent.
            return {"modelType": "mlflow_model", "modelUri": uri, "flavors": {}} | dict(asset.spec)
        case "components":
            steps = asset.spec.get("steps", ())
            return {"componentSpec": _component(asset, pipeline=bool(steps))}
        case "data":
            return {"dataType": "uri_folder", "dataUri": uri}
        case "environments":
            return {"image": "mcr.microsoft.com/azureml/openmpi4.1.0-ubuntu22.04", "osType": "Linux"}


def _component(asset: Asset, *, pipeline: bool) -> dict[str, Any]:
    spec: dict[str, Any] = {
        "name": asset.name,
        "version": asset.version,
        "display_name": asset.name,
        "is_deterministic": "True",
        "type": "pipeline" if pipeline else "command",
        "inputs": {},
        "outputs": {},
    }
    return spec if pipeline else spec | {"command": "true", "environment": "azureml:offline:1"}


def _missing(kind: Versioned, what: str) -> Answer:
    single = kind.removesuffix("s")
    return user_error(
        HTTPStatus.NOT_FOUND, f"The {single} {what} is not found.", "NotFound", f"{single.title()}NotFound"
    )
