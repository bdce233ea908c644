"""The same two reactions as public samples write them: what the app is compared with."""

import json
import logging
import os

import azure.functions as func
from azure.ai.ml import MLClient, load_job
from azure.communication.email import EmailClient
from azure.identity import DefaultAzureCredential

SUBSCRIPTION_ID = os.environ["SUBSCRIPTION_ID"]
RESOURCE_GROUP = os.environ["RESOURCE_GROUP"]
WORKSPACE_NAME = os.environ["WORKSPACE_NAME"]
JOB_FILE = os.environ["JOB_FILE"]
MAIL_ENDPOINT = os.environ["MAIL_ENDPOINT"]
MAIL_SENDER = os.environ["MAIL_SENDER"]
OPS_EMAIL = os.environ["OPS_EMAIL"]

app = func.FunctionApp()


@app.function_name("model_registered")
@app.event_grid_trigger(arg_name="event")
def model_registered(event: func.EventGridEvent) -> None:
    """Test a registered model."""
    data = event.get_json()
    client = MLClient(DefaultAzureCredential(), SUBSCRIPTION_ID, RESOURCE_GROUP, WORKSPACE_NAME)
    model = f"azureml:{data['modelName']}:{data['modelVersion']}"
    job = load_job(JOB_FILE, params_override=[{"inputs.model.path": model}])
    started = client.jobs.create_or_update(job)
    logging.info("Started %s for %s", started.name, model)  # noqa: LOG015 - as samples do


@app.function_name("pipeline_failure")
@app.event_grid_trigger(arg_name="event")
def pipeline_failure(event: func.EventGridEvent) -> None:
    """Mail Ops about a failed pipeline."""
    data = event.get_json()
    if data["runStatus"] != "Failed":
        return
    client = EmailClient(MAIL_ENDPOINT, DefaultAzureCredential())
    message = {
        "senderAddress": MAIL_SENDER,
        "recipients": {"to": [{"address": OPS_EMAIL}]},
        "content": {
            "subject": f"Pipeline failed: {data['experimentName']}",
            "plainText": f"Run {data['runId']} failed.\n\n{json.dumps(data['runTags'])}",
            "html": f"<p>Run <b>{data['runId']}</b> failed.</p>",
        },
    }
    result = client.begin_send(message).result()
    logging.info("Sent mail %s", result["id"])  # noqa: LOG015 - as samples do
