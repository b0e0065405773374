"""Head scores and losses on random tokens repeated once: 10 rows of 50 + 50 ids from 0 … vocabulary − 1, no BOS."""

import torch
import torch.nn.functional as F

ROWS, PERIOD = 10, 50


def repeated_tokens(vocab_size: int, seed: int = 7) -> torch.Tensor:
    block = torch.randint(0, vocab_size, (ROWS, PERIOD), generator=torch.Generator().manual_seed(seed))
    return torch.cat([block, block], dim=1)


@torch.no_grad()
def measure(model, ids: torch.Tensor) -> dict:
    """Induction = mean A[t, t − (S − 1)] over t in the second half; previous-token = mean A[t, t − 1] over t ≥ 1."""
    logits = model(ids)
    losses = F.cross_entropy(logits[:, :-1].transpose(1, 2), ids[:, 1:], reduction="none")
    patterns = torch.stack([layer.pattern for layer in model.layers], dim=1)  # [batch, layer, head, query, key]
    second = patterns[:, :, :, PERIOD:]
    target = torch.arange(PERIOD, 2 * PERIOD) - (PERIOD - 1)
    induction = second.gather(-1, target.view(1, 1, 1, -1, 1).expand(*second.shape[:3], -1, 1)).mean(dim=(0, 3, 4))
    previous = patterns.diagonal(-1, dim1=3, dim2=4).mean(dim=(0, 3))
    rounded = lambda matrix: [[round(v, 4) for v in row] for row in matrix.tolist()]
    return {
        "lossFirstHalf": round(losses[:, : PERIOD - 1].mean().item(), 4),
        "lossSecondHalf": round(losses[:, PERIOD:].mean().item(), 4),
        "induction": rounded(induction),
        "previousToken": rounded(previous),
    }
