"""The analyses of circuits on a real model, computed here from Hugging Face's activations and weights in double precision.

Each function takes the reference and a payload and gives `Part`s; tolerances stand in them, set before the first run.
"""

import numpy as np
import torch

from activations import Trace, Weights, double, unembedding
from causal import Held, answers, before, encoded, heads_of, hooked, metric
from head_kinds import head_taxonomy
from part import ACTIVATIONS, HOOKS, SWEPT, Part, numbers, relative
from weight_circuits import composition, vocabulary_circuit


def direction(reference, payload: dict, trace: Trace) -> np.ndarray:
    """Of the answer in front of the final norm, over its scale at the last position."""
    norm, rows = unembedding(reference)
    right, wrong = answers(reference, payload)
    return norm.transposed(rows[right] - rows[wrong]) / norm.scale(trace.streams[-1][-1])


def direct_logit_attribution(reference, payload: dict) -> list[Part]:
    result, weights = payload['result'], Weights(reference)
    trace = Trace(reference, weights, result['clean']['ids'])
    u = direction(reference, payload, trace)
    expected = {name: part @ u for name, part in trace.parts(weights, weights.layers, -1).items()}
    columns = result['terms']['columns']
    found = dict(zip(columns['name'], columns['value']))
    right, wrong = answers(reference, payload)
    whole = trace.logits[-1, right] - trace.logits[-1, wrong]
    heads = list(zip(*(result['sourceHeads']['columns'][side] for side in ('layer', 'head'))))
    sources = np.stack([read_from(weights, trace, layer, head, u) for layer, head in heads])
    named = np.array([found[name] for name in expected])
    return [
        Part(f'direct logit attribution, {len(expected)} terms (largest {max(map(abs, expected.values())):.2f})', ACTIVATIONS, named, np.array(list(expected.values())), 2e-4, 'logits'),
        Part('direct logit attribution: the sum of the terms', 'logits', np.array(result['sum']), whole, 1e-4, 'logits', 'asked for before the first run'),
        Part('direct logit attribution: ten heads by source position', ACTIVATIONS, numbers(result['sources']), sources, 2e-4, 'logits'),
    ]


def read_from(weights: Weights, trace: Trace, layer: int, head: int, u: np.ndarray) -> np.ndarray:
    """A head's term at the last position by the position it was read from."""
    x = trace.streams[layer]
    v = (weights.ln1[layer].linear(x) / weights.ln1[layer].scale(x)) @ weights.v[layer][head]
    return trace.patterns[layer][head, -1] * (v @ (weights.o[layer][head] @ u))


def turned(reference, vectors: np.ndarray, position: int) -> np.ndarray:
    """Rotary embedding of rows, by the model's own cosines and sines."""
    if not reference.causal:
        return vectors
    cos, sin = (double(one)[0, 0] for one in reference.model.model.rotary_emb(torch.zeros(1), torch.tensor([[position]])))
    half = vectors.shape[-1] // 2
    return vectors * cos + np.concatenate((-vectors[..., half:], vectors[..., :half]), -1) * sin


def attention_attribution(reference, payload: dict) -> list[Part]:
    result, weights = payload['result'], Weights(reference)
    layer, head, query, [key] = (result[name] for name in ('layer', 'head', 'query', 'keys'))
    trace = Trace(reference, weights, result['input']['ids'])

    def side(weight: np.ndarray, bias: np.ndarray, position: int, rotated: bool) -> dict[str, np.ndarray]:
        parts = trace.parts(weights, layer, position, result['by'] == 'layer')
        stream = trace.streams[layer][position]
        norm = weights.ln1[layer] if weights.ln1 else None
        read = {name: norm.linear(part) / norm.scale(stream) if norm else part for name, part in parts.items()}
        made = {name: part @ weight for name, part in read.items()} | {'constant': bias}
        return {name: turned(reference, part, position) if rotated else part for name, part in made.items()}

    q = side(weights.q[layer][head], weights.bq[layer][head], query, True)
    k = side(weights.k[layer][head], weights.bk[layer][head], key, True)
    v = side(weights.v[layer][head], weights.bv[layer][head], key, False)
    found = numbers(result['values'])
    places = [[names.index(one) for one in own if one in names] for own, names in ((q, result['queryParts']), (k, result['keyParts']))]
    kept = [[one for one in own if one in names] for own, names in ((q, result['queryParts']), (k, result['keyParts']))]
    terms = weights.scale * np.stack([q[one] for one in kept[0]]) @ np.stack([k[one] for one in kept[1]]).T
    score = weights.scale * sum(q.values()) @ sum(k.values())
    written = sum(v.values()) @ weights.o[layer][head]
    along = trace.patterns[layer][head, query, key] * weights.o[layer][head] @ written / np.linalg.norm(written)
    columns = result['writes']['columns']
    writes = dict(zip(columns['name'], columns['value']))
    name = f"attention attribution, L{layer}H{head} by {result['by']}"
    return [
        relative(f'{name}: {terms.shape[0]} × {terms.shape[1]} terms (largest {np.abs(terms).max():.2f})', ACTIVATIONS, found[np.ix_(*places)], terms, 1e-4, 'of the largest'),
        Part(f'{name}: the sum of all terms', ACTIVATIONS, np.array(result['sum']), score, 1e-3, 'score'),
        relative(f'{name}: what the token writes', ACTIVATIONS, np.array([writes[one] for one in v]), np.array([part @ along for part in v.values()]), 1e-4, 'of the largest'),
    ]


def virtual_heads(reference, payload: dict) -> list[Part]:
    """Each pair of heads, summed over positions at full width."""
    result, weights = payload['result'], Weights(reference)
    trace = Trace(reference, weights, result['clean']['ids'])
    u = direction(reference, payload, trace)
    layers, heads = weights.layers, weights.heads
    written = [np.einsum('shd,hdm->hsm', trace.z[at], weights.o[at]) for at in range(layers)]
    pairs = np.zeros((layers, heads, layers, heads))
    for to in range(1, layers):
        norm = weights.ln1[to]
        scale = norm.scale(trace.streams[to])[:, 0]
        for head in range(heads):
            reads = norm.transposed(weights.v[to][head] @ (weights.o[to][head] @ u))
            looks = trace.patterns[to][head, -1] / scale
            for at in range(to):
                pairs[at, :, to, head] = (written[at] @ reads) @ looks
    columns = result['top']['columns']
    places = [np.array(columns[side]).astype(int) for side in ('fromLayer', 'fromHead', 'toLayer', 'toHead')]
    below = np.triu(np.ones((layers, layers), bool), 1)
    return [
        Part('virtual heads: sums of pairs of layers', ACTIVATIONS, numbers(result['values'])[below], pairs.sum((1, 3))[below], 2e-4, 'logits'),
        Part(f"virtual heads: {len(columns['value'])} listed pairs", ACTIVATIONS, np.array(columns['value']), pairs[tuple(places)], 2e-4, 'logits'),
    ]


def causal_tracing(reference, payload: dict) -> list[Part]:
    """Both directions, a forward hook a layer with one head a row, the mean over the prompts."""
    spec, result = payload['spec'], payload['result']
    heads, width = heads_of(reference)
    effects = np.zeros((2, len(result['layers']), heads))
    baseline = 0.0
    for prompt in spec['prompts']:
        one = {'spec': {'prompts': [prompt]}}
        runs = [Held(reference, one, encoded(reference, prompt[side])) for side in ('clean', 'corrupted')]
        baseline += runs[0].metric[0] - runs[1].metric[0]
        for way, (base, source, side, sign) in enumerate(((1, 0, 'corrupted', 1), (0, 1, 'clean', -1))):
            ids = encoded(reference, prompt[side]).expand(heads, -1)
            for row, layer in enumerate(result['layers']):

                def put(z: torch.Tensor, layer: int = layer, source: int = source) -> torch.Tensor:
                    z = z.clone()
                    for head in range(heads):
                        own = slice(head * width, (head + 1) * width)
                        z[head, :, own] = runs[source].z[layer][0, :, own]
                    return z

                with hooked(before(reference.layers[layer].self_attn.o_proj, put)):
                    effects[way, row] += sign * (metric(reference, one, ids) - runs[base].metric[0])
    found = numbers(result['values'])
    return [relative(f"causal tracing, z by head, both directions ({' × '.join(map(str, found.shape))}, {len(spec['prompts'])} prompts)", HOOKS, found, effects / baseline, 1e-3, 'of the largest effect', SWEPT)]


def head_card(reference, payload: dict) -> list[Part]:
    """The card's own numbers of one head: its direct term, and the metric without it."""
    result, spec, weights = payload['result'], payload['spec'], Weights(reference)
    layer, head = result['layer'], result['head']
    prompt = spec['prompts'][0]
    ids = encoded(reference, prompt['clean'])
    trace = Trace(reference, weights, ids[0].tolist())
    u = direction(reference, payload, trace)
    own = slice(head * weights.width, (head + 1) * weights.width)
    swapped = Held(reference, payload, encoded(reference, prompt['corrupted'])).z[layer][0, :, own]

    def replaced(value: torch.Tensor | float) -> np.ndarray:
        def put(z: torch.Tensor) -> torch.Tensor:
            z = z.clone()
            z[0, :, own] = value
            return z

        with hooked(before(reference.layers[layer].self_attn.o_proj, put)):
            return metric(reference, payload, ids)[0]

    base = metric(reference, payload, ids)[0]
    found, direct = result['ablation']['found'], result['direct']['found']
    name = f'head card of L{layer}H{head}'
    return [
        Part(f'{name}: direct term', ACTIVATIONS, np.array(direct['term']['mean']), trace.z[layer][-1, head] @ weights.o[layer][head] @ u, 2e-4, 'logits'),
        Part(f'{name}: without it, and with its corrupted value', HOOKS, np.array([found['zero']['mean'], found['corrupted']['mean']]), np.array([replaced(0.0), replaced(swapped)]) - base, 1e-3, 'logits', SWEPT),
    ]


def lens_by_component(reference, payload: dict) -> list[Part]:
    result, weights = payload['result'], Weights(reference)
    trace = Trace(reference, weights, result['input']['ids'])
    norm, rows = unembedding(reference)
    expected = []
    for position in range(len(trace.ids)):
        parts = np.stack(list(trace.parts(weights, weights.layers, position, True).values()))
        logits = (norm.linear(parts) / norm.scale(trace.streams[-1][position])) @ rows.T
        expected.append(logits[:, trace.logits[position].argmax()] - logits.mean(1))
    found = numbers(result['contributions'])[:-1]
    return [Part(f'logit lens by component: {len(found)} components × {len(trace.ids)} positions', ACTIVATIONS, found, np.stack(expected, 1), 1e-3, 'logits')]


CIRCUITS = {
    'head-taxonomy': head_taxonomy, 'direct-logit-attribution': direct_logit_attribution,
    'attention-attribution-heads': attention_attribution, 'attention-attribution-layers': attention_attribution,
    'ov-circuit': vocabulary_circuit, 'qk-circuit': vocabulary_circuit, 'composition': composition, 'virtual-heads': virtual_heads,
    'causal-tracing': causal_tracing, 'head-card': head_card, 'logit-lens-components': lens_by_component,
}
