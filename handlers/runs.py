"""What the families about runs share: reading a run off an event, and telling a root run from its parts."""

from collections.abc import Mapping
from dataclasses import dataclass

from shared.events import EVENT_TYPE_PREFIX, Envelope

RUN_STATUS_CHANGED = f"{EVENT_TYPE_PREFIX}RunStatusChanged"
RUN_COMPLETED = f"{EVENT_TYPE_PREFIX}RunCompleted"
PIPELINE_RUN = "azureml.pipelinerun"
#: Kinds of root runs by their run type (the SDKs' constants); a sweep is HyperDrive's.
KINDS = {PIPELINE_RUN: "pipeline", "azureml.scriptrun": "command", "hyperdrive": "sweep", "automl": "automl"}
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

    @property
    def kind(self) -> str:
        """`pipeline`, `command`, `sweep` or `automl`; "" for a step and for what is of no known kind.

        The run type may be null, and then only the property `azureml.runsource` says what the run is.
        """
        return KINDS.get((self.type or self.properties.get("azureml.runsource", "")).casefold(), "")

    @property
    def pipeline(self) -> str | None:
        """Id of the published pipeline it is a run of, where it is one of those."""
        return self.tags.get("azureml.pipelineid") or self.properties.get("azureml.pipelineid")

    @property
    def root(self) -> str:
        """Id of the job it belongs to, as far as it is told: a step names its root, or at least its pipeline."""
        told = [source.get(key, "") for key in reversed(PARENT_KEYS) for source in (self.properties, self.tags)]
        return next(filter(None, told), self.id)

    def not_root(self) -> str:
        """Return "" for a root run of a known kind, else why it is none.

        A nested pipeline is a pipeline run as well, told by its `runSource` and the ids of its parents.
        """
        if not self.kind:
            step = "azureml.steprun" in {self.type.casefold(), self.properties.get("azureml.runsource", "").casefold()}
            return "a step of a pipeline" if step else "no run of a known kind"
        if self.properties.get("runSource", "").casefold() == "subgraphcloud":
            return "a nested pipeline; its root tells the failure"
        parents = {source.get(key) for source in (self.tags, self.properties) for key in PARENT_KEYS}
        if parents - {None, "", self.id}:
            return "a part of a pipeline; its root tells the failure"
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
