"""What is registered in a workspace: models, components, data, environments and computes, as data."""

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

#: Kinds of assets with versions, as their ARM paths spell them.
type Versioned = Literal["models", "components", "data", "environments"]
#: Not a compute of the workspace's, but every job may ask for it by this name.
SERVERLESS = "serverless"
VERSIONED: tuple[Versioned, ...] = ("models", "components", "data", "environments")


@dataclass(frozen=True, slots=True, kw_only=True)
class Asset:
    """One version of an asset. *spec* is what is particular to its kind: a component's steps, a model's flavors."""

    name: str
    version: str
    created: datetime
    tags: Mapping[str, str] = field(default_factory=dict)
    properties: Mapping[str, str] = field(default_factory=dict)
    spec: Mapping[str, Any] = field(default_factory=dict)


class Assets:
    """The assets of the workspace with that ARM id; used under its lock."""

    def __init__(self, workspace: str) -> None:
        self.workspace = workspace
        self.computes: set[str] = {"cpu-cluster"}
        self._versions: dict[Versioned, dict[str, dict[str, Asset]]] = {kind: defaultdict(dict) for kind in VERSIONED}
        self._reference = re.compile(
            re.escape(workspace) + r"/(?:(?P<kind>models|components|data|environments)/(?P<name>[^/]+)/versions/"
            r"(?P<version>[^/]+)|computes/(?P<compute>[^/]+))",
            re.IGNORECASE,
        )

    def put(self, kind: Versioned, asset: Asset) -> None:
        """Register a version, or replace it."""
        self._versions[kind][asset.name][asset.version] = asset

    def get(self, kind: Versioned, name: str, version: str) -> Asset | None:
        """A version, or None."""
        return self._versions[kind][name].get(version) if name in self._versions[kind] else None

    def versions(self, kind: Versioned, name: str) -> tuple[Asset, ...]:
        """All versions of a name, newest first."""
        return tuple(reversed(self._versions[kind][name].values())) if name in self._versions[kind] else ()

    def names(self, kind: Versioned) -> tuple[str, ...]:
        """All names."""
        return tuple(self._versions[kind])

    def next_version(self, name: str) -> str:
        """The next version of a model: one more than the highest that is a number."""
        numbers = [int(asset.version) for asset in self.versions("models", name) if asset.version.isdecimal()]
        return str(max(numbers, default=0) + 1)

    def missing(self, document: object) -> str:
        """What *document* refers to (as whole ARM ids of this workspace) that is not registered; or nothing."""
        for text in _texts(document):
            found = self._reference.fullmatch(text)
            if found is None:
                continue
            if compute := found["compute"]:
                if compute.lower() != SERVERLESS and compute not in self.computes:
                    return f"compute {compute}"
            elif self.get(_kind(found["kind"]), found["name"], found["version"]) is None:
                return f"{found['kind'].lower().removesuffix('s')} {found['name']}:{found['version']}"
        return ""

    def component_of(self, reference: object) -> Asset | None:
        """The registered component an ARM id names, if it does."""
        found = self._reference.fullmatch(reference) if isinstance(reference, str) else None
        if found is None or found["kind"] is None or found["kind"].lower() != "components":
            return None
        return self.get("components", found["name"], found["version"])


def _kind(text: str) -> Versioned:
    return next(kind for kind in VERSIONED if kind == text.lower())


def _texts(document: object) -> Iterator[str]:
    match document:
        case str():
            yield document
        case Mapping():
            for value in document.values():
                yield from _texts(value)
        case list():
            for value in document:
                yield from _texts(value)
        case _:
            return
