"""A model version was registered."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated

from handlers.family import COMMON, Family
from shared.events import EVENT_TYPE_PREFIX, Envelope, Event, NotOurs
from shared.lineage import MODEL, ModelVersion, ours
from shared.notices import Notice
from shared.reactions import Vocabulary
from shared.reactions.conditions import Condition, Conditions, Place, says
from shared.reactions.values import Values

MODEL_REGISTERED = f"{EVENT_TYPE_PREFIX}ModelRegistered"


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelRegistered(Event):
    """Version *version* of the model *model*; a version is any text."""

    family = "model-registered"

    model: str
    version: str
    tags: Mapping[str, str]
    properties: Mapping[str, str]

    @property
    def subject(self) -> str:
        """The model's name."""
        return self.model

    @property
    def identity(self) -> str:
        """The model version: a name holds no colon."""
        return f"{self.model}:{self.version}"

    @property
    def label(self) -> str:
        """Name and version."""
        return self.identity

    @property
    def lineage(self) -> Mapping[str, str]:
        """A job may leave its own properties on the model that it registers."""
        return ours(self.properties)

    @property
    def origin(self) -> ModelVersion:
        """The version, whose job Azure ML knows."""
        return ModelVersion(name=self.model, version=self.version)

    @property
    def stamp(self) -> Mapping[str, str]:
        """The version, for whatever follows from its jobs."""
        return {MODEL: self.identity}


class When(Place, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Conditions of `on: model-registered`."""

    model: Annotated[Condition | None, says("the model's name")] = None
    version: Annotated[Condition | None, says('the version, which is text: `"7"`')] = None
    tags: Annotated[Conditions | None, says("the tags of the model version, each by its name")] = None
    properties: Annotated[Conditions | None, says("the properties of the model version, each by its name")] = None


def recognise(envelope: Envelope) -> ModelRegistered | NotOurs:
    """Tell a registered model. Raises MalformedError when name or version is missing."""
    if envelope.type != MODEL_REGISTERED:
        return NotOurs("no registered model")
    return ModelRegistered(
        envelope=envelope,
        model=envelope.text("modelName"),
        version=envelope.text("modelVersion"),
        tags=envelope.strings("modelTags"),
        properties=envelope.strings("modelProperties"),
    )


def values(event: ModelRegistered) -> Values:
    """Return what stands behind the names of this family."""
    return {
        "event.model": f"azureml:{event.model}:{event.version}",
        "event.model.name": event.model,
        "event.model.version": event.version,
        "event.model.tags": event.tags,
        "event.model.properties": event.properties,
    }


def notice(event: ModelRegistered) -> Notice:
    """Return what a mail tells."""
    return Notice(
        kind=event.family,
        headline=f"Model registered: {event.identity}",
        workspace=event.workspace,
        experiment="",
        run="",
        status="Registered",
        time=event.envelope.time,
        reaction="",
        tags=event.tags,
    )


FAMILY = Family(
    name=ModelRegistered.family,
    function="model_registered",
    event_types=(MODEL_REGISTERED,),
    vocabulary=Vocabulary(
        when=When,
        values={
            "event.model": "model",
            "event.model.name": "text",
            "event.model.version": "text",
            "event.model.tags": "map",
            "event.model.properties": "map",
            **COMMON,
        },
    ),
    recognise=recognise,
    values=values,
    notice=notice,
)
