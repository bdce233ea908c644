"""Reads a job file; every problem that its text shows is told with file, line and remedy."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from shared.errors import ConfigurationError
from shared.job_templates.file_rules import child, problems


@dataclass(frozen=True, slots=True, kw_only=True)
class JobFile:
    """A job file as it was read: *label* names it in messages, *root* knows the lines."""

    label: str
    text: str
    sha256: str
    content: Mapping[str, Any]
    root: yaml.MappingNode

    @property
    def inputs(self) -> Mapping[str, Any]:
        """The inputs as they are written; empty when there are none."""
        inputs = self.content.get("inputs")
        return inputs if isinstance(inputs, dict) else {}

    def refuse(self, problem: str, node: yaml.Node | None = None) -> str:
        """*problem*, with the file and the line of *node*."""
        return f"{self.label}:{(node or self.root).start_mark.line + 1}: {problem}"

    def node(self, path: str) -> yaml.Node:
        """What stands at the dotted *path*, or the nearest thing above it."""
        node: yaml.Node = self.root
        for step in path.split("."):
            below = child(node, step)
            if below is None:
                break
            node = below
        return node


def read(path: Path) -> tuple[bytes, str]:
    """Bytes and SHA-256 of the job file. Raises ConfigurationError when it cannot be read."""
    try:
        raw = path.read_bytes()
    except OSError:
        raise ConfigurationError(
            f"{label(path)}: there is no such job file; `run: job:` takes a path from the project's folder"
        ) from None
    return raw, hashlib.sha256(raw).hexdigest()


def label(path: Path) -> str:
    """Name of the file in messages: its folder and name, wherever the project lies."""
    return f"{path.parent.name}/{path.name}" if path.parent.name else path.name


def parse(path: Path, raw: bytes, sha256: str) -> JobFile:
    """Read the YAML as azure-ai-ml does. Raises ConfigurationError with every problem that can be seen in the text."""
    name = label(path)
    try:
        text = raw.decode("utf-8-sig")
        root = yaml.compose(text, Loader=yaml.SafeLoader)
        content = yaml.safe_load(text)
        if not isinstance(root, yaml.MappingNode) or not isinstance(content, dict):
            raise ConfigurationError(f"{name}: not a job: a job file is a mapping that starts with `type: pipeline`")
        found = list(problems(root, content))
    except UnicodeDecodeError:
        raise ConfigurationError(f"{name}: not UTF-8; save the file as UTF-8") from None
    except RecursionError:
        raise ConfigurationError(f"{name}: nested too deeply, or an anchor that contains itself") from None
    except (yaml.YAMLError, ValueError) as error:  # ValueError: an impossible date
        mark = getattr(error, "problem_mark", None)
        where = f"{name}:{mark.line + 1}" if mark else name
        raise ConfigurationError(f"{where}: not YAML: {getattr(error, 'problem', None) or 'unreadable'}") from None
    job = JobFile(label=name, text=text, sha256=sha256, content=content, root=root)
    if found:
        raise ConfigurationError(*dict.fromkeys(job.refuse(problem, node) for node, problem in found))
    return job
