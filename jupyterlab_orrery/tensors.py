"""Tensors as results hold them → NumPy arrays and tables."""

from __future__ import annotations

import base64
import itertools
import zlib
from typing import Any, Mapping


def decode(value: Any) -> Any:
    """A result with each tensor replaced by an array, and each table by a dict of lists."""
    if isinstance(value, Mapping):
        if {"dims", "shape", "dtype", "data"} <= value.keys():
            return array(value)
        if value.keys() == {"columns"}:
            return {name: list(column) for name, column in value["columns"].items()}
        return {name: decode(entry) for name, entry in value.items()}
    return [decode(entry) for entry in value] if isinstance(value, list) else value


def array(tensor: Mapping[str, Any]) -> Any:
    """Values of a tensor: [its dims], float32 where they are stored on a square-root scale."""
    try:
        import numpy
    except ImportError:
        raise ImportError("NumPy missing: a result's tensors are NumPy arrays (pip install numpy)") from None
    data = base64.b64decode(tensor["data"], validate=True)
    if tensor.get("encoding") == "deflate":
        data = zlib.decompress(data)
    dtype = numpy.dtype(tensor["dtype"]).newbyteorder("<")
    values = numpy.frombuffer(data, dtype).reshape(tensor["shape"])
    if tensor.get("scale") == "square-root":
        return (values.astype(numpy.float32) / 255) ** 2
    if tensor.get("scale") == "signed-square-root":
        signed = (values.astype(numpy.float32) - 128) / 127
        return signed * numpy.abs(signed)
    return values.astype(dtype.newbyteorder("="))


def frame(values: Mapping[str, Any]) -> Any:
    """A tensor as a pandas table, one row an element; a table as it is."""
    try:
        import pandas
    except ImportError:
        raise ImportError("pandas missing: to_pandas() makes a pandas table (pip install pandas)") from None
    if "columns" in values:
        return pandas.DataFrame(values["columns"])
    index = itertools.product(*(range(side) for side in values["shape"]))
    table = pandas.DataFrame(index, columns=list(values["dims"]))
    return table.assign(value=array(values).reshape(-1))
