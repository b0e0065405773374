"""Head scores on random tokens repeated once (10 rows of 50 + 50 ids from 0 … vocabulary − 1, no BOS), losses on them and on text repeated once."""

import torch
import torch.nn.functional as F

ROWS, PERIOD = 10, 50


def repeated_tokens(vocab_size: int, seed: int = 7) -> torch.Tensor:
    block = torch.randint(0, vocab_size, (ROWS, PERIOD), generator=torch.Generator().manual_seed(seed))
    return torch.cat([block, block], dim=1)


def repeated_text(held_out: list[torch.Tensor]) -> torch.Tensor:
    """Blocks of 50 tokens, evenly spaced over the text that was kept from training."""
    blocks = [ids[start : start + PERIOD] for ids in held_out for start in range(0, len(ids) - PERIOD, len(ids) // ROWS)]
    return torch.stack([torch.cat([block, block]) for block in blocks])


@torch.no_grad()
def halves(model, ids: torch.Tensor) -> tuple[float, float]:
    """Loss in nats a token inside the first and inside the second copy."""
    losses = F.cross_entropy(model(ids)[:, :-1].transpose(1, 2), ids[:, 1:], reduction="none")
    return round(losses[:, : PERIOD - 1].mean().item(), 4), round(losses[:, PERIOD:].mean().item(), 4)


@torch.no_grad()
def measure(model, ids: torch.Tensor, text: torch.Tensor) -> dict:
    """Induction = mean A[t, t − (S − 1)] over t in the second half; previous-token = mean A[t, t − 1] over t ≥ 1."""
    (text_first, text_second), (first_half, second_half) = halves(model, text), halves(model, ids)
    patterns = torch.stack([layer.pattern for layer in model.layers], dim=1)  # [batch, layer, head, query, key]
    second = patterns[:, :, :, PERIOD:]
    target = torch.arange(PERIOD, 2 * PERIOD) - (PERIOD - 1)
    induction = second.gather(-1, target.view(1, 1, 1, -1, 1).expand(*second.shape[:3], -1, 1)).mean(dim=(0, 3, 4))
    previous = patterns.diagonal(-1, dim1=3, dim2=4).mean(dim=(0, 3))
    rounded = lambda matrix: [[round(v, 4) for v in row] for row in matrix.tolist()]
    return {
        "lossTextFirstCopy": text_first,
        "lossTextSecondCopy": text_second,
        "lossFirstHalf": first_half,
        "lossSecondHalf": second_half,
        "induction": rounded(induction),
        "previousToken": rounded(previous),
    }


@torch.no_grad()
def reading(model, tokenizer, text: str) -> dict:
    """What PyTorch predicts on a text: the most probable next token at each position, and the log-probability of the one that follows."""
    ids = tokenizer.encode(text).ids
    log_probs = model(torch.tensor([ids]))[0].log_softmax(-1)
    following = [round(log_probs[i, token].item(), 4) for i, token in enumerate(ids[1:])]
    return {"text": text, "ids": ids, "top": log_probs.argmax(-1).tolist(), "logProbs": following}
