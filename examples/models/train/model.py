"""A decoder of two layers, attention only: pre-norm LayerNorm, rotary positions, no biases in the projections.

Attention is written out (matrix product, mask, softmax, matrix product), so that the exported graph holds the pattern.
"""

import math
from dataclasses import dataclass

import torch
from torch import nn


@dataclass(frozen=True)
class Config:
    vocab_size: int = 512
    d_model: int = 128
    n_heads: int = 4
    n_layers: int = 2
    context: int = 128
    rope_theta: float = 10000.0


def rotary(x: torch.Tensor, theta: float) -> torch.Tensor:
    """Rotates x [batch, head, pos, d_head] by position, halves paired (Su et al. 2021, arXiv 2104.09864)."""
    pos, width = x.shape[-2], x.shape[-1]
    frequency = theta ** (-torch.arange(0, width, 2, dtype=torch.float32) / width)
    angle = torch.arange(pos, dtype=torch.float32)[:, None] * frequency[None, :]
    angle = torch.cat([angle, angle], dim=-1)
    half = width // 2
    turned = torch.cat([-x[..., half:], x[..., :half]], dim=-1)
    return x * angle.cos() + turned * angle.sin()


class Attention(nn.Module):
    def __init__(self, config: Config):
        super().__init__()
        self.config = config
        self.norm = nn.LayerNorm(config.d_model)
        self.q, self.k, self.v, self.o = (nn.Linear(config.d_model, config.d_model, bias=False) for _ in range(4))
        self.pattern: torch.Tensor | None = None

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        batch, pos, width = x.shape
        heads, d_head = self.config.n_heads, width // self.config.n_heads
        y = self.norm(x)
        q, k, v = (f(y).view(batch, pos, heads, d_head).transpose(1, 2) for f in (self.q, self.k, self.v))
        q, k = rotary(q, self.config.rope_theta), rotary(k, self.config.rope_theta)
        scores = q @ k.transpose(-1, -2) / math.sqrt(d_head)
        order = torch.arange(pos)
        scores = scores.masked_fill(order[None, :] > order[:, None], -1e9)
        self.pattern = scores.softmax(-1)
        return self.o((self.pattern @ v).transpose(1, 2).reshape(batch, pos, width))


class Decoder(nn.Module):
    def __init__(self, config: Config):
        super().__init__()
        self.config = config
        self.embed = nn.Embedding(config.vocab_size, config.d_model)
        self.layers = nn.ModuleList(Attention(config) for _ in range(config.n_layers))
        self.norm = nn.LayerNorm(config.d_model)
        self.unembed = nn.Linear(config.d_model, config.vocab_size, bias=False)
        nn.init.normal_(self.embed.weight, std=0.02)

    def forward(self, input_ids: torch.Tensor) -> torch.Tensor:
        x = self.embed(input_ids)
        for layer in self.layers:
            x = x + layer(x)
        return self.unembed(self.norm(x))
