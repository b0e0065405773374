"""The wheel of a built clone, in a clean environment with JupyterLab, without Node."""

import os
import subprocess
import sys
import venv
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
EXTENSION = "share/jupyter/labextensions/jupyterlab-orrery"


def run(*line, **options):
    done = subprocess.run(line, capture_output=True, text=True, encoding="utf-8", check=False, **options)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    folder = tmp_path_factory.mktemp("wheel")
    pip = [sys.executable, "-m", "pip", "-qq", "--disable-pip-version-check"]
    run(*pip, "wheel", "--no-deps", "--wheel-dir", str(folder), str(ROOT))
    (found,) = folder.glob("*.whl")
    return found


def test_wheel_holds_what_it_needs(wheel):
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
        notices = archive.read("jupyterlab_orrery/THIRD_PARTY_NOTICES.md").decode()
    data = f"jupyterlab_orrery-{wheel.name.split('-')[1]}.data/data/{EXTENSION}"
    for name in ["package.json", "install.json", "schema.json", "LICENSE", "THIRD_PARTY_NOTICES.md"]:
        assert f"{data}/{name}" in names
    for name in ["analyses.json", "schema.json", "py.typed", "model.pyi", "cli/orrery.mjs"]:
        assert f"jupyterlab_orrery/{name}" in names
    assert any(name.startswith(data) and name.endswith(".wasm") for name in names)
    assert not any("jupyterlab_orrery/labextension" in name for name in names)
    assert any(name.endswith("licenses/LICENSE") for name in names)
    for package in ["onnxruntime-web", "plotly.js", "@huggingface/tokenizers"]:
        assert f"## {package} " in notices
    # A licence without its text would be a heading alone.
    assert "Permission is hereby granted, free of charge" in notices and "Apache License" in notices
    assert wheel.stat().st_size < 20e6


def test_wheel_works_in_a_foreign_environment_without_node(wheel, tmp_path):
    venv.create(tmp_path / "env", with_pip=True)
    bin_ = tmp_path / "env" / ("Scripts" if os.name == "nt" else "bin")
    python = str(bin_ / "python")
    # JupyterLab in the versions of the lock file; the wheel itself must need nothing.
    pip = [python, "-m", "pip", "-qq", "--disable-pip-version-check", "install"]
    run(*pip, "--require-hashes", "-r", str(ROOT / "requirements.lock"))
    run(*pip, "--no-index", "--no-deps", str(wheel))
    foreign = {"PATH": str(bin_), "HOME": str(tmp_path), "JUPYTER_CONFIG_DIR": str(tmp_path / "config")}
    listed = run(python, "-m", "jupyter", "labextension", "list", cwd=tmp_path, env=foreign)
    (line,) = [line for line in listed.splitlines() if "jupyterlab-orrery" in line]
    assert "enabled" in line and "OK" in line
    code = "import jupyterlab_orrery as o; print(o.__version__, len(o.ANALYSES)); print(o.Model.logit_lens.__doc__)"
    assert "Logit lens" in run(python, "-c", code, cwd=tmp_path, env=foreign)
