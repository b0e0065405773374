"""The measures of expressivity and geometry on a real model, computed here from Hugging Face's hidden states, weights and modules alone.

Each function takes the reference and a payload and gives (what, found, expected) with numbers that are compared relatively; tolerances stand in
LIMITS, set before the first run.
"""

from dataclasses import dataclass
from typing import Callable, Iterator

import numpy as np
import torch
from scipy.spatial.distance import cdist

Part = tuple[str, np.ndarray, np.ndarray]

# 1e-3 for what is defined by its formula. TwoNN fits ratios of two near distances, which single precision moves more.
IDENTITY, ESTIMATE = 1e-3, 5e-3
LIMITS = {'intrinsic-dimension': ESTIMATE}
REASON = 'set before the first run: an identity of the same weights in single precision'


def places(reference, texts: list[list[int]]) -> list[np.ndarray]:
    """Of each place of the stream the points of all texts, in double precision."""
    found = [[r[0].astype(np.float64) for r in reference.run(np.array([ids]))[1]] for ids in texts]
    return [np.concatenate(place) for place in zip(*found)]


def sample(reference, payload: dict) -> tuple[list[np.ndarray], np.ndarray, np.ndarray]:
    """Of each place the points of all texts, and of each point its text and its token."""
    texts = [reference.tokenizer.encode(line).ids for line in payload['spec']['texts'].splitlines()]
    text, at = (np.concatenate(part) for part in zip(*[(np.full(len(t), i), np.arange(len(t))) for i, t in enumerate(texts)]))
    kept = at > 0 if payload['spec'].get('tokens') == 'but-first' else at >= 0
    return [place[kept] for place in places(reference, texts)], text[kept], np.concatenate(texts)[kept]


def effective_rank(singular: np.ndarray) -> float:
    p = singular / singular.sum()
    p = p[p > 0]
    return float(np.exp(-(p * np.log(p)).sum()))


def unit(x: np.ndarray) -> np.ndarray:
    return x / np.linalg.norm(x, axis=1, keepdims=True)


def token_uniformity(reference, payload: dict, found: np.ndarray) -> list[Part]:
    stream = places(reference, [payload['result']['input']['ids']])
    off = ~np.eye(len(stream[0]), dtype=bool)
    return [
        ('E2 mean cosine of tokens', found[0], np.array([(unit(x) @ unit(x).T)[off].mean() for x in stream])),
        ('E2 effective rank of the stream', found[2], np.array([effective_rank(np.linalg.svd(x, compute_uv=False)) for x in stream])),
    ]


def massive_activations(reference, payload: dict, found: np.ndarray) -> list[Part]:
    stream = places(reference, [payload['result']['input']['ids']])
    top = np.array([np.sort(np.abs(x), axis=None)[::-1][:3] for x in stream]).T
    return [('R6 three largest activations', found[:3], top), ('R6 median activation', found[3], np.array([np.median(np.abs(x)) for x in stream]))]


def participation_ratio(reference, payload: dict, found: np.ndarray) -> list[Part]:
    stream, _, _ = sample(reference, payload)

    def ratio(x: np.ndarray) -> float:
        values = np.linalg.svd(x - x.mean(0), compute_uv=False) ** 2
        return values.sum() ** 2 / (values**2).sum()

    without = [np.delete(x, np.argsort(-x.var(0))[:3], 1) for x in stream]
    return [
        ('R2 participation ratio', found[0], np.array([ratio(x) for x in stream])),
        ('R2 participation ratio without three rogue coordinates', found[1], np.array([ratio(x) for x in without])),
    ]


def anisotropy(reference, payload: dict, found: np.ndarray) -> list[Part]:
    stream, text, token = sample(reference, payload)
    other = text[:, None] != text[None]
    rows = []
    for x in stream:
        cosines = unit(x) @ unit(x).T
        same = [cosines[other & (token == t)[:, None] & (token == t)[None]] for t in np.unique(token)]
        values = np.linalg.svd(x - x.mean(0), compute_uv=False) ** 2
        rows.append([cosines[other].mean(), np.mean([one.mean() for one in same if one.size]), values[0] / values.sum()])
    names = ('R3 mean cosine of tokens of different texts', 'R3 self-similarity', 'R3 share of the first component')
    return [(name, found[i], np.array(rows)[:, i]) for i, name in enumerate(names)]


def intrinsic_dimension(reference, payload: dict, found: np.ndarray) -> list[Part]:
    stream, _, _ = sample(reference, payload)

    def two_nn(x: np.ndarray) -> float:
        far = cdist(x, x)
        # A point nearer than 1e-5 of its length to an earlier one is the same point.
        twin = np.tril(far < 1e-5 * np.linalg.norm(x, axis=1)[:, None], -1).any(1)
        x = x[~twin]
        if len(x) < 100:
            return np.nan
        near = np.sort(cdist(x, x), axis=1)
        mu = np.sort(near[:, 2] / near[:, 1])
        kept = int(len(mu) * 0.9)
        f = np.arange(1, len(mu) + 1)[:kept] / len(mu)
        a, b = np.log(mu[:kept]), -np.log(1 - f)
        return (a @ b) / (a @ a)

    expected = np.array([two_nn(x) for x in stream])
    given = ~np.isnan(expected)
    return [('R1 TwoNN', found[0][given], expected[given])]


def representation_similarity(reference, payload: dict, found: np.ndarray) -> list[Part]:
    stream, _, _ = sample(reference, payload)
    if (form := payload['spec'].get('cca', 'none')) != 'none':
        return [correlations(stream, form, found[2], payload['result']['kept'])]
    grams = [(x - x.mean(0)) @ (x - x.mean(0)).T for x in stream]
    cka = np.array([[(a * b).sum() / np.sqrt((a**2).sum() * (b**2).sum()) for b in grams] for a in grams])
    # Song et al. 2012, equation 5: the unbiased estimator of HSIC, of Gram matrices without their diagonals.
    bare = [g - np.diag(np.diag(g)) for g in (x @ x.T for x in stream)]
    n = len(bare[0])

    def hsic(a: np.ndarray, b: np.ndarray) -> float:
        return ((a * b).sum() + a.sum() * b.sum() / ((n - 1) * (n - 2)) - 2 * a.sum(0) @ b.sum(0) / (n - 2)) / (n * (n - 3))

    own = [hsic(g, g) for g in bare]
    debiased = np.array([[hsic(a, b) / np.sqrt(own[i] * own[j]) for j, b in enumerate(bare)] for i, a in enumerate(bare)])
    return [('R4 linear CKA of all places', found[0], cka), ('R4 debiased CKA of all places', found[1], debiased)]


def correlations(stream: list[np.ndarray], form: str, found: np.ndarray, kept: list[int]) -> Part:
    """SVCCA of the directions with 99 % of the variance (Raghu et al. 2017), PWCCA of all above 1e-6 of the strongest (Morcos et al. 2018)."""
    bases = []
    for x in stream:
        u, s, _ = np.linalg.svd(x - x.mean(0), full_matrices=False)
        share = np.cumsum(s**2) / (s**2).sum()
        bases.append(u[:, : int((share < 0.99).sum()) + 1] if form == 'svcca' else u[:, s > 1e-6 * s[0]])
    if (sizes := [b.shape[1] for b in bases]) != kept:
        raise ValueError(f'{form}: dimensions {kept}, reference {sizes}')

    def mean(i: int, j: int) -> float:
        u, rho, _ = np.linalg.svd(bases[i].T @ bases[j], full_matrices=False)
        if form == 'svcca':
            return rho.mean()
        weights = np.abs((bases[i] @ u).T @ (stream[i] - stream[i].mean(0))).sum(1)
        return rho @ weights / weights.sum()

    expected = np.array([[mean(i, j) for j in range(len(bases))] for i in range(len(bases))])
    return f'R5 {form.upper()} of all places ({min(kept)} to {max(kept)} dimensions, {len(stream[0])} points)', found, expected


def residual(x: torch.Tensor) -> float:
    m = x[0].double().numpy()
    norm = lambda a: np.sqrt(np.abs(a).sum(0).max() * np.abs(a).sum(1).max())
    return norm(m - m.mean(0)) / norm(m)


@dataclass
class Block:
    """What attention and MLP write for a stream, and the norms behind each sum."""

    attention: Callable[[torch.Tensor], torch.Tensor]
    mlp: Callable[[torch.Tensor], torch.Tensor]
    norm_1: Callable[[torch.Tensor], torch.Tensor]
    norm_2: Callable[[torch.Tensor], torch.Tensor]


def blocks(reference, length: int) -> Iterator[Block]:
    same = lambda x: x
    if not reference.causal:
        for layer in reference.layers:
            yield Block(
                lambda x, l=layer: l.attention.output.dense(l.attention.self(x)[0]), lambda x, l=layer: l.output.dense(l.intermediate(x)),
                layer.attention.output.LayerNorm, layer.output.LayerNorm,
            )
        return
    mask = torch.full((1, 1, length, length), torch.finfo(torch.float32).min).triu(1)
    turn = lambda x: reference.model.model.rotary_emb(x, torch.arange(length)[None])
    for layer in reference.layers:
        yield Block(
            lambda x, l=layer: l.self_attn(l.input_layernorm(x), position_embeddings=turn(x), attention_mask=mask)[0],
            lambda x, l=layer: l.mlp(l.post_attention_layernorm(x)), same, same,
        )


def rank_collapse(reference, payload: dict, found: np.ndarray) -> list[Part]:
    ids = np.array([payload['result']['input']['ids']])
    start = torch.tensor(reference.run(ids)[1][0])
    steps = {
        'as it is': lambda x, b: b.norm_2((mid := b.norm_1(x + b.attention(x))) + b.mlp(mid)),
        'without skips': lambda x, b: b.norm_2(b.mlp(b.norm_1(b.attention(x)))),
        'without MLPs': lambda x, b: b.norm_2(b.norm_1(x + b.attention(x))),
        'attention alone': lambda x, b: b.norm_2(b.norm_1(b.attention(x))),
    }
    parts = []
    with torch.no_grad():
        for i, (name, step) in enumerate(steps.items()):
            x, values = start, [residual(start)]
            for block in blocks(reference, ids.shape[1]):
                x = step(x, block)
                values.append(residual(x))
            # Below, single precision is all that is left of it.
            above = np.array(values) > 1e-3
            parts.append((f'E1 residual, {name} ({above.sum()} of {len(values)} places above 1e-3)', found[i][above], np.array(values)[above]))
    return parts


def head_rank(reference, payload: dict, found: np.ndarray) -> list[Part]:
    config = reference.model.config
    heads, groups = config.num_attention_heads, getattr(config, 'num_key_value_heads', config.num_attention_heads)
    rows = []
    for layer in reference.layers:
        attention = layer.self_attn if reference.causal else layer.attention.self
        names = ('q_proj', 'k_proj', 'v_proj') if reference.causal else ('query', 'key', 'value')
        out = layer.self_attn.o_proj if reference.causal else layer.attention.output.dense
        split = lambda linear, n: linear.weight.detach().double().numpy().reshape(n, -1, linear.weight.shape[1])
        q, k, v = (split(getattr(attention, name), n) for name, n in zip(names, (heads, groups, groups)))
        o = out.weight.detach().double().numpy().reshape(out.weight.shape[0], heads, -1).transpose(1, 2, 0)
        row = []
        for head in range(heads):
            group = head // (heads // groups)
            row.append([effective_rank(np.linalg.svd(m, compute_uv=False)) for m in (q[head].T @ k[group], v[group].T @ o[head])])
        rows.append(row)
    expected = np.array(rows)
    return [(f'E4 effective rank of {name}', found[m], expected[:, :, i]) for i, (name, m) in enumerate((('QK', 0), ('OV', 2)))]


MEASURES = {
    'token-uniformity': token_uniformity, 'massive-activations': massive_activations, 'participation-ratio': participation_ratio,
    'anisotropy': anisotropy, 'intrinsic-dimension': intrinsic_dimension, 'representation-similarity': representation_similarity,
    'representation-similarity-svcca': representation_similarity, 'representation-similarity-pwcca': representation_similarity,
    'rank-collapse': rank_collapse, 'head-rank': head_rank,
}
