"""The analyses, as the TypeScript registry describes them (analyses.json is written by the build)."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Mapping

HERE = Path(__file__).resolve().parent
MIME_TYPE = "application/vnd.orrery.v1+json"
#: The model alone in a cell.
CARD = "model-card"


@dataclass(frozen=True)
class Analysis:
    """One entry of `orrery list --json`."""

    id: str
    title: str
    description: str
    theory: Mapping[str, Any]
    #: JSON Schema of the spec.
    schema: Mapping[str, Any]

    @property
    def method(self) -> str:
        """Name of the method of `Model`."""
        return self.id.replace("-", "_")

    @property
    def fields(self) -> dict[str, tuple[str, Mapping[str, Any]]]:
        """Python's name of a field → its name in the spec and its schema."""
        properties = self.schema.get("properties", {})
        return {snake_case(name): (name, schema) for name, schema in properties.items()}


def snake_case(name: str) -> str:
    """topK → top_k"""
    return re.sub(r"(?<=[a-z0-9])([A-Z])", r"_\1", name).lower()


def _read() -> tuple[str, tuple[Analysis, ...]]:
    path = HERE / "analyses.json"
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise ImportError(f"package not built: '{path}' is missing, run 'npm run build' in the repository") from None
    names = Analysis.__dataclass_fields__
    entries = [{name: entry[name] for name in names} for entry in content["analyses"]]
    return content["version"], tuple(Analysis(**entry) for entry in entries)


VERSION, ANALYSES = _read()
