"""Tensors as results hold them."""

import base64
import zlib

import numpy as np


def tensor(value: dict) -> np.ndarray:
    data = base64.b64decode(value['data'])
    data = zlib.decompress(data) if value.get('encoding') == 'deflate' else data
    return np.frombuffer(data, value['dtype']).reshape(value['shape'])
