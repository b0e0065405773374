"""Ablation, path patching and steering on a real model by forward hooks in Hugging Face, one component or coefficient a row.

Each function takes (reference, payload, found) and gives [(what, found, expected)], effects in logits: the difference of the answers' logits at the
last token. Components of a layer are its heads, then (ablation) its attention as a whole, then its MLP.
"""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager

import numpy as np
import torch

# Set before the first run: single precision through 30 layers.
LIMIT = 1e-3

Part = tuple[str, np.ndarray, np.ndarray]


@contextmanager
def hooked(*handles: torch.utils.hooks.RemovableHandle) -> Iterator[None]:
    try:
        yield
    finally:
        for handle in handles:
            handle.remove()


def answers(reference, payload: dict) -> tuple[int, int]:
    answer = payload['spec']['prompts'][0]['answer']
    return tuple(reference.tokenizer.encode(side[0]).ids[0] for side in (answer['correct'], answer['wrong']))


def metric(reference, payload: dict, ids: torch.Tensor) -> np.ndarray:
    """[row]."""
    right, wrong = answers(reference, payload)
    with torch.no_grad():
        last = reference.model(input_ids=ids).logits[:, -1].double()
    return (last[:, right] - last[:, wrong]).numpy()


def encoded(reference, text: str) -> torch.Tensor:
    return torch.tensor([reference.tokenizer.encode(text).ids])


def before(module: torch.nn.Module, change: Callable[[torch.Tensor], torch.Tensor]):
    """`change` takes and gives what enters the module."""
    return module.register_forward_pre_hook(lambda _, args: (change(args[0]),))


def behind(module: torch.nn.Module, change: Callable[[torch.Tensor], torch.Tensor]):
    """`change` takes and gives what leaves the module, or the first of it."""

    def hook(_: object, args: tuple, output: object) -> object:
        return (change(output[0]), *output[1:]) if isinstance(output, tuple) else change(output)

    return module.register_forward_hook(hook)


def heads_of(reference) -> tuple[int, int]:
    config = reference.model.config
    return config.num_attention_heads, config.head_dim


def ablation(reference, payload: dict, found: np.ndarray) -> list[Part]:
    """Zeros in place of one head's z, of what the attention adds, or of what the MLP adds."""
    heads, width = heads_of(reference)
    ids = encoded(reference, payload['spec']['prompts'][0]['clean'])
    rows = ids.expand(heads + 2, -1)

    def no_head(z: torch.Tensor) -> torch.Tensor:
        z = z.clone()
        for head in range(heads):
            z[head, :, head * width : (head + 1) * width] = 0
        return z

    def none_at(row: int) -> Callable[[torch.Tensor], torch.Tensor]:
        def change(x: torch.Tensor) -> torch.Tensor:
            x = x.clone()
            x[row] = 0
            return x

        return change

    expected = []
    base = metric(reference, payload, ids)
    for layer in reference.layers:
        with hooked(before(layer.self_attn.o_proj, no_head), behind(layer.self_attn, none_at(heads)), behind(layer.mlp, none_at(heads + 1))):
            expected.append(metric(reference, payload, rows) - base)
    return [('ablation by zeros: heads, attentions, MLPs', found, np.stack(expected))]


class Held:
    """What each attention's output projection takes and each MLP gives in one run."""

    def __init__(self, reference, payload: dict, ids: torch.Tensor) -> None:
        self.z: list[torch.Tensor] = []
        self.mlp: list[torch.Tensor] = []
        keep = lambda to: lambda x: to.append(x.clone()) or x
        with ExitStack() as stack:
            for layer in reference.layers:
                stack.enter_context(hooked(before(layer.self_attn.o_proj, keep(self.z)), behind(layer.mlp, keep(self.mlp))))
            self.metric = metric(reference, payload, ids)


def path_patching(reference, payload: dict, found: np.ndarray) -> list[Part]:
    """The sender has its clean value in the corrupted run, every attention and MLP behind it its corrupted one; the receiver's queries go on."""
    result = payload['result']
    heads, width = heads_of(reference)
    prompt = payload['spec']['prompts'][0]
    clean, corrupted = (encoded(reference, prompt[side]) for side in ('clean', 'corrupted'))
    sent, own = Held(reference, payload, clean), Held(reference, payload, corrupted)
    rows = corrupted.expand(heads + 1, -1)
    receiver = result['receiverLayer']
    expected = []
    for layer in range(result['layers']):

        def put_head(_: torch.Tensor, layer: int = layer) -> torch.Tensor:
            z = own.z[layer].repeat(heads + 1, 1, 1)
            for head in range(heads):
                part = slice(head * width, (head + 1) * width)
                z[head, :, part] = sent.z[layer][0, :, part]
            return z

        def put_mlp(_: torch.Tensor, layer: int = layer) -> torch.Tensor:
            mlp = own.mlp[layer].repeat(heads + 1, 1, 1)
            mlp[heads] = sent.mlp[layer][0]
            return mlp

        queries: list[torch.Tensor] = []
        with ExitStack() as stack:
            stack.enter_context(hooked(before(reference.layers[layer].self_attn.o_proj, put_head), behind(reference.layers[layer].mlp, put_mlp)))
            for later, block in enumerate(reference.layers[layer + 1 :], layer + 1):
                hold = lambda kept: lambda _: kept.expand(heads + 1, -1, -1)
                stack.enter_context(hooked(before(block.self_attn.o_proj, hold(own.z[later])), behind(block.mlp, hold(own.mlp[later]))))
            if receiver >= 0:
                stack.enter_context(hooked(behind(reference.layers[receiver].self_attn.q_proj, lambda q: queries.append(q.clone()) or q)))
            direct = metric(reference, payload, rows)
        if receiver >= 0:

            def put_queries(q: torch.Tensor) -> torch.Tensor:
                q = q.clone()
                for head in result['receiverHeads']:
                    part = slice(head * width, (head + 1) * width)
                    q[..., part] = queries[0][..., part]
                return q

            with hooked(behind(reference.layers[receiver].self_attn.q_proj, put_queries)):
                direct = metric(reference, payload, rows)
        expected.append(direct - own.metric)
    end = 'the logits' if receiver < 0 else f'queries of L{receiver}'
    return [(f'path patching: heads and MLPs to {end}', found, np.stack(expected))]


def steering(reference, payload: dict, found: np.ndarray) -> list[Part]:
    """The difference of the texts' means at their last tokens, added behind a layer at every position."""
    spec, result = payload['spec'], payload['result']
    layer = reference.layers[spec['layer']]

    def mean(texts: str) -> torch.Tensor:
        last: list[torch.Tensor] = []
        with hooked(behind(layer, lambda x: last.append(x[0, -1].clone()) or x)):
            for line in texts.split('\n'):
                metric(reference, payload, encoded(reference, line))
        return torch.stack(last).mean(0)

    direction = mean(spec['positive']) - mean(spec['negative'])
    ids = encoded(reference, spec['prompts'][0]['clean'])
    expected = []
    for alpha in result['alphas']:
        with hooked(behind(layer, lambda x, alpha=alpha: x + alpha * direction)):
            expected.append(metric(reference, payload, ids))
    base = metric(reference, payload, ids)
    return [(f"steering behind layer {spec['layer']}, {len(expected)} coefficients", found - base, np.stack(expected) - base)]


CAUSAL = {'ablation': ablation, 'path-patching-logits': path_patching, 'path-patching-queries': path_patching, 'steering': steering}
