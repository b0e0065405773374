"""One comparison of a result with a reference."""

from dataclasses import dataclass

import numpy as np

from tensors import tensor

ACTIVATIONS, WEIGHTS, HOOKS = 'activations and weights, NumPy', 'dense products of the weights, NumPy', 'forward hooks'
SINGLE = 'set before the first run: activations in single precision through all layers on both sides'
DOUBLE = 'set before the first run: products of the same weights in double precision, kept in single'
SIX = 'set before the first run: products in double precision, kept with six digits'
SWEPT = 'set before the first run: single precision through 30 layers'


@dataclass
class Part:
    what: str
    reference: str
    found: np.ndarray
    expected: np.ndarray
    tolerance: float
    unit: str
    reason: str = SINGLE


def relative(what: str, reference: str, found: np.ndarray, expected: np.ndarray, tolerance: float, unit: str, reason: str = SINGLE) -> Part:
    """By the largest of what is expected."""
    scale = np.abs(expected).max()
    return Part(what, reference, found / scale, expected / scale, tolerance, unit, reason)


def numbers(value: dict) -> np.ndarray:
    return tensor(value).astype(np.float64)
