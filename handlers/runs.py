"""What the families about runs share: reading a run off an event, and telling a root pipeline from its parts."""

from collections.abc import Mapping
from dataclasses import dataclass

from shared.events import EVENT_TYPE_PREFIX, Envelope

RUN_STATUS_CHANGED = f"{EVENT_TYPE_PREFIX}RunStatusChanged"
RUN_COMPLETED = f"{EVENT_TYPE_PREFIX}RunCompleted"
PIPELINE_RUN = "azureml.pipelinerun"
#: Where a step names the pipelines it belongs to; captured in the tags, the properties, or both.
PARENT_KEYS = ("azureml.pipelinerunid", "azureml.rootpipelinerunid")


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """The run an event is about; *status* is casefolded, "completed" for RunCompleted, which carries none."""

    id: str
    experiment: str
    status: str
    type: str
    tags: Mapping[str, str]
    properties: Mapping[str, str]

    def not_root_pipeline(self) -> str:
        """Return "" for a root pipeline run, else why it is none.

        A nested pipeline is a pipeline run as well, told by its `runSource` and the ids of its parents; the run
        type may be null, and then only the property `azureml.runsource` says what the run is.
        """
        kind = (self.type or self.properties.get("azureml.runsource", "")).casefold()
        if kind != PIPELINE_RUN:
            return "a step of a pipeline" if kind == "azureml.steprun" else "no pipeline run"
        if self.properties.get("runSource", "").casefold() == "subgraphcloud":
            return "a nested pipeline; its root tells the failure"
        parents = {source.get(key) for source in (self.tags, self.properties) for key in PARENT_KEYS}
        if parents - {None, "", self.id}:
            return "a nested pipeline; its root tells the failure"
        return ""


def read_run(envelope: Envelope) -> Run | None:
    """Read the run of a RunStatusChanged or RunCompleted event, None for other types. Raises MalformedError."""
    if envelope.type not in {RUN_STATUS_CHANGED, RUN_COMPLETED}:
        return None
    status = "completed" if envelope.type == RUN_COMPLETED else envelope.text("runStatus").casefold()
    return Run(
        id=envelope.text("runId"),
        experiment=envelope.text("experimentName"),
        status=status,
        type=envelope.optional("runType"),
        tags=envelope.strings("runTags"),
        properties=envelope.strings("runProperties"),
    )
