"""Results of the analyses on a real model against Hugging Face's own attentions, hidden states and logits.

    python compare.py MODEL_FOLDER RUNS_FOLDER

RUNS_FOLDER holds <analysis>.json (the MIME type's content with its result) and perhaps hooks.safetensors with the text.txt that it was run on;
table.json is written there:
[{"what", "reference", "deviation", "tolerance", "unit", "reason", "holds"}].
"""

import json
import sys
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import torch
from safetensors.numpy import load_file
from scipy.special import log_softmax
from scipy.stats import entropy
from tokenizers import Tokenizer
from transformers import AutoConfig, AutoModel, AutoModelForCausalLM

import export
from causal import CAUSAL, LIMIT
from circuits import CIRCUITS
from measures import IDENTITY, LIMITS, MEASURES, REASON
from tensors import tensor

# Tolerances are about ten times what was seen when they were set: a rounding difference stays far below, a wrong mask, scale or head far above.
FP32 = 'fp32 sums in another order, through all layers'
KL = f'{FP32}; a sum over 49,152 tokens'


@dataclass
class Row:
    what: str
    reference: str
    deviation: float
    tolerance: float
    unit: str
    reason: str
    holds: bool


def row(what: str, reference: str, found: np.ndarray, expected: np.ndarray, tolerance: float, unit: str, reason: str = FP32) -> Row:
    if found.shape != expected.shape:
        raise ValueError(f'{what}: shape {found.shape}, reference {expected.shape}')
    deviation = float(np.abs(found.astype(np.float64) - expected).max())
    return Row(what, reference, deviation, tolerance, unit, reason, bool(deviation <= tolerance))


class Reference:
    """The original weights in Hugging Face with eager attention."""

    def __init__(self, folder: Path) -> None:
        hub = next(full for full in folder.parent.glob('*-fp32') if folder.name.startswith(full.name.removesuffix('fp32')))
        config = AutoConfig.from_pretrained(hub / 'hf')
        self.causal = config.model_type == 'llama'
        kind = AutoModelForCausalLM if self.causal else AutoModel
        self.model = kind.from_pretrained(hub / 'hf', attn_implementation='eager', dtype=torch.float32).eval()
        self.tokenizer = Tokenizer.from_file(str(folder / 'tokenizer.json'))
        self.tokenizer.no_padding()
        self.layers = self.model.model.layers if self.causal else self.model.encoder.layer

    def run(self, ids: np.ndarray) -> tuple[np.ndarray, list[np.ndarray], np.ndarray]:
        """Patterns [layer, batch, head, query, key], the stream before and after each layer, the output."""
        streams = []
        keep = lambda _, args, output: streams.append((args[0], output[0] if isinstance(output, tuple) else output))
        handles = [layer.register_forward_hook(keep) for layer in self.layers]
        with torch.no_grad():
            output = self.model(input_ids=torch.tensor(ids, dtype=torch.int64), output_attentions=True)
        for handle in handles:
            handle.remove()
        residuals = [streams[0][0], *(after for _, after in streams)]
        return np.stack([a.numpy() for a in output.attentions]).astype(np.float64), [r.numpy() for r in residuals], output[0].numpy()

    def lens(self, residuals: list[np.ndarray]) -> np.ndarray:
        """Log-probabilities [layer + 1, pos, vocabulary]."""
        with torch.no_grad():
            logits = [self.model.lm_head(self.model.model.norm(torch.tensor(r)))[0].double().numpy() for r in residuals]
        return log_softmax(np.stack(logits), -1)


def tokens(reference: Reference, payload: dict) -> Row:
    text, found = payload['spec']['text'], payload['result']['input']['ids']
    expected = reference.tokenizer.encode(text).ids
    return Row(f'tokens of the text ({len(expected)})', 'Hugging Face tokenizers', float(found != expected), 0, '', 'exact', found == expected)


def attention_patterns(reference: Reference, payload: dict) -> list[Row]:
    result = payload['result']
    ids = np.array([result['input']['ids']])
    pattern, _, _ = reference.run(ids)
    if result['size'] != ids.shape[1]:
        raise ValueError(f"patterns were pooled to {result['size']} of {ids.shape[1]} tokens: choose a shorter text")
    found = (tensor(result['values']) / 255.0) ** 2
    reason = 'saved as 8 bits on a square-root scale: half a step is 1/255 at weight 1'
    return [tokens(reference, payload), row('attention patterns, as saved', 'attentions', found, pattern[:, 0], 1 / 255 + 2e-5, 'weight', reason)]


def head_scores(reference: Reference, payload: dict) -> list[Row]:
    result = payload['result']
    half = tensor(result['ids'])
    a, _, _ = reference.run(np.concatenate([half, half], 1))
    s = half.shape[1]
    later = np.arange(s, 2 * s)
    mean = lambda t, back: a[..., t, t - back].mean((1, 3))
    expected = np.stack([mean(np.arange(1, 2 * s), 1), mean(later, s), mean(later, s - 1)])
    what = 'head scores: previous token, duplicate token, induction'
    return [row(what, 'attentions', tensor(result['values']), expected, 1e-5, 'weight')]


def attention_entropy(reference: Reference, payload: dict) -> list[Row]:
    result = payload['result']
    a = reference.run(np.array([result['input']['ids']]))[0][:, 0]
    t = np.arange(a.shape[-1])
    first = 1 if reference.causal else 0
    largest = np.log(t[1:] + 1) if reference.causal else np.log(len(t))
    nats = entropy(a, axis=-1)[..., first:]
    expected = {
        'attention entropy': (nats, 2e-5, 'nats'), 'normalised entropy': (nats / largest, 2e-5, ''),
        'mean distance': ((a * np.abs(t[:, None] - t)).sum(-1)[..., first:], 5e-5, 'tokens'),
        'first-token sink': (a[..., 1:, 0], 2e-5, 'weight'),
    }
    found = tensor(result['values'])
    return [
        row(what, 'attentions, SciPy', found[i], value.mean(-1), tolerance, unit)
        for i, (what, (value, tolerance, unit)) in enumerate(expected.items())
    ]


def logit_lens(reference: Reference, payload: dict) -> list[Row]:
    result = payload['result']
    _, residuals, logits = reference.run(np.array([result['input']['ids']]))
    log_p = reference.lens(residuals)[:, result['positions']]
    output = log_softmax(logits[0][result['positions']].astype(np.float64), -1)
    p, ids = np.exp(log_p), tensor(result['ids'])
    best = -np.sort(-p, -1)[..., : ids.shape[-1]]
    kl = (np.exp(output) * (output - log_p)).sum(-1)
    of = 'hidden states, its norm and unembedding'
    return [
        row('logit lens: probabilities of the tokens shown', of, tensor(result['values']), np.take_along_axis(p, ids, -1), 1e-4, 'probability'),
        row('logit lens: they are the most probable ones', of, np.take_along_axis(p, ids, -1), best, 1e-5, 'probability', 'ties closer than fp32 resolves may change places'),
        row('logit lens: KL(output ‖ layer)', of, tensor(result['kl']), kl, 1e-3, 'nats', KL),
        row('logit lens: entropy', of, tensor(result['entropy']), entropy(p, axis=-1), 5e-4, 'nats'),
    ]


@dataclass
class Precision:
    """Limits of patterns, of the stream (of its largest value by layer), of logits and of an encoder's output."""

    pattern: float
    stream: float
    logits: float
    output: float
    reason: str


SINGLE = Precision(3e-5, 2e-5, 5e-4, 1e-5, FP32)
# Set before the first run: 2^-11 a rounding, some hundred roundings one after another.
HALF = Precision(3e-2, 2e-2, 0.2, 5e-2, 'weights and products rounded to half precision')


def hooks(reference: Reference, folder: Path, ids: np.ndarray, found: dict[str, np.ndarray]) -> list[Row]:
    if folder.name.endswith(('-int8', '-q4-symmetric')):
        return own_output(reference, folder, ids, found)
    limit = HALF if folder.name.endswith('-fp16') else SINGLE
    pattern, residuals, output = reference.run(ids)
    name = 'hook_resid_post' if reference.causal else 'hook_normalized_resid_post'
    streams = np.stack([found[f'blocks.{l}.{name}'] for l in range(len(pattern))])
    expected = np.stack(residuals[1:])
    # Massive activations stand beside small ones: each layer is measured by its own largest value.
    scale = np.abs(expected).max((1, 2, 3), keepdims=True)
    patterns = np.stack([found[f'blocks.{l}.attn.hook_pattern'] for l in range(len(pattern))])
    key, tolerance = ('logits', limit.logits) if reference.causal else ('last_hidden_state', limit.output)
    unit, of = ('logits', '; logits of about 20') if reference.causal else ('', '')
    return [
        row('attention patterns, all layers', 'attentions', patterns, pattern, limit.pattern, 'weight', limit.reason),
        row(f'residual stream after each layer ({name})', 'hidden states', streams / scale, expected / scale, limit.stream, "of the layer's largest value", limit.reason),
        row(key, key.replace('_', ' '), found[key], output, tolerance, unit, limit.reason + of),
    ]


def own_output(reference: Reference, folder: Path, ids: np.ndarray, found: dict[str, np.ndarray]) -> list[Row]:
    """Rounded weights are another model than the original: its output is compared with that of the untouched file."""
    key = 'logits' if reference.causal else 'last_hidden_state'
    own = export.run(folder / 'model.onnx', ids)
    scale = np.abs(own).max()
    reason = 'the same kernels on the same bytes, set before the first run'
    return [row(f'{key} with all hooks observed', 'the untouched file in Python', found[key] / scale, own / scale, 1e-5, 'of the largest value', reason)]


# Rows of one forward of the loop.
PATCHED_ROWS = 30


def activation_patching(reference: Reference, payload: dict) -> list[Row]:
    """One forward hook a patch: the input of the output projection, one head's part of it at some positions."""
    spec, result = payload['spec'], payload['result']
    clean, corrupted = (torch.tensor([result[side]['ids']]) for side in ('clean', 'corrupted'))
    [answer] = [prompt['answer'] for prompt in spec['prompts']]
    right, wrong = (reference.tokenizer.encode(x).ids[0] if isinstance(x, str) else x for [x] in (answer['correct'], answer['wrong']))
    width = reference.model.config.head_dim
    kept: dict[int, torch.Tensor] = {}
    outs = [layer.self_attn.o_proj for layer in reference.layers]

    def metric(ids: torch.Tensor) -> np.ndarray:
        with torch.no_grad():
            last = reference.model(input_ids=ids).logits[:, -1].double()
        return (last[:, right] - last[:, wrong]).numpy()

    handles = [out.register_forward_pre_hook(lambda _, args, at=at: kept.update({at: args[0].clone()})) for at, out in enumerate(outs)]
    metric(clean)
    for handle in handles:
        handle.remove()
    base = metric(corrupted)[0]
    by_position = 'position' in result['values']['dims']
    expected = []
    for layer in result['layers']:
        places = [(head, [pos]) for head in result['heads'] for pos in result['positions']] if by_position else [(head, result['positions']) for head in result['heads']]
        for start in range(0, len(places), PATCHED_ROWS):
            chunk = places[start : start + PATCHED_ROWS]

            def put(_: object, args: tuple, chunk: list = chunk, layer: int = layer) -> tuple:
                x = args[0].clone()
                for at, (head, positions) in enumerate(chunk):
                    part = slice(head * width, (head + 1) * width)
                    x[at, positions, part] = kept[layer][0, positions, part]
                return (x,)

            handle = outs[layer].register_forward_pre_hook(put)
            expected.append(metric(corrupted.expand(len(chunk), -1)) - base)
            handle.remove()
    found = tensor(result['values'])
    values = np.concatenate(expected).reshape(found.shape)
    scale = np.abs(values).max()
    shape = ' × '.join(map(str, found.shape))
    what = f"activation patching, z by {' × '.join(result['values']['dims'])} ({shape} patches, largest effect {scale:.2f} logits)"
    return [row(what, 'forward hooks, one a patch', found / scale, values / scale, 1e-3, 'of the largest effect', 'set before the first run: single precision through 30 layers')]


ANALYSES = {
    'attention-patterns': attention_patterns, 'head-scores': head_scores, 'logit-lens': logit_lens, 'attention-entropy': attention_entropy,
    'activation-patching-ioi': activation_patching, 'activation-patching-induction': activation_patching,
}


def measure(reference: Reference, name: str, payload: dict) -> list[Row]:
    """Found and expected by the size of what is expected."""
    limit = LIMITS.get(name, IDENTITY)
    parts = MEASURES[name](reference, payload, tensor(payload['result']['values']).astype(np.float64))
    of = 'hidden states, weights and modules, NumPy'
    return [row(what, of, found / expected, np.ones_like(expected), limit, 'relative', REASON) for what, found, expected in parts]


def cause(reference: Reference, name: str, payload: dict) -> list[Row]:
    """Effects by the largest of them."""
    parts = CAUSAL[name](reference, payload, tensor(payload['result']['values']).astype(np.float64))
    reason = 'set before the first run: single precision through 30 layers'
    rows = []
    for what, found, expected in parts:
        scale = np.abs(expected).max()
        sizes = ' × '.join(map(str, expected.shape))
        what = f'{what} ({sizes}, largest effect {scale:.2f} logits)'
        rows.append(row(what, 'forward hooks', found / scale, expected / scale, LIMIT, 'of the largest effect', reason))
    return rows


def circuit(reference: Reference, name: str, payload: dict) -> list[Row]:
    parts = CIRCUITS[name](reference, payload)
    return [row(part.what, part.reference, part.found, part.expected, part.tolerance, part.unit, part.reason) for part in parts]


def main(folder: Path, runs: Path) -> None:
    torch.manual_seed(0)
    reference = Reference(folder)
    rows: list[Row] = []
    names = [name for name in (*ANALYSES, *CAUSAL, *CIRCUITS, *MEASURES) if (runs / f'{name}.json').exists()]
    payloads = {name: json.loads((runs / f'{name}.json').read_text()) for name in names}
    if (runs / 'hooks.safetensors').exists():
        ids = np.array([reference.tokenizer.encode((runs / 'text.txt').read_text()).ids])
        rows += hooks(reference, folder, ids, load_file(runs / 'hooks.safetensors'))
    for name, payload in payloads.items():
        if name in ANALYSES:
            rows += ANALYSES[name](reference, payload)
        else:
            rows += (cause if name in CAUSAL else circuit if name in CIRCUITS else measure)(reference, name, payload)
    (runs / 'table.json').write_text(json.dumps([asdict(one) for one in rows], indent=2))


if __name__ == '__main__':
    main(Path(sys.argv[1]), Path(sys.argv[2]))
