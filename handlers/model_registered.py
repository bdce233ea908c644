"""A model version was registered."""

from collections.abc import Mapping
from dataclasses import dataclass

import msgspec

from handlers.family import Family
from shared.actions import Notice
from shared.events import EVENT_TYPE_PREFIX, Envelope, Event, NotOurs
from shared.orchestration import Orchestration, Settlement
from shared.reactions import Globs, Plan, Reactions, Vocabulary

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
        """The job that registered the model leaves its own properties on it."""
        return self.properties


class When(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Conditions of `on: model-registered`."""

    model: Globs | None = None
    tags: dict[str, Globs] | None = None


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


def plan(event: ModelRegistered, reactions: Reactions) -> Plan:
    """Decide what follows from *event*. Pure: no clock, no network, no log."""
    values = {
        "event.model": f"azureml:{event.model}:{event.version}",
        "event.model.name": event.model,
        "event.model.version": event.version,
    }
    notice = Notice(
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
    return tuple(rule.plan(event, values=values, notice=notice) for rule in reactions.on(event.family))


def handle(event: ModelRegistered, orchestration: Orchestration) -> Settlement:
    """Have :func:`plan` carried out, once per model version."""
    return orchestration.react(event, plan)


FAMILY = Family(
    name=ModelRegistered.family,
    function="model_registered",
    event_types=(MODEL_REGISTERED,),
    vocabulary=Vocabulary(when=When, values=("event.model", "event.model.name", "event.model.version")),
    recognise=recognise,
    handle=handle,
)
