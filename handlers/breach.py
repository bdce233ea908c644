"""How a model monitor tells the breach of a threshold: in the text of a tag, in words and a list."""

import re
from dataclasses import dataclass

BREACH_TAG = "azureml_modelmonitor_threshold_breached"
SIGNAL = re.compile(r"The signal '(?P<name>[^']{1,255})' has failed")
#: In the list behind it: a Python list of JSON objects, which the service may have cut off.
METRIC = re.compile(r'"metric_name"\s*:\s*"([^"\\]{1,255})"')
#: The signals of Azure ML model monitoring that set the tag.
SIGNALS = (
    "data_drift",
    "prediction_drift",
    "data_quality",
    "feature_attribution_drift",
    "model_performance",
    "generation_safety_quality",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Breach:
    """*signal* of *monitor* went beyond its threshold; *metrics*, as far as they are told, are the ones that did."""

    monitor: str
    signal: str
    metrics: tuple[str, ...]


def read_breach(text: str, experiment: str) -> Breach:
    """Read the tag of a monitor's run of *experiment*, by which the monitor goes where its own name is not told."""
    found = SIGNAL.search(text)
    monitor, signal = _monitor_and_signal(found["name"] if found else "", experiment)
    return Breach(monitor=monitor, signal=signal, metrics=tuple(dict.fromkeys(METRIC.findall(text))))


def _monitor_and_signal(name: str, experiment: str) -> tuple[str, str]:
    """Split the documented form ``<monitor>_<signal>``; else the monitor goes by its experiment."""
    for signal in SIGNALS:
        if name.endswith(f"_{signal}"):
            return name.removesuffix(f"_{signal}"), signal
    return experiment, name
