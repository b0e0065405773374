import pytest

import jupyterlab_orrery as orrery


@pytest.fixture
def notebook(tmp_path, monkeypatch):
    """The folder of a notebook, with a folder that looks like a model beside it."""
    folder = tmp_path / "models" / "tiny"
    folder.mkdir(parents=True)
    (folder / "model.onnx").write_bytes(b"")
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def model(notebook):
    return orrery.load("models/tiny")
