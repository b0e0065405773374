"""The command line inside the Python package: onnxruntime-web on Node, no npm packages beside it."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

import jupyterlab_orrery as orrery
from jupyterlab_orrery import headless

ROOT = Path(__file__).resolve().parents[2]
MODEL = ROOT / "examples" / "models" / "induction-2l"


def orrery_command(*arguments):
    line = [sys.executable, "-m", "jupyterlab_orrery", *arguments]
    return subprocess.run(line, capture_output=True, text=True, encoding="utf-8", check=False)


def test_list_is_what_python_was_generated_from():
    done = orrery_command("list", "--json")
    assert done.returncode == 0, done.stderr
    assert [entry["id"] for entry in json.loads(done.stdout)] == [analysis.id for analysis in orrery.ANALYSES]


def test_exit_code_passes_through():
    done = orrery_command("inspect", "nowhere")
    assert done.returncode == 1
    assert len(done.stderr.strip().splitlines()) == 1 and "nowhere" in done.stderr


def test_result_is_computed_without_a_page(monkeypatch):
    monkeypatch.chdir(MODEL.parent)
    output = orrery.load(MODEL.name).attention_patterns("Call me Ishmael. Call me", layers=[0])
    result = output.result()
    values = result["values"]
    assert values.shape[0] == 1 and values.shape[2] == values.shape[3] == len(result["input"]["ids"])
    # Stored as bytes on a square-root scale: each of up to n weights of a row is off by at most 1/255.
    assert abs(values.sum(axis=-1) - 1).max() < values.shape[3] / 255


def test_refusal_of_the_core_is_one_sentence(model):
    with pytest.raises(RuntimeError, match="model.onnx") as caught:
        model.logit_lens("a").result()
    assert "\n" not in str(caught.value)


def test_missing_node_is_said(model, monkeypatch):
    monkeypatch.setattr(headless.shutil, "which", lambda _: None)
    with pytest.raises(RuntimeError, match="Node missing"):
        model.logit_lens("a").result()
