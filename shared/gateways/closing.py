"""The edges that close the loop after a job, put together."""

from typing import TYPE_CHECKING, Any

from shared.closing import Closer
from shared.gateways.measured import AzureMlMeasurements
from shared.gateways.model_tags import AzureMlModelTags
from shared.gateways.outcomes import TopicOutcomes
from shared.settings import Settings

if TYPE_CHECKING:
    from azure.core.credentials import TokenCredential
    from azure.core.pipeline.transport import HttpTransport


def connect(settings: Settings, *, transport: "HttpTransport[Any, Any]", credential: "TokenCredential") -> Closer:
    """Return them as the settings want them: without a topic nobody is told."""
    topic = settings.outcome_topic
    return Closer(
        measurements=AzureMlMeasurements(transport=transport, credential=credential),
        model_tags=AzureMlModelTags(transport=transport, credential=credential),
        outcomes=TopicOutcomes(endpoint=topic, transport=transport, credential=credential) if topic else None,
        read_only=settings.read_only,
    )
