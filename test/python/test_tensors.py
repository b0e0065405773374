import base64
import struct
import zlib

import pytest

from jupyterlab_orrery import tensors

numpy = pytest.importorskip("numpy")


def tensor(data, **labels):
    return {"dims": ["layer", "head"], "shape": [1, 2], "data": base64.b64encode(data).decode(), **labels}


def test_floats():
    value = tensors.array(tensor(struct.pack("<2f", 0.5, -2), dtype="float32"))
    assert value.dtype == numpy.float32 and value.tolist() == [[0.5, -2.0]]


def test_deflated_bytes_on_a_square_root_scale():
    packed = zlib.compress(bytes([0, 255]))
    value = tensors.array(tensor(packed, dtype="uint8", encoding="deflate", scale="square-root"))
    assert value.tolist() == [[0.0, 1.0]]
    half = tensors.array(tensor(bytes([0, 51]), dtype="uint8", scale="square-root"))
    assert half[0, 1] == pytest.approx(0.04, abs=1e-7)  # (51 / 255)² in float32


def test_nested_results():
    values = tensor(struct.pack("<2i", 3, 4), dtype="int32")
    decoded = tensors.decode({"a": [values], "table": {"columns": {"x": [1, None]}}, "n": 3})
    assert decoded["a"][0].tolist() == [[3, 4]]
    assert decoded["table"] == {"x": [1, None]} and decoded["n"] == 3


def test_data_that_do_not_fill_the_shape():
    with pytest.raises(ValueError):
        tensors.array(tensor(b"\0" * 7, dtype="float32"))
