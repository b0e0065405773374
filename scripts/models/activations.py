"""A real model's weights and activations in double precision, by the names of the analyses: what circuits are computed from."""

import numpy as np
import torch

from causal import before, behind, hooked


def double(weight: torch.Tensor) -> np.ndarray:
    return weight.detach().double().numpy()


class Norm:
    """A norm with its scale held at one activation."""

    def __init__(self, module: torch.nn.Module) -> None:
        self.weight = double(module.weight)
        self.centred = isinstance(module, torch.nn.LayerNorm)
        self.bias = double(module.bias) if self.centred else np.zeros_like(self.weight)
        self.epsilon = module.eps if self.centred else module.variance_epsilon

    def centre(self, x: np.ndarray) -> np.ndarray:
        return x - x.mean(-1, keepdims=True) if self.centred else x

    def scale(self, x: np.ndarray) -> np.ndarray:
        return np.sqrt((self.centre(x) ** 2).mean(-1, keepdims=True) + self.epsilon)

    def linear(self, x: np.ndarray) -> np.ndarray:
        """Without scale and bias."""
        return self.centre(x) * self.weight

    def transposed(self, direction: np.ndarray) -> np.ndarray:
        """What a direction behind the norm is in front of it, without the scale."""
        return self.centre(direction * self.weight)


class Weights:
    """Heads of all layers in double precision: q, k, v [layer][head, d_model, d_head], o [layer][head, d_head, d_model]; keys and values repeated for the heads they serve."""

    def __init__(self, reference) -> None:
        config = reference.model.config
        self.heads, self.d_model = config.num_attention_heads, config.hidden_size
        self.width = self.d_model // self.heads
        self.scale = self.width**-0.5
        llama = reference.causal
        attention = [layer.self_attn if llama else layer.attention for layer in reference.layers]
        modules = [(a.q_proj, a.k_proj, a.v_proj, a.o_proj) if llama else (a.self.query, a.self.key, a.self.value, a.output.dense) for a in attention]
        self.q, self.k, self.v = ([self.split(double(own[at].weight)) for own in modules] for at in range(3))
        self.o = [double(own[3].weight).T.reshape(self.heads, self.width, self.d_model) for own in modules]
        biases = [[own[at].bias for own in modules] for at in range(4)]
        self.bq, self.bk, self.bv = ([np.zeros((self.heads, self.width)) if b is None else double(b).reshape(self.heads, -1) for b in biases[at]] for at in range(3))
        self.bo = [None if b is None else double(b) for b in biases[3]]
        # Pre-norm blocks read through a norm; post-norm blocks write through two.
        self.ln1 = [Norm(layer.input_layernorm) for layer in reference.layers] if llama else None
        self.post = None if llama else [(Norm(layer.attention.output.LayerNorm), Norm(layer.output.LayerNorm)) for layer in reference.layers]
        self.layers = len(modules)

    def split(self, weight: np.ndarray) -> np.ndarray:
        """[out, in] → [head, in, d_head]."""
        own = weight.reshape(-1, self.width, self.d_model).transpose(0, 2, 1)
        return own.repeat(self.heads // len(own), 0)

    def folded(self, layer: int, heads: np.ndarray) -> np.ndarray:
        """Reading weights with the norm in front of the block, or with the norms that tokens pass on their way to a post-norm block: [head, d_model, d_head]."""
        norms = [self.ln1[layer]] if self.ln1 else [norm for pair in reversed(self.post[:layer]) for norm in reversed(pair)]
        turned = heads.transpose(0, 2, 1)
        for norm in norms:
            turned = norm.transposed(turned)
        return turned.transpose(0, 2, 1)


class Trace:
    """One run's activations in double precision: stream before each layer and behind the last, z [pos, head, d_head], MLPs, patterns, logits."""

    def __init__(self, reference, weights: Weights, ids: list[int]) -> None:
        llama = reference.causal
        streams, z, self.mlp, self.mid, self.sum = [], [], [], [], []
        keep = lambda to: lambda x: to.append(double(x[0])) or x
        handles = []
        for layer in reference.layers:
            out, mlp = (layer.self_attn.o_proj, layer.mlp) if llama else (layer.attention.output.dense, layer.output.dense)
            handles += [before(layer, keep(streams)), before(out, keep(z)), behind(mlp, keep(self.mlp))]
            if not llama:
                handles += [before(layer.attention.output.LayerNorm, keep(self.mid)), before(layer.output.LayerNorm, keep(self.sum))]
        with hooked(*handles, behind(reference.layers[-1], keep(streams))), torch.no_grad():
            output = reference.model(input_ids=torch.tensor([ids]), output_attentions=True)
        self.streams = streams
        self.z = [one.reshape(len(ids), weights.heads, weights.width) for one in z]
        self.patterns = [double(one[0]) for one in output.attentions]
        self.logits = double(output.logits[0]) if llama else None
        self.ids = ids

    def parts(self, weights: Weights, layer: int, position: int, by_layer: bool = False) -> dict[str, np.ndarray]:
        """What the stream before a layer is the sum of at one position."""
        parts = {'embedding': self.streams[0][position]}
        for at in range(layer):
            written = np.einsum('hd,hdm->hm', self.z[at][position], weights.o[at])
            bias = weights.bo[at]
            if by_layer:
                parts[f'attention {at}'] = written.sum(0) + (0 if bias is None else bias)
            else:
                parts |= {f'L{at}H{head}': one for head, one in enumerate(written)} | ({} if bias is None else {f'b_O {at}': bias})
            if weights.post:
                parts = through(parts, weights.post[at][0], self.mid[at][position], f'ln1.b {at}')
            parts[f'MLP {at}'] = self.mlp[at][position]
            if weights.post:
                parts = through(parts, weights.post[at][1], self.sum[at][position], f'ln2.b {at}')
        return parts


def through(parts: dict[str, np.ndarray], norm: Norm, whole: np.ndarray, bias: str) -> dict[str, np.ndarray]:
    scale = norm.scale(whole)
    return {name: norm.linear(part) / scale for name, part in parts.items()} | {bias: norm.bias}


def unembedding(reference) -> tuple[Norm, np.ndarray]:
    """The final norm, and the rows of the unembedding [vocabulary, d_model]."""
    return Norm(reference.model.model.norm), double(reference.model.lm_head.weight)
