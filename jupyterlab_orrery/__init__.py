"""Attention circuits and expressivity probes for any ONNX transformer, inline in JupyterLab.

    import jupyterlab_orrery as orrery

    model = orrery.load("models/induction-2l")
    model.attention_patterns("Call me Ishmael. Call me")
"""

from .model import Model, load
from .output import Output
from .registry import ANALYSES, VERSION as __version__

__all__ = ["ANALYSES", "Model", "Output", "load", "__version__"]


def _jupyter_labextension_paths() -> list[dict[str, str]]:
    return [{"src": "labextension", "dest": "jupyterlab-orrery"}]
