"""Kinds of heads on a real model, from Hugging Face's attentions and activations."""

from collections.abc import Callable

import numpy as np

from activations import Trace, Weights, unembedding
from part import ACTIVATIONS, Part, numbers

# Kinds of heads: (key, query, ids, window) → whether a head of the kind looks there.
KINDS: list[Callable[[int, int, list[int], int], bool]] = [
    lambda k, q, ids, w: k == q - 1,
    lambda k, q, ids, w: k != q and ids[k] == ids[q],
    lambda k, q, ids, w: k > 0 and k - 1 != q and ids[k - 1] == ids[q],
    lambda k, q, ids, w: k == q,
    lambda k, q, ids, w: k == 0 and q > 0,
    lambda k, q, ids, w: abs(q - k) < w,
]


def head_taxonomy(reference, payload: dict) -> list[Part]:
    result, weights = payload['result'], Weights(reference)
    ids = result['input']['ids']
    trace = Trace(reference, weights, ids)
    a, size = np.stack(trace.patterns), len(ids)
    seen = np.tri(size, dtype=bool) if reference.causal else np.ones((size, size), bool)
    ideal = [np.array([[kind(k, q, ids, result['window']) for k in range(size)] for q in range(size)]) & seen for kind in KINDS]
    rows = [one.any(1) for one in ideal]
    expected = {
        'values': [(a * one).sum((2, 3)) / a[:, :, own].sum((2, 3)) for one, own in zip(ideal, rows)],
        'mul': [(a * one).sum((2, 3)) / a.sum((2, 3)) for one in ideal],
        'abs': [1 - np.abs(a - one).mean((2, 3)) * size for one in ideal],
    }
    names = {'values': 'weight on the kinds’ places', 'mul': 'mul, all rows', 'abs': 'abs'}
    parts = [Part(f'head taxonomy: {names[key]}', 'attentions', numbers(result[key]), np.stack(own), 1e-5, 'weight') for key, own in expected.items()]
    parts.append(Part('head taxonomy: positional', 'attentions', numbers(result['positional']), by_distance(a, seen, reference.causal), 1e-5, 'weight'))
    if result['copying']['scores'] is not None:
        parts.append(Part('head taxonomy: copying', ACTIVATIONS, numbers(result['copying']['scores']), copying(reference, weights, trace), 1e-4, 'logits'))
    return parts


def by_distance(a: np.ndarray, seen: np.ndarray, causal: bool) -> np.ndarray:
    """Overlap of each row with the head's mean weight at each distance, made to sum to the row's weight."""
    size = len(seen)
    distance = np.subtract.outer(np.arange(size), np.arange(size))
    rows = np.arange(1 if causal else 0, size)
    made = np.zeros_like(a)
    for d in range(1 - size, size):
        places = (distance == d) & seen
        places[: rows[0]] = False
        if places.any():
            made[:, :, places] = a[:, :, places].mean(-1, keepdims=True)
    made *= a.sum(-1, keepdims=True) / np.where(made.sum(-1, keepdims=True) > 0, made.sum(-1, keepdims=True), 1)
    return (np.minimum(a, made).sum(-1) / a.sum(-1))[:, :, rows].mean(-1)


def copying(reference, weights: Weights, trace: Trace) -> np.ndarray:
    norm, rows = unembedding(reference)
    tokens = list(dict.fromkeys(trace.ids))
    u = norm.transposed(rows[tokens])
    rise = (u - u.mean(0))[[tokens.index(one) for one in trace.ids]]
    scale = norm.scale(trace.streams[-1])[:, 0]
    found = []
    for layer in range(weights.layers):
        x = trace.streams[layer]
        read = weights.ln1[layer].linear(x) / weights.ln1[layer].scale(x)
        written = np.einsum('sm,hmd,hde->hse', read, weights.v[layer], weights.o[layer])
        own = (written * rise).sum(-1)
        found.append(((trace.patterns[layer] @ own[:, :, None])[:, :, 0] / scale).mean(-1))
    return np.stack(found)
