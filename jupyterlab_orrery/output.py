"""What an analysis displays, and its numbers."""

from __future__ import annotations

import json
from typing import Any

from . import headless, tensors
from .registry import MIME_TYPE, Analysis


class Output:
    """One analysis of one model with its fields. Displays in the cell; the page computes it."""

    def __init__(self, analysis: Analysis, path: str, seed: int, spec: dict[str, Any]) -> None:
        self.analysis = analysis
        self._payload = {"analysis": analysis.id, "model": {"path": path}, "seed": seed, "spec": spec}
        self._bundle: dict[str, Any] | None = None

    @property
    def spec(self) -> dict[str, Any]:
        """Content of the MIME type without a result: what the cell holds, and what `orrery run` reads."""
        return json.loads(json.dumps(self._payload))

    def result(self) -> dict[str, Any]:
        """The numbers, computed here on Node by the same code as in the page; tensors as NumPy arrays.

        Errors: RuntimeError when Node is missing or the analysis refuses, ImportError without NumPy.
        """
        return tensors.decode(self._computed())

    def to_pandas(self) -> Any:
        """`result()["values"]` as a table: a column for each dimension, and the value."""
        return tensors.frame(self._computed()["values"])

    def _computed(self) -> dict[str, Any]:
        if self._bundle is None:
            self._bundle = headless.run(self._payload)
        return self._bundle[MIME_TYPE]["result"]

    def __repr__(self) -> str:
        path = self._payload["model"]["path"]
        return f"{self.analysis.title} of {path}: not run yet. {self.analysis.description}"

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, Any]:
        return {MIME_TYPE: self.spec, "text/plain": repr(self)}
