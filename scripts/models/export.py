"""What both models need: where a package keeps its weights, optimum's export, the check against Hugging Face."""

import importlib.util
import json
import shutil
import sys
import tempfile
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import torch
from optimum.exporters.onnx import onnx_export_from_model
from transformers import PreTrainedModel

# fp32 in two implementations, 30 layers: the largest difference measured is 7e-5 on logits of about 20.
TOLERANCE = 5e-4


def say(words: str) -> None:
    print(words, file=sys.stderr, flush=True)


def package_folder(name: str) -> Path:
    """Found without importing the package: its own dependencies are not installed."""
    return Path(importlib.util.find_spec(name).origin).parent


def export(model: PreTrainedModel, task: str, path: Path) -> None:
    """One ONNX file without past key values, by optimum's TorchScript exporter."""
    model.config._name_or_path = ''
    with tempfile.TemporaryDirectory(dir=path.parent) as made:
        onnx_export_from_model(model, Path(made), task=task, monolith=False, do_validation=False, preprocessors=None)
        onnx.save(onnx.load(Path(made) / 'model.onnx'), path)


def check(path: Path, model: PreTrainedModel, ids: torch.Tensor) -> None:
    """Ends the job when the file's output is not Hugging Face's."""
    with torch.no_grad():
        expected = model(input_ids=ids)[0].numpy()
    error = np.abs(run(path, ids.numpy()) - expected).max()
    say(f'{path.parent.name}: {path.stat().st_size / 1e6:.0f} MB, largest difference from Hugging Face {error:.1e}')
    if not error <= TOLERANCE:
        path.unlink()
        sys.exit(f'export failed: {path} differs from Hugging Face by {error}, more than {TOLERANCE}')


def run(path: Path, ids: np.ndarray) -> np.ndarray:
    session = onnxruntime.InferenceSession(path, providers=['CPUExecutionProvider'])
    feeds = {
        'input_ids': ids, 'attention_mask': np.ones_like(ids), 'token_type_ids': np.zeros_like(ids),
        'position_ids': np.tile(np.arange(ids.shape[1]), (len(ids), 1)),
    }
    return session.run(None, {i.name: feeds[i.name] for i in session.get_inputs()})[0]


def write_json(path: Path, data: dict) -> None:
    path.write_text(json.dumps(data, indent=2, ensure_ascii=False) + '\n', encoding='utf-8')


def copy_beside(source: Path, folder: Path, names: tuple[str, ...]) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for name in names:
        shutil.copy(source / name, folder / name)
