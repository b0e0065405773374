"""Circuits of weights alone on a real model: dense products, none of our low-rank ways."""

import numpy as np

from activations import Norm, Weights, double, unembedding
from part import DOUBLE, SIX, WEIGHTS, Part, numbers, relative


def sides(reference, weights: Weights, analysis: str) -> tuple[np.ndarray, np.ndarray]:
    """Tokens as they are read and as they are looked for or written, [vocabulary, d_model]."""
    if reference.causal:
        table = double(reference.model.model.embed_tokens.weight)
    else:
        embeddings = reference.model.embeddings
        norm = Norm(embeddings.LayerNorm)
        words = double(embeddings.word_embeddings.weight)
        table = norm.linear(words) / norm.scale(words) + norm.bias
    if analysis == 'qk-circuit':
        return table, table
    norm, rows = unembedding(reference)
    return table, norm.transposed(rows)


def vocabulary_circuit(reference, payload: dict) -> list[Part]:
    """Eigenvalues [d_model, d_model] of one head a layer, all tokens' rows of the chosen head."""
    result, analysis, weights = payload['result'], payload['analysis'], Weights(reference)
    left, right = sides(reference, weights, analysis)
    gram = right.T @ left

    def product(layer: int, head: int) -> np.ndarray:
        if analysis == 'ov-circuit':
            return weights.folded(layer, weights.v[layer])[head] @ weights.o[layer][head]
        return weights.folded(layer, weights.q[layer])[head] @ weights.folded(layer, weights.k[layer])[head].T

    def score(layer: int) -> float:
        values = np.linalg.eigvals(product(layer, layer % weights.heads) @ gram)
        return values.sum().real / np.abs(values).sum()

    layers = range(weights.layers)
    scores = np.array([score(layer) for layer in layers])
    found = numbers(result['scores'])[list(layers), [layer % weights.heads for layer in layers]]
    own = product(result['layer'], result['head'])
    singular = np.linalg.svd(own, compute_uv=False)[: len(result['singular'])]
    columns = {name: np.array(values) for name, values in result['rows']['columns'].items()}
    sources = list(dict.fromkeys(columns['sourceId'].tolist()))
    table = left[sources] @ own @ right.T
    values = np.array([table[sources.index(source), token] for source, token in zip(columns['sourceId'], columns['id'])])
    each = len(values) // len(sources)
    best = -np.sort(-table, 1)[:, :each].ravel()
    name = f"{analysis.split('-')[0].upper()} circuit"
    chosen = f"L{result['layer']}H{result['head']}"
    return [
        Part(f'{name}: eigenvalue scores of {len(scores)} heads over {len(left)} tokens', WEIGHTS, found, scores, 1e-5, 'score', DOUBLE),
        relative(f'{name}: singular values of {chosen}', WEIGHTS, np.array(result['singular']), singular, 1e-5, 'of the largest', SIX),
        relative(f'{name}: rows of {len(sources)} tokens in {chosen}', WEIGHTS, columns['value'].astype(np.float64), values, 1e-5, 'of the largest', SIX),
        relative(f'{name}: they are the largest of their rows', WEIGHTS, columns['value'].astype(np.float64), best, 1e-5, 'of the largest', SIX),
    ]


def composition(reference, payload: dict) -> list[Part]:
    """‖A·B‖² = ⟨AᵀA, B·Bᵀ⟩, with d_model × d_model matrices throughout."""
    result, weights = payload['result'], Weights(reference)
    heads, size = weights.heads, weights.d_model
    writes = [weights.folded(at, weights.v[at]) @ weights.o[at] if weights.ln1 else weights.v[at] @ weights.o[at] for at in range(weights.layers)]
    read = lambda at, own: weights.folded(at, own) if weights.ln1 else own
    pairs = np.full((3, weights.layers, weights.layers, heads, heads), np.nan)
    flat = lambda own: own.reshape(heads, size * size)
    grams = lambda own: (flat(own.transpose(0, 2, 1) @ own), np.linalg.norm(flat(own), axis=1))
    sent: list[np.ndarray] = []
    fronts: list[tuple[np.ndarray, np.ndarray]] = []
    for to in range(weights.layers):
        if weights.post and to:
            for norm in weights.post[to - 1]:
                sent = [norm.linear(one) for one in sent]
            fronts = [grams(one) for one in sent]
        q, k = read(to, weights.q[to]), read(to, weights.k[to])
        readers = [q @ k.transpose(0, 2, 1), k @ q.transpose(0, 2, 1), read(to, weights.v[to]) @ weights.o[to]]
        for mode, reader in enumerate(readers if to else []):
            behind, lengths = grams(reader.transpose(0, 2, 1))
            for at, (front, written) in enumerate(fronts):
                pairs[mode, at, to] = np.sqrt(front @ behind.T) / np.outer(written, lengths)
        sent.append(writes[to])
        fronts.append(grams(writes[to]))
    found = numbers(result['values'])
    if found.ndim == 2:
        expected = np.stack([[pairs[mode, at, to].ravel() for to in range(weights.layers) for at in range(to)] for mode in range(3)]).reshape(3, -1)
        name = f'{expected.shape[1]} pairs'
    else:
        below = np.triu(np.ones(found.shape[1:], bool), 1)
        found, expected = found[:, below], pairs.max((3, 4))[:, below]
        name = f'largest of {len(expected[0])} pairs of layers'
    columns = {key: np.array(values) for key, values in result['top']['columns'].items()}
    f, t = (columns[side].astype(int) for side in ('from', 'to'))
    listed = pairs[columns['mode'].astype(int), f // heads, t // heads, f % heads, t % heads]
    return [
        Part(f'composition Q, K, V: {name}', WEIGHTS, found, expected, 1e-6, 'ratio', DOUBLE),
        Part(f'composition: {len(listed)} listed pairs', WEIGHTS, columns['score'].astype(np.float64), listed, 1e-6, 'ratio', DOUBLE),
    ]
