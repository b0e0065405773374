import os

import pytest

import jupyterlab_orrery as orrery


def test_path_is_posix_and_relative_to_the_notebook(notebook):
    assert orrery.load("models/tiny").path == "models/tiny"
    assert orrery.load(notebook / "models" / "tiny" / "model.onnx").path == "models/tiny/model.onnx"
    assert orrery.load(os.path.join(".", "models", "..", "models", "tiny")).path == "models/tiny"


def test_hub_folder_with_its_model_in_a_subfolder(notebook):
    (notebook / "hub" / "onnx").mkdir(parents=True)
    (notebook / "hub" / "onnx" / "model.onnx").write_bytes(b"")
    assert orrery.load("hub").path == "hub"


def test_missing_path_is_named(notebook):
    with pytest.raises(FileNotFoundError, match="no such file or folder: 'models/gpt3'"):
        orrery.load("models/gpt3")


def test_what_is_nearly_there_is_offered(model):
    with pytest.raises(FileNotFoundError, match=r"models/tinny'.*; did you mean 'models/tiny'\?"):
        orrery.load("models/tinny")
    with pytest.raises(AttributeError, match="'Model' has no analysis 'head_score'; did you mean 'head_scores'?"):
        model.head_score
    assert not hasattr(model, "_ipython_canary_method_should_not_exist_")


def test_a_file_that_is_no_model(notebook):
    (notebook / "config.json").write_text("{}")
    with pytest.raises(ValueError, match="no model: 'config.json' is no .onnx file; give one, or the folder that holds it"):
        orrery.load("config.json")


def test_folder_without_a_model_is_named(notebook):
    (notebook / "empty").mkdir()
    with pytest.raises(ValueError, match="no model: 'empty' holds no .onnx file"):
        orrery.load("empty")


@pytest.mark.parametrize("path", [None, 3, b"models/tiny"])
def test_what_is_not_a_path(notebook, path):
    with pytest.raises(TypeError, match="'path' must be a path"):
        orrery.load(path)


def test_a_second_model(model, notebook):
    folder = notebook / "models" / "other"
    folder.mkdir()
    (folder / "model.onnx").write_bytes(b"")
    for given in ("models/other", folder, orrery.load("models/other")):
        assert model.head_comparison("a b", other=given).spec["spec"]["other"] == "models/other"
    with pytest.raises(FileNotFoundError, match="models/none"):
        model.head_comparison(other="models/none")


def test_models_in_one_figure(model, notebook):
    for name in ("a", "b"):
        folder = notebook / "models" / name
        folder.mkdir()
        (folder / "model.onnx").write_bytes(b"")
    for given in (["models/a", orrery.load("models/b")], "models/a\nmodels/b", ("models/a", notebook / "models" / "b")):
        assert model.rank_collapse("a b", others=given).spec["spec"]["others"] == "models/a\nmodels/b"
    assert model.rank_collapse("a b", others=orrery.load("models/a")).spec["spec"]["others"] == "models/a"
    with pytest.raises(FileNotFoundError, match="models/none"):
        model.rank_collapse(others=["models/a", "models/none"])
